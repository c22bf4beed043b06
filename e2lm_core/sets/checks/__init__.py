"""What is wrong or doubtful in a set, before any model is asked; uses base."""
