"""Frame of every page: navigation, URLs, widgets, status bar, theme."""
