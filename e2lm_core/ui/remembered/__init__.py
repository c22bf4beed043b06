"""What a session remembers, so that a page at rest computes nothing; uses all but commands."""
