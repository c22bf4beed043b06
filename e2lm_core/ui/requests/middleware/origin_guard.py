"""Host and origin checks.

Streamlit lets any page of the visitor's own machine (`http://localhost:ANY`) open a session, and its own
protection of uploads needs a cookie that browsers withhold in a Space's frame. Browsers state themselves
where a request comes from, with or without cookies: in `Sec-Fetch-Site` and `Origin`, which no script can
set. An upload's address also contains the session's own random number.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config

from e2lm_core.ui.base.local_request import FORWARDED, is_loopback, is_same_origin
from e2lm_core.ui.base.streamlit_internals import make_xsrf_token

_READING = ("GET", "HEAD", "OPTIONS")
_METRICS = "/_stcore/metrics"
_SIGN_OUT = "/auth/logout"  # a GET, which an image on another site could request
_UPLOADS = "/_stcore/upload_file/"


class OriginGuardMiddleware:
    """Middleware that refuses requests of other sites with 403, and the closed metrics route with 404."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str] = (), metrics: bool = False) -> None:
        self.app, self.hosts, self.metrics = app, hosts, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        if scope["type"] == "http" and scope["path"].endswith(_METRICS) and not self.metrics:
            await PlainTextResponse("Not found.", 404)(scope, receive, send)
            return
        why = _refused(scope, self.hosts) if scope["type"] in ("http", "websocket") else None
        if why is None:
            await self.app(_with_token(scope), receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why})
        else:
            await PlainTextResponse(why, 403)(scope, receive, send)


def _refused(scope: Scope, hosts: Sequence[str]) -> str | None:
    """Reason why a request is refused, as a sentence; None if it is accepted."""
    if scope["type"] == "http" and scope["method"] in _READING and not scope["path"].endswith(_SIGN_OUT):
        return None
    headers = Headers(scope=scope)
    if _renamed(scope, headers, hosts):
        return "Unknown host name. Add it to E2LM_HOSTS."
    if _foreign(headers, opens=scope["type"] == "websocket"):
        return "Another site's page asks for this: open the studio's own page."
    return None


def _with_token(scope: Scope) -> Scope:
    """An upload of the studio's own page with the token that Streamlit requires.

    The page has the token from a cookie. Inside another site's frame, such as a Space's, it has none, and
    the browser's statement of the origin is equally good.
    """
    if scope["type"] != "http" or scope["method"] not in ("PUT", "DELETE") or _UPLOADS not in scope["path"]:
        return scope
    headers = Headers(scope=scope)
    if not is_same_origin(headers) or "x-xsrftoken" in headers or (made := make_xsrf_token()) is None:
        return scope
    name, token = made
    cookies = "; ".join(filter(None, (headers.get("cookie"), f"{name}={token}")))
    others = [(key, value) for key, value in scope["headers"] if key != b"cookie"]
    given = [(b"cookie", cookies.encode("latin-1")), (b"x-xsrftoken", token.encode("ascii"))]
    return {**scope, "headers": [*others, *given]}


def _renamed(scope: Scope, headers: Headers, hosts: Sequence[str]) -> bool:
    """Whether a server on loopback is addressed by a foreign name, and not through a proxy.

    Such a name was made to resolve to this machine (DNS rebinding), so that its page passes for the server's
    own.
    """
    own = (scope.get("server") or ("", 0))[0]
    name = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    if not is_loopback(own) or any(header in headers for header in FORWARDED):
        return False
    return not (is_loopback(name) or name in hosts)


def _foreign(headers: Headers, opens: bool) -> bool:
    """Whether the browser states another origin for the requesting page, and that origin is not allowed."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if is_same_origin(headers) or origin in config.get_option("server.corsAllowedOrigins"):
        return False
    if origin is None:
        return site in ("cross-site", "same-site")
    host = urlsplit(origin)
    if host.netloc in (headers.get("host"), headers.get("x-forwarded-host")):
        return False
    # For a session that `opens`, Streamlit itself decides about other names (an address of this machine
    # behind a proxy); the origin `null` and other ports of this machine are never the studio's own page.
    return not opens or not host.hostname or is_loopback(host.hostname)
