"""Sets as lm-eval task folders and bundles: reading, checks, writing; uses base and people."""
