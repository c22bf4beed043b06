"""Imported results: upload, current import, curves, saved imports."""
