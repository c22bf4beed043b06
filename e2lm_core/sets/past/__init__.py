"""What a set was: its steps as differences, with who made them, earlier states, and what was deleted; uses base."""
