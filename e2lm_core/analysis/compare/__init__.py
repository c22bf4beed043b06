"""Two sets or two versions side by side, paired on the questions that both have; uses base and scores."""
