"""Untrusted input, read within limits: archives, YAML, JSON, files, in a sandbox process where needed."""
