"""Choice of the way to score a model: rules, probe, comparison with plain batches; uses base."""
