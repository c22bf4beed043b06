"""Commands on question sets: collection, questions, history, sharing; uses sets, runs and relevance."""
