"""The place Questions: write, measured, suspects, choosing, relevance."""
