"""Plotly's figures as SVG texts, drawn on the server.

Plotly draws only in a browser, with a script of 4.7 MB. The text shows what Plotly shows of the same figure: the
same axes, ticks, names, colours, dashes and symbols (tests/ui/browser/test_first_picture.py compares them). Positions
along x are percentages of the plot's width, so that a picture takes the width of its container while texts, marks and
strokes keep their size.
"""
