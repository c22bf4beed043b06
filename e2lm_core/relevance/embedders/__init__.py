"""Where sentences become vectors: models that come as packages, and a cache of what they gave."""
