"""The checkpoints there are, with step and tokens seen: catalogue, families, local folders; uses base."""
