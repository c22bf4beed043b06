"""Sections on results for the card of a published set, in Markdown, with a picture of its curves."""
