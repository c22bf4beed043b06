"""History of a set: journal, deltas, replay, trash."""
