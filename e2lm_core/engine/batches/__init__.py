"""Batches of tokens: tokenisation, tree of shared prefixes, packed rows; uses base and checkpoints."""
