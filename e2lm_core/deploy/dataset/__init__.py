"""A set as a data set of a hub: card, files, publication; uses base, people and sets."""
