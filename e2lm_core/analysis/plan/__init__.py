"""How many questions a wanted certainty takes, and how long a fleet takes over them; uses base and scores."""
