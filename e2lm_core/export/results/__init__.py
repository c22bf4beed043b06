"""A set's own results as other tools read them, a module a form; uses base, runs, scores and sets."""
