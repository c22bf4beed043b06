"""The table of questions and choosing among them; uses all but commands."""
