"""Writing question sets: collection, editing, versions, the editor's sheet, import of tables; uses base."""
