"""Forward pass of a decoder over packed rows, for architectures with a recipe; uses base."""
