"""Is it science? Embeddings, a calibrated classifier and the nearest field; uses base and sets."""
