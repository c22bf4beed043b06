"""A server on this machine that notes what is asked of it, and texts that would make a browser ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """(address, paths that were asked for so far)."""
    asked: list[str] = []

    class Noting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        do_POST = do_PUT = do_OPTIONS = do_HEAD = do_GET

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def hostile(address: str, mark: str) -> str:
    """Text that fetches or links `address`/`mark`, in every way in which a browser might be led to."""
    at = f"{address}/{mark}"
    return (
        f"![]({at}-image) [here]({at}-link) {at}-bare <{at}-auto> [r][r] **b** `c` "
        f"<img src='{at}-tag' onerror=\"fetch('{at}-error')\"><script>fetch('{at}-script')</script>"
        f'<a href="{at}-anchor">a</a><span style="fill:url(\'{at}-style\')">s</span>'
        f"[j](javascript:fetch('{at}-js')) $\\href{{{at}-latex}}{{x}}$ $\\includegraphics{{{at}-g}}$ "
        ":red[x] :material/delete: www.evil.example me@evil.example &lt;b&gt; "
        f"\n\n[r]: {at}-reference\n\n```mermaid\ngraph TD; A[<img src='{at}-mermaid'>]\n```\n\n# h\n\n| a | b |\n|-|-|\n| ![]({at}-cell) | |"
    )
