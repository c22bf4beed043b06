"""In-memory caches, and arrays and databases in files that processes share."""
