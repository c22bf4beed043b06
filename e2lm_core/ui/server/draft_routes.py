"""Routes `POST /drafts` and `/presence`.

What is being typed into a form of the editor is kept as its author's draft; who else has the set open, and
whether it was changed, is told. Tested in tests/ui/server/test_draft_routes.py.
"""

from __future__ import annotations

import time
from typing import Any

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.base.settings import redact_paths
from e2lm_core.sets.editing import drafts, presence
from e2lm_core.ui.server import component_requests

DRAFTS, PRESENCE = "/drafts", "/presence"


def routes() -> list[Route]:
    """The addresses that the editor's scripts post to."""
    return [Route(DRAFTS, _keep, methods=["POST"]), Route(PRESENCE, _here, methods=["POST"])]


async def _keep(request: Request) -> Response:
    """204 where the text is kept, 200 where it is out of date; else a sentence, which the page shows."""
    asked = await component_requests.verify_request(request, 2 * drafts.MOST_BYTES)
    body = {key: asked.body.get(key) for key in ("place", "form", "turn", "fields", "seen", "view")}
    try:
        draft = drafts.Draft.model_validate({**body, "task": asked.task, "at": time.time()})
    except ValidationError as error:
        raise HTTPException(400, "This is no draft.") from error
    try:
        kept = await run_in_threadpool(drafts.save_draft, asked.settings, draft)
    except StudioError as error:
        status = 413 if isinstance(error, LimitError) else 507
        return JSONResponse({"sentence": redact_paths(str(error))}, status_code=status)
    if kept:
        return Response(status_code=204)
    over = await run_in_threadpool(drafts.is_finished, asked.settings, draft.task, draft.place, draft.form)
    return JSONResponse({"over": over})


async def _here(request: Request) -> Response:
    """The set's stamp and who else has it open; nothing of a set that whoever asks may not open any more."""
    asked = await component_requests.verify_request(request, 4096)
    return JSONResponse(await run_in_threadpool(_look, asked))


def _look(asked: component_requests.ComponentRequest) -> dict[str, Any]:
    try:
        presence.heartbeat(asked.settings, asked.task, leaving=asked.body.get("leaving") is True)
        others = presence.present_authors(asked.settings, asked.task)
    except StudioError:
        return {"stamp": "", "others": []}
    return {"stamp": presence.change_stamp(asked.settings, asked.task), "others": others}
