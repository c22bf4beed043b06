"""The place Questions: write, problems, measured, suspects, choosing, relevance."""
