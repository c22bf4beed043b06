"""Adding and keeping checkpoints from a hub; uses all but commands."""
