"""Plotly figures, a module a page: frames in, figures out; uses base, analysis and imported."""
