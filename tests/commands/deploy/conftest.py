"""The hub of Spaces and a small checkout, for the program."""

from tests.deploy.space.conftest import checkout, hub, settings

__all__ = ["checkout", "hub", "settings"]
