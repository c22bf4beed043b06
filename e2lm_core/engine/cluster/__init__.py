"""Backend of a Ray cluster: messages, actors and driver; uses base and checkpoints."""
