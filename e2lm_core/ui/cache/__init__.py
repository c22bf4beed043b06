"""Process-wide cache of the values shown on pages."""
