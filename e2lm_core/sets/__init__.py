"""Writing question sets: authoring, history, the editor's sheet, import of tables; uses base."""
