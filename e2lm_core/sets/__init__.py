"""Writing question sets: the collection, editing, versions, the editor's sheet, import of tables; uses base."""
