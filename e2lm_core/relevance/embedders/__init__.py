"""Embedding models that come as packages, and a cache of embeddings."""
