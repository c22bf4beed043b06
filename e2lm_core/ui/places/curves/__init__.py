"""The place Curves: accuracy, ranking, by question, by subject."""
