"""Sentences about runs and about the state of a set."""
