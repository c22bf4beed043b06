"""What single questions do, and choosing among them on some models to be judged on others; uses base and scores."""
