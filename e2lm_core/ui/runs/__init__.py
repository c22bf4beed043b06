"""A run's controls, and starting what they queue; uses all but commands."""
