"""Requests of browsers: middleware, sign-in, signed requests of components."""
