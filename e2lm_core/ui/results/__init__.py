"""Results from elsewhere: giving files, curves, what is kept; uses all but commands."""
