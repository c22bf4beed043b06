"""Unsaved edits: forms, autosave, conflicts, recovery."""
