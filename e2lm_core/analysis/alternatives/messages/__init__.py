"""Sentences, tables and JSON documents of alternatives that were tried; uses base."""
