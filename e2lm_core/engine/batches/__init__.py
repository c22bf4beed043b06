"""Which tokens are computed together: cutting text, the tree of shared prefixes, packed rows; uses base."""
