"""The place Result: overview, Score, published scores."""
