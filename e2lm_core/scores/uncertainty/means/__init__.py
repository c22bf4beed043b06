"""How sure means and their differences are: near 0 and 1, in groups, against retraining, and many at once; uses base and the formulas."""
