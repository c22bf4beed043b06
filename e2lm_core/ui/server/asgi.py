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
from e2lm_core.ui.base import urls
from e2lm_core.ui.requests import sign_in
from e2lm_core.ui.requests.middleware.browser_cookie import BrowserCookieMiddleware
from e2lm_core.ui.requests.middleware.origin_guard import OriginGuardMiddleware
from e2lm_core.ui.requests.middleware.request_log import RequestLogMiddleware
from e2lm_core.ui.requests.middleware.security_headers import SecurityHeadersMiddleware
from e2lm_core.ui.requests.middleware.static_cache import StaticCacheMiddleware
from e2lm_core.ui.requests.middleware.upload_limit import UploadLimitMiddleware
from e2lm_core.ui.server import draft_routes, health, known_route, table_routes

_BEGIN_WITH_A_CHART = tuple(f"/{place.slug}" for place in (urls.RESULT, urls.CURVES))


def middleware() -> Sequence[Middleware]:
    """Middleware of every request, the outermost first."""
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
    except StudioError:  # the first page shows the error
        return Settings.from_env({})


def routes() -> Sequence[Route]:
    """Routes that are not pages."""
    return (
        Route(health.PATH, health.healthz),
        Route(f"/{urls.SETS.slug}", _first_page),
        *draft_routes.routes(),
        *table_routes.routes(),
        *known_route.routes(),
    )


async def _first_page(request: Request) -> RedirectResponse:
    """Redirect to the first page, which Streamlit serves without a name; relative, as the app may lie in a folder."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"./{query}")


def secrets() -> dict[str, Any] | None:
    """Secrets for `st.App`; None without sign-in.

    Raises:
        SystemExit: A setting for sign-in is missing or wrong; the message is the reason in one sentence.
    """
    try:
        return sign_in.secrets(Settings.from_env())
    except StudioError as error:
        raise SystemExit(str(error)) from None
