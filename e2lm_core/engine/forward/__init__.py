"""The forward pass of a decoder over packed rows, for the architectures that have a recipe; uses base."""
