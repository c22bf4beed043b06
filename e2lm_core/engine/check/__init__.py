"""Which way of computing a model is right: its configuration by name, a probe, and the comparison; uses base and engine."""
