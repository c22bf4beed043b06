"""Questions to check: doubtful answer keys, weak distractors, guessing test; uses base and scores."""
