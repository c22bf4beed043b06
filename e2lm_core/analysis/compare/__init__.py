"""Comparison of two sets or versions, paired on shared questions; uses base and scores."""
