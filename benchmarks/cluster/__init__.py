"""A Ray cluster on this machine: kills, the planner beside real runs, and what two workers gain."""
