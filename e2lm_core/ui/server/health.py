"""Route `/healthz`.

If a run waits without a worker, the route starts one, as a page that watches the run would: after a restart
of the app an open run goes on without anybody looking.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from e2lm_core.base.settings import Settings
from e2lm_core.deploy.health import health

PATH = "/healthz"


def healthz(_: Request) -> Response:
    """Health of the deployment, see `deploy.health`. Not async: its database queries may take a moment."""
    found = health(Settings.from_env())
    if found.worker in ("waiting", "missing"):
        from e2lm_core.ui import run_launcher

        run_launcher.ensure_worker()
    return JSONResponse(
        found.model_dump(exclude_none=True),
        status_code=200 if found.ok else 503,
        headers={"Cache-Control": "no-store"},
    )
