"""The words of the domain (records, errors, settings, phrasing) and files that are written whole or not at all; uses no other room."""
