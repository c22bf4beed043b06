"""What is said of runs and of the state of a set, in sentences; uses base, scores and runs."""
