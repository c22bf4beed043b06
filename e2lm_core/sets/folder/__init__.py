"""A set on disk, which is an lm-evaluation-harness task folder: read, checked, written, packed; uses base."""
