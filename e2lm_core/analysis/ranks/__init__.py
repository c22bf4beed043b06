"""Ranking of the models, its stability, and the influence of questions; uses base and scores."""
