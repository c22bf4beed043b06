"""How well the relevance score tells accepted questions from rejected ones: on our own, and on packages' of elsewhere."""
