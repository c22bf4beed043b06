"""Route `/healthz`.

A run that waits without a worker gets one, as from a page that watches it: after a restart of the app, a run that
was open goes on with nobody looking.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from e2lm_core.base.settings import Settings
from e2lm_core.deploy.health import health

PATH = "/healthz"


def healthz(_: Request) -> Response:
    """See `deploy.health`. Not async: what it asks of the database may take a moment."""
    found = health(Settings.from_env())
    if found.worker in ("waiting", "missing"):
        from e2lm_core.ui import run_launcher

        run_launcher.ensure_worker()
    return JSONResponse(
        found.model_dump(exclude_none=True),
        status_code=200 if found.ok else 503,
        headers={"Cache-Control": "no-store"},
    )
