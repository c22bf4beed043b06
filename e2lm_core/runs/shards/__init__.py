"""A run in shares on several machines: which is whose, results as files, and taking them in; uses base and runs."""
