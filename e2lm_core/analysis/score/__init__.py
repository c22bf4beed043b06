"""Components of the Score, advice on raising it, published scores; uses base and scores."""
