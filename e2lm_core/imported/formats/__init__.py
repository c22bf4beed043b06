"""One module a format of results: lm-evaluation-harness, lighteval, OLMES, Inspect, published curves, tables; uses base."""
