"""What stands around every page: style, browser window, memory, the strip with the set in hand; uses base, runs, sets."""
