"""What strangers give, read within limits: archives, YAML, JSON, files, in a process of its own where it must be."""
