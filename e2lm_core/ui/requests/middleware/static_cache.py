"""Cache of static files.

A first visit loads about seventy static files before it shows anything, and Streamlit opens each again and
sends it uncompressed. Their names contain a digest of their content, so none changes while the server runs.

Tested in tests/ui/requests/middleware/test_static_cache.py.
"""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from e2lm_core.ui.base.streamlit_internals import STATIC_FOLDER

FOLDER = "/static/"  # in addresses and among Streamlit's own files
_FOREVER = "public, immutable, max-age=31536000"  # the same header as Streamlit's
# Fixed types, as a machine's own registry may declare scripts to be plain text, which browsers do not run.
_TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
_PACKABLE = frozenset({".js", ".css", ".svg"})
_PACKED_FROM = 1_000  # bytes: a smaller file fits into one packet anyway


@dataclass
class _Asset:
    file: Path
    plain: bytes | None = None
    packed: bytes | None = None


class StaticCacheMiddleware:
    """Middleware that serves Streamlit's static files from memory; it passes all other requests on."""

    def __init__(self, app: ASGIApp, folder: Path | None = None) -> None:
        self.app = app
        root = folder or STATIC_FOLDER
        self._assets = {
            f"/{file.relative_to(root).as_posix()}": _Asset(file)
            for file in (root / FOLDER.strip("/")).rglob("*")
            if file.is_file()
        }
        self._packing: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        asset, headers = self._asked(scope), Headers(scope=scope) if scope["type"] == "http" else None
        if asset is None or headers is None or "range" in headers:
            await self.app(scope, receive, send)
            return
        if asset.plain is None:
            asset.plain = await asyncio.to_thread(asset.file.read_bytes)
            self._pack_later(asset)
        takes = "gzip" in headers.get("accept-encoding", "")
        packed = asset.packed if takes else None
        answer = Response(
            asset.plain if packed is None else packed,
            headers={"cache-control": _FOREVER, "vary": "accept-encoding"}
            | ({} if packed is None else {"content-encoding": "gzip"}),
            media_type=_TYPES.get(asset.file.suffix)
            or mimetypes.guess_type(asset.file.name)[0]
            or "application/octet-stream",
        )
        await answer(scope, receive, send)

    def _asked(self, scope: Scope) -> _Asset | None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        _, folder, name = scope["path"].partition(FOLDER)
        return self._assets.get(folder + name)

    def _pack_later(self, asset: _Asset) -> None:
        """Compress a file in the background; the first request does not wait for it."""
        if asset.file.suffix in _PACKABLE and len(asset.plain or b"") >= _PACKED_FROM:
            task = asyncio.create_task(asyncio.to_thread(_pack, asset))
            self._packing.add(task)
            task.add_done_callback(self._packing.discard)


def _pack(asset: _Asset) -> None:
    asset.packed = gzip.compress(asset.plain or b"", mtime=0)
