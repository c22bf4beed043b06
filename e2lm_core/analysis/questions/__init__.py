"""Question statistics, and selections tested on models not used for choosing; uses base and scores."""
