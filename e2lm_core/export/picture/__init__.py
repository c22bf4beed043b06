"""Learning curves as one small SVG without scripts, for a card, the first page and the editor."""
