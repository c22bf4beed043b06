"""Built-in mini models (the ladder): manifest, packed weights, training facts, 13-grams; uses base."""
