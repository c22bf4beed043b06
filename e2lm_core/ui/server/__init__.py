"""Server parts that are not pages: routes, sign-in, health, precomputing."""
