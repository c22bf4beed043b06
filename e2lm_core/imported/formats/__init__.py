"""One module a format of results: lm-evaluation-harness, published curves, tables; uses base."""
