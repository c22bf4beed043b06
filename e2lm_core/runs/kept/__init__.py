"""Results that are kept: the store of log-likelihoods by content, and what the package brings of the example sets; uses base."""
