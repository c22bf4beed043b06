"""Learning curves as one small SVG without scripts, for a card and for the first page."""
