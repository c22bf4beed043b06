"""A studio for others, from the command line: its Space, and its home backed up and brought back; uses base and deploy."""
