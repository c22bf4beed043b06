"""What the learning curves say: when models part, when they leave chance, how subjects differ; uses base and scores."""
