"""How sure a score is: one bootstrap over questions and the intervals that were shown to cover; uses base and the formulas."""
