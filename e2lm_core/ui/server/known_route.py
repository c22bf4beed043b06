"""Route `POST /known`: whether the mini models know a question while it is typed, and the nearest known fact.

It reads the list of facts alone, so that an edit never waits for it.

Tested in tests/ui/server/test_known_route.py.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.ladder.fact_search import open_index
from e2lm_core.runs.messages import doors
from e2lm_core.ui.editor.table_script import KNOWN
from e2lm_core.ui.requests import component_requests

MAX_BYTES = 2**16


def routes() -> list[Route]:
    """The route to which the question table posts what is typed."""
    return [Route(KNOWN, _known, methods=["POST"])]


async def _known(request: Request) -> Response:
    asked = await component_requests.verify_request(request, MAX_BYTES)
    text, answer = asked.body.get("question"), asked.body.get("answer")
    if not isinstance(text, str) or not isinstance(answer, str):
        raise HTTPException(400, "This is no question.")
    known, sentence = await run_in_threadpool(_look_up, asked.settings, text, answer)
    return JSONResponse({"known": known, "sentence": asked.translate(sentence)})


def _look_up(settings: Settings, text: str, answer: str) -> tuple[bool | None, str]:
    try:
        index = open_index(settings.ladder / "facts.json")
    except StudioError:
        index = None
    if index is None:
        return None, ""
    found = index.fact_for(text, answer)
    return found.known, doors.known_answer_sentence(found, bool(answer.strip()))
