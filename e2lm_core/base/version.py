"""The product's version, as pyproject.toml and reports name it."""

VERSION = "0.1.0"
