"""Process-wide cache of what pages show."""
