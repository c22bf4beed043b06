"""A set as a data set of a hub: its card and files, and writing them over nothing unseen; uses base, people and sets."""
