"""Number of questions for a wanted precision, and time of a fleet; uses base and scores."""
