"""Readers of result formats, one module each; uses base and scores.

Formats: lm-evaluation-harness, lighteval, OLMES, Inspect, every_eval_ever, published curves, tables.
"""
