"""Learning curves as one small SVG, for a card and for the first page: nothing needs to be loaded to see them."""
