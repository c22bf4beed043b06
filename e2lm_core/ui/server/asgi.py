"""Middleware and routes of the ASGI app.

Tested in tests/whole/test_browser.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.ui.app import urls
from e2lm_core.ui.server import draft_routes, health, sign_in, table_routes
from e2lm_core.ui.server.middleware.browser_cookie import BrowserCookieMiddleware
from e2lm_core.ui.server.middleware.origin_guard import OriginGuardMiddleware
from e2lm_core.ui.server.middleware.request_log import RequestLogMiddleware
from e2lm_core.ui.server.middleware.security_headers import SecurityHeadersMiddleware
from e2lm_core.ui.server.middleware.static_cache import StaticCacheMiddleware
from e2lm_core.ui.server.middleware.upload_limit import UploadLimitMiddleware

_BEGIN_WITH_A_CHART = tuple(f"/{place.slug}" for place in (urls.RESULT, urls.CURVES))


def middleware() -> Sequence[Middleware]:
    """What every request passes through, the outermost first."""
    settings = _settings()
    return (
        Middleware(RequestLogMiddleware),
        Middleware(SecurityHeadersMiddleware, frames=settings.frames, charts=_BEGIN_WITH_A_CHART),
        Middleware(OriginGuardMiddleware, hosts=settings.hosts, metrics=settings.metrics),
        Middleware(UploadLimitMiddleware, most=settings.uploads_bytes),
        Middleware(BrowserCookieMiddleware),
        Middleware(StaticCacheMiddleware),
    )


def _settings() -> Settings:
    try:
        return Settings.from_env()
    except StudioError:  # the first page says what is wrong
        return Settings.from_env({})


def routes() -> Sequence[Route]:
    """Addresses that are no pages, among them those of pages that there were once."""
    old = (Route(f"/{page}", _moved) for page in urls.OLD)
    return (Route(health.PATH, health.healthz), *draft_routes.routes(), *table_routes.routes(), *old)


def _moved(request: Request) -> RedirectResponse:
    """On to the place that has taken in the page."""
    page = request.url.path.rpartition("/")[2]
    return RedirectResponse(urls.redirect_target(page, request.query_params.multi_items()))


def secrets() -> dict[str, Any] | None:
    """What signing in needs; a deployment that lacks some of it does not start, and says why in a sentence."""
    try:
        return sign_in.secrets(Settings.from_env())
    except StudioError as error:
        raise SystemExit(str(error)) from None
