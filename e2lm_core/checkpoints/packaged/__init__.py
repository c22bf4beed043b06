"""A real model out of an optional Python package, as a checkpoint folder; uses base and people."""
