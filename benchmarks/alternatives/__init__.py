"""Alternatives tried: proposed wrong answers, forms and orders of choices, and the time of a trial."""
