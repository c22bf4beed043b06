"""The formulas, from log-likelihoods to SQ, RC, CS and Score: arrays in, values out; uses base."""
