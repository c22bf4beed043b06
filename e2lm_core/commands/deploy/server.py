"""Command `app`.

Tested in tests/deploy/test_installed.py.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Annotated

import typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.settings import FILES, ROOT

LARGEST_PORT = 65_535


def serve(
    port: Annotated[int, typer.Option("--port", min=1, max=LARGEST_PORT, help="Where it listens.")] = 8501,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Whom it listens to: 0.0.0.0 is everybody.")
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option("--browser", help="Open it in a browser window here.")] = False,
) -> None:
    """Start the studio in the browser; Ctrl+C ends it."""
    _require_free(host, port)
    command = [sys.executable, "-m", "streamlit", "run", str(FILES / "app.py")]
    options = {
        "server.headless": str(not browser).lower(),
        "server.address": host,
        "server.port": str(port),
        "browser.serverAddress": host,
    }
    command += [part for name, value in options.items() for part in (f"--{name}", value)]
    # The server replaces this process, so that signals reach it and its status is the program's.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    os.execv(sys.executable, command)


def _require_free(host: str, port: int) -> None:
    """Raise StudioError for an address on which nothing can listen; the server's own error says less."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((host, port), family=family).close()
    except (OSError, ValueError) as error:  # ValueError: no valid host name
        reason = getattr(error, "strerror", None) or "no address"
        raise StudioError(
            f"The studio cannot listen at {quote(host)}, port {port} ({reason.lower()}): use --host 127.0.0.1, or another "
            "--port."
        ) from error
