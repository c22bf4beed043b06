"""Prompts of a set: templates, few-shot examples, rendering in a sandbox; uses base."""
