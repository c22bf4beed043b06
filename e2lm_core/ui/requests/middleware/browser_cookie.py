"""Browser cookie.

It contains no name and is sent to no page: others see only `author`, from which it cannot be derived.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from http.cookies import SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "e2lm_browser"
_VALUE = re.compile(r"[0-9a-f]{32}")
_YEAR_S = 365 * 24 * 3600


def author(browser: str) -> str:
    """Author name of a browser's edits in histories: 12 hexadecimal digits."""
    return hashlib.sha256(f"author:{browser}".encode()).hexdigest()[:12]


def browser_from_cookies(cookies: str | None) -> str | None:
    """Browser in a Cookie header; None without one that this server issued."""
    morsel = SimpleCookie(cookies or "").get(COOKIE)
    return is_valid_cookie(morsel.value) if morsel is not None else None


def is_valid_cookie(value: object) -> str | None:
    """The value of a cookie if this server may have issued it, else None."""
    return value if isinstance(value, str) and _VALUE.fullmatch(value) else None


class BrowserCookieMiddleware:
    """Middleware that sets a browser's cookie with its first page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        if headers is None or browser_from_cookies(headers.get("cookie")):
            await self.app(scope, receive, send)
            return
        secure = "https" in (scope["scheme"], headers.get("x-forwarded-proto"))

        async def giving(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                if answer.get("content-type", "").startswith("text/html"):
                    answer.append("set-cookie", _cookie(secure))
            await send(message)

        await self.app(scope, receive, giving)


def _cookie(secure: bool) -> str:
    # The cookie is partitioned, as browsers keep no other cookie in the frame of a Space's page.
    reach = "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
    return f"{COOKIE}={uuid.uuid4().hex}; Path=/; Max-Age={_YEAR_S}; HttpOnly; {reach}"
