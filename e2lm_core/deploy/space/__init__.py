"""Studio as a Space of a hub: its files, its settings and their changes; uses base and people."""
