"""A random walk of an author in a real browser: after each step what the page shows is what lies on the disk."""
