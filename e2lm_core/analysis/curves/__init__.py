"""Learning curves: separation of models, onset above chance, subjects; uses base and scores."""
