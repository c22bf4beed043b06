"""The place Decide: comparison and planning."""
