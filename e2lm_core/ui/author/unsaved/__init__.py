"""What is typed and not saved yet: forms that keep it, saving, clashes with others, and what waits; uses all but commands."""
