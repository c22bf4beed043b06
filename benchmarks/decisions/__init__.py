"""Study of the probability to end ahead: `python -m benchmarks.decisions`."""
