"""Alternatives tried on the models: other wrong answers, orders of choices, question formats; uses base and scores."""
