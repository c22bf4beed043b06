"""What the card of a published set says of its measurements, in Markdown, and its picture of the curves."""
