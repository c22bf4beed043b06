"""What makes up the Score, what would raise it, and what was published; uses base and scores."""
