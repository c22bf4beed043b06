"""Editing state beside a saved set: drafts, presence, bulk edits, table sync, rule trials."""
