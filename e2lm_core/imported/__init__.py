"""Results from elsewhere: their files read, joined to models and checkpoints, kept; uses base, scores, analysis and checkpoints."""
