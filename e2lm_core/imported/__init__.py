"""Results from elsewhere: read, joined to curves, kept; uses base, scores, analysis and checkpoints."""
