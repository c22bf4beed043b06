"""Scripts around the package, on small examples."""
