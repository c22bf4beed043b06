"""Runs split over several machines: shares, shard files, merging; uses base and people."""
