"""Log-likelihoods of continuations, equal to lm-evaluation-harness's and without its repeated work; uses base and checkpoints."""
