"""Library of the E2LM Task Studio: rooms by subject that import only downwards."""

from e2lm_core.base.version import VERSION as __version__

__all__ = ["__version__"]
