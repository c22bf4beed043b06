"""Security headers and preload links.

The policy is as strict as Streamlit's own pages allow: scripts come from this server alone (`blob:` for the
components that Streamlit loads in this way), styles may be inline (Streamlit's styling works only so),
images and fonts may be data, and nothing is loaded from, or sent to, another host.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from e2lm_core.ui.base.streamlit_internals import STATIC_FOLDER

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# Scripts of elements on every page, which Streamlit fetches only after it has received the page's content.
_FRAME = (
    *("BidiComponent", "serialization", "recordbatch", "_arrayReduce"),
    *("Button", "Html", "purify.es", "PageLink"),
)
_CHARTS = "PlotlyChart"
_OFF = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb")


def inline_scripts(page: Path) -> list[str]:
    """Hashes by which a policy allows the inline scripts of Streamlit's own page, and no others."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    digests = [hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(text)]
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def content_security_policy(frames: Sequence[str], scripts: Sequence[str]) -> str:
    """Content-Security-Policy for pages.

    Args:
        frames: Sources that may show the pages in a frame.
        scripts: Further sources of scripts, such as hashes of inline ones.
    """
    rules = {
        "default-src": ["'self'"],
        "script-src": ["'self'", "blob:", *scripts],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'", "blob:"],
        "frame-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": list(frames),
    }
    return "; ".join(" ".join((name, *sources)) for name, sources in rules.items())


def script(static: Path, name: str) -> str:
    """Address of a script of Streamlit's, relative to a page; "" unless exactly one has this name."""
    found = sorted((static / "static" / "js").glob(f"{name}.*.js"))
    return f"./static/js/{found[0].name}" if len(found) == 1 else ""


def charts_script(static: Path) -> str:
    """Address of the chart script: its 4.7 MB are more than all else that a first visit loads."""
    return script(static, _CHARTS)


def preload_links(static: Path, names: Sequence[str]) -> str:
    """`Link` header by which a browser fetches scripts early, in parallel to Streamlit's; "" for none.

    Args:
        static: Folder of Streamlit's static files.
        names: Names of the scripts.
    """
    addresses = filter(None, (script(static, name) for name in names))
    return ", ".join(f"<{address}>; rel=modulepreload" for address in addresses)


class SecurityHeadersMiddleware:
    """Middleware that adds security headers and preload links to each response; existing headers stay.

    `charts` are the ends of the paths of pages that begin with a chart.
    """

    def __init__(self, app: ASGIApp, frames: Sequence[str], charts: Sequence[str] = ()) -> None:
        self.app, self.charts = app, tuple(charts)
        page = STATIC_FOLDER / "index.html"
        self.ahead = preload_links(page.parent, _FRAME)
        self.ahead_of_charts = preload_links(page.parent, (*_FRAME, _CHARTS))
        self.headers = {
            "content-security-policy": content_security_policy(frames, inline_scripts(page)),
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "permissions-policy": ", ".join(f"{feature}=()" for feature in _OFF),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        link = self.ahead_of_charts if scope["path"].endswith(self.charts) else self.ahead

        async def giving(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                if link and answer.get("content-type", "").startswith("text/html"):
                    answer.setdefault("link", link)
                for name, value in self.headers.items():
                    answer.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, giving)
