"""The place Models and runs: runs, checkpoints, people, imported results."""
