"""The embedded ladder: its manifest, packed weights, and what its models were taught; uses base."""
