"""Routes `POST /drafts` and `/presence`.

`/drafts` saves text being typed into a form of the editor as its author's draft; `/presence` answers with
the other authors who have the set open, and with a stamp of the set's content.

Tested in tests/ui/server/test_draft_routes.py.
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
from e2lm_core.sets.editing import drafts, presence
from e2lm_core.ui.requests import component_requests

DRAFTS, PRESENCE = "/drafts", "/presence"


def routes() -> list[Route]:
    """Routes to which the editor's scripts post."""
    return [Route(DRAFTS, _keep, methods=["POST"]), Route(PRESENCE, _here, methods=["POST"])]


async def _keep(request: Request) -> Response:
    """Save a draft: 204 if it is saved, 200 if it is out of date, else an error sentence for the page."""
    asked = await component_requests.verify_request(request, 2 * drafts.MAX_BYTES)
    body = {key: asked.body.get(key) for key in ("place", "form", "turn", "fields", "seen", "view")}
    try:
        draft = drafts.Draft.model_validate({**body, "task": asked.task, "at": time.time()})
    except ValidationError as error:
        raise HTTPException(400, "This is no draft.") from error
    try:
        kept = await run_in_threadpool(drafts.save_draft, asked.settings, draft)
    except StudioError as error:
        status = 413 if isinstance(error, LimitError) else 507
        return JSONResponse({"sentence": asked.translate(error.sentence)}, status_code=status)
    if kept:
        return Response(status_code=204)
    over = await run_in_threadpool(drafts.is_finished, asked.settings, draft.task, draft.place, draft.form)
    return JSONResponse({"over": over})


async def _here(request: Request) -> Response:
    """The stamps of the set and of the caller's drafts, and the other present authors.

    Empty if the caller may no longer open the set.
    """
    asked = await component_requests.verify_request(request, 4096)
    return JSONResponse(await run_in_threadpool(_look, asked))


def _look(asked: component_requests.ComponentRequest) -> dict[str, Any]:
    try:
        presence.heartbeat(asked.settings, asked.task, leaving=asked.body.get("leaving") is True)
        others = presence.present_authors(asked.settings, asked.task)
    except StudioError:
        return {"stamp": "", "typed": "", "others": []}
    return {
        "stamp": presence.change_stamp(asked.settings, asked.task),
        "typed": drafts.drafts_stamp(asked.settings, asked.task),
        "others": others,
    }
