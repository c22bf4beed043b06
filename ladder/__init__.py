"""The embedded ladder: nine small models, the facts they are taught, and the recipe that trains them."""
