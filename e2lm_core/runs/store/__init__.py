"""Stored results: the log-likelihood store, packed columns, results shipped with the package."""
