"""What `app.py` gives Streamlit's server beside the pages: middleware and routes.

Tested in tests/whole/test_browser.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.routing import Route

from e2lm_core.ui.server import health
from e2lm_core.ui.server.browser import GivesCookie
from e2lm_core.ui.server.logged import Told


def middleware() -> Sequence[Middleware]:
    """What every request passes through, the outermost first."""
    return (Middleware(Told), Middleware(GivesCookie))


def routes() -> Sequence[Route]:
    """Addresses that are no pages."""
    return (Route(health.PATH, health.healthz),)
