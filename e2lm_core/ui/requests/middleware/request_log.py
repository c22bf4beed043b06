"""Request log with ids.

The log names the method, the page or kind of address, the status and the time taken. It contains no query,
no name of a file or set, and nothing of a session.
"""

from __future__ import annotations

import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from e2lm_core.deploy import logs
from e2lm_core.ui.base import urls

HEADER = "X-Request-Id"
# A proxy's id is kept if it is a UUID or hexadecimal digits.
_ID = re.compile(r"[0-9a-f]{8,32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OF_STREAMLIT = {
    "_stcore",
    "static",
    "app",
    "drafts",
    "presence",
    "media",
    "component",
    "vendor",
    "oauth2callback",
    "auth",
    "healthz",
}
# These addresses are requested so often that their lines would hide the others.
_QUIET = {"/static", "/app", "/vendor", "/component", "/healthz", "/_stcore/health", "/drafts", "/presence"}


class RequestLogMiddleware:
    """Middleware that gives each request an id and logs its end."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._known = _OF_STREAMLIT | {place.slug for place in urls.PLACES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        identifier = given if _ID.fullmatch(given) else uuid.uuid4().hex
        token, started, status = logs.request.set(identifier), time.monotonic(), 0

        async def telling(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = identifier
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self.app(scope, receive, telling)
        except Exception:
            status = 500
            raise
        finally:
            where = self.named(scope["path"])
            if status >= 400 or where not in _QUIET:
                logs.log_event(
                    "request",
                    method=scope.get("method", "WEBSOCKET"),
                    path=where,
                    status=status,
                    ms=round(1000 * (time.monotonic() - started), 1),
                )
            logs.request.reset(token)

    def named(self, path: str) -> str:
        """The address as logged: a page or a kind of address, `/`, or `/…` if unknown."""
        first, _, rest = path.strip("/").partition("/")
        if not first:
            return "/"
        if first not in self._known:
            return "/…"
        kind = rest.partition("/")[0]
        return (
            f"/{first}/{kind}" if first == "_stcore" and re.fullmatch(r"[a-z_-]{1,20}", kind) else f"/{first}"
        )
