"""Checks of a set before any run, with errors and warnings as findings; uses base."""
