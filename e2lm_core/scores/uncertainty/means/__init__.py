"""Means and their differences: proportions, groups, seeds, multiple testing; uses base."""
