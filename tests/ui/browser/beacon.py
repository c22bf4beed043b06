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


def pieces(address: str, mark: str) -> tuple[str, ...]:
    """Short texts that fetch or link `address`/`mark`, each in a way of its own."""
    at = f"{address}/{mark}"
    return (
        f"![]({at}-image)",
        f"[here]({at}-link) {at}-bare",
        f"<{at}-auto> [r][r]\n\n[r]: {at}-reference",
        f"<img src='{at}-tag' onerror=\"fetch('{at}-error')\">",
        f"<script>fetch('{at}-script')</script>",
        f'<a href="{at}-anchor">a</a>',
        f"<span style=\"fill:url('{at}-style')\">s</span>",
        f"[j](javascript:fetch('{at}-js'))",
        f"$\\href{{{at}-latex}}{{x}}$ $\\includegraphics{{{at}-g}}$",
        f":red[![]({at}-coloured)] :material/delete: &lt;b&gt; **b** `c`",
        "www.evil.example me@evil.example",
        f"```mermaid\ngraph TD; A[<img src='{at}-mermaid'>]\n```",
        f"# h\n\n| a | b |\n|-|-|\n| ![]({at}-cell) | |",
    )


def hostile(address: str, mark: str) -> str:
    """All of them in one text."""
    return " ".join(pieces(address, mark))
