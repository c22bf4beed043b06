"""Checkpoints of a model hub: listing, resumable download, verification, eviction; uses base, people."""
