"""The words of the domain, and files read within limits and written whole or not at all; uses no room."""
