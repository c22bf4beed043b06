"""Many people at once: a real server, and sessions that visit its pages and edit its set."""
