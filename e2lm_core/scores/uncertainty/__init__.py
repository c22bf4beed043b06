"""Bootstrap over questions, and the intervals that held in simulations; uses base and the formulas."""
