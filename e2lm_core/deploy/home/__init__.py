"""Home of a studio: durability of its disk, backup and restore; uses base, people and sets."""
