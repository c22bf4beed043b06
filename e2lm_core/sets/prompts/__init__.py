"""From a question to the strings that a model scores, rendered in a sandbox; uses base."""
