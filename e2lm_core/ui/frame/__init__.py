"""What stands around every page: style, browser window, memory; uses base."""
