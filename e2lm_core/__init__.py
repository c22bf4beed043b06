"""E2LM Task Studio, the library beneath the browser app and the command line: rooms by subject, imports only downwards."""

from e2lm_core.base.version import VERSION as __version__

__all__ = ["__version__"]
