"""The seven places, one package each: pages and tabs; uses all rooms but engine and commands."""
