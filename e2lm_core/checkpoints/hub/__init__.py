"""Checkpoints from a model hub: added, downloaded with resume, verified, evicted; uses base."""
