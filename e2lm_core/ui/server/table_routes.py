"""Routes of the question table.

Each answer contains only the changes since the state that the table has, so that an edit of one word among
15,000 questions costs one line.

Tested in tests/ui/server/test_table_routes.py.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Collection
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.editing import bulk_edit, drafts, save_edits, table_sync
from e2lm_core.sets.locks import lock_set
from e2lm_core.ui.editor import edit_run
from e2lm_core.ui.editor.table_script import PATH, SCRIPT, read_script
from e2lm_core.ui.requests import component_requests

MAX_BYTES = 2 * drafts.MAX_BYTES
PACKED_FROM = 20_000
MAX_SHOWN = 200
_SENT = {"place", "form", "fields", "seen", "tried"}  # fields of a draft that the table gets


def routes() -> list[Route]:
    """Routes of the table's script and its requests."""
    return [Route(PATH, _answer, methods=["POST"]), Route(SCRIPT, _script, methods=["GET"])]


async def _script(request: Request) -> Response:
    data, digest = read_script()
    kept = "public, max-age=31536000, immutable" if request.query_params.get("v") == digest else "no-cache"
    return Response(data, media_type="text/javascript", headers={"cache-control": kept})


async def _answer(request: Request) -> Response:
    asked = await component_requests.verify_request(request, MAX_BYTES)
    data = await run_in_threadpool(perform_action, asked)
    headers = {"cache-control": "no-store"}
    if len(data) > PACKED_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        data = await run_in_threadpool(gzip.compress, data, 1)
        headers["content-encoding"] = "gzip"
    return Response(data, media_type="application/json", headers=headers)


def perform_action(request: component_requests.ComponentRequest) -> bytes:
    """Perform an action of the question table; the answer is JSON with the changes of the set.

    The changes are those since the state that the table has. An action that the set refuses is answered with
    a sentence, without an exception.

    Raises:
        HTTPException: 400, if the action is unknown or its arguments are malformed.
    """
    body, told = request.body, {}
    act = _ACTS.get(str(body.get("do", "")))
    try:
        if act is not None:
            told = act(request.settings, request.task, body)
            if request.runs and act not in _LOOKS and not told.get("sentence"):
                told["runs"] = edit_run.run_edited_questions(request.settings, request.task, request.runs)
        elif body.get("do"):
            raise HTTPException(400, "The table can't do this.")
    except StudioError as error:
        told = {"sentence": error.sentence}
    except (KeyError, TypeError, ValueError) as error:
        raise HTTPException(
            400, "Saving failed because of an error in the studio. Your text is kept as a draft."
        ) from error
    if told.get("sentence"):
        told["sentence"] = request.translate(told["sentence"])
    try:
        state = table_sync.changes_since(request.settings, request.task, _state(body))
    except (StudioError, OSError) as error:
        sentence = request.translate(error.sentence if isinstance(error, StudioError) else str(error))
        return json.dumps({"sentence": sentence, **told, "lost": True}).encode()
    head = {
        "digest": state.digest,
        "stamp": state.stamp,
        "whole": state.whole,
        "gone": list(state.gone),
        "order": None if state.order is None else list(state.order),
        "drafts": [
            draft.model_dump(include=_SENT) for draft in drafts.list_drafts(request.settings, request.task)
        ],
        "over": drafts.finished_forms(request.settings, request.task),
        **told,
    }
    return json.dumps(head)[:-1].encode() + b', "rows": [' + b",".join(state.rows) + b"]}"


# --- what a table's user does -------------------------------------------------------------------------------


def _save(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    fields, seen, shown = dict(body["fields"]), dict(body["seen"]), dict(body.get("shown") or {})
    out = save_edits.save_question(settings, name, str(body["id"]), fields, seen, _form(body), shown=shown)
    return {"sentence": out.refused, "clashes": [clash.field for clash in out.clashes]}


def _add(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"added": save_edits.add_question(settings, name, dict(body["fields"]), _form(body))}


def _delete(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    ids = _ids(body)
    with lock_set(settings, name):
        table_sync.require_unchanged(settings, name, _state(body), set(ids))
        authoring.delete_questions(settings, name, ids)
    return _said(f"Deleted {_what(ids)}.")


def _move(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    (identity,) = _ids(body)
    place = body.get("place")
    where = {side: str(body[side]) for side in ("before", "after") if body.get(side) is not None}
    authoring.move_question(settings, name, identity, None if place is None else int(place), **where)
    return _said(f"Moved {_what([identity])}.")


def _duplicate(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    bulk_edit.duplicate(settings, name, _ids(body))
    return _said(f"Duplicated {_what(_ids(body))}.")


def _retag(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    subject = str(body.get("subject") or "").strip()
    with lock_set(settings, name):
        table_sync.require_unchanged(settings, name, _state(body), set(_ids(body)))
        bulk_edit.retag(settings, name, _ids(body), subject)
    return _said(
        f"The subject of {_what(_ids(body))} is {subject}." if subject else "The subject is removed."
    )


def _copy(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    other = str(body["other"])
    if (
        other not in _sets(settings, name, body)["sets"]
    ):  # only sets that the table offers: any other path would reveal whether it exists
        raise TaskError(
            Sentence(
                "There is no set {other} that you may add to: choose one of the list.",
                other=formatting.quote(other),
            )
        )
    bulk_edit.copy_to(settings, name, _ids(body), other)
    return {"done": f"Copied {_what(_ids(body))} to {other}."}


def _sets(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Sets to which questions may be copied."""
    found = [info for info in collection.list_sets(settings) if not info.example and not info.problem]
    return {"sets": [i.address for i in found if i.role != "reader" and i.address != name]}


def _shuffle(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    bulk_edit.shuffle(settings, name, _ids(body), int(body.get("seed", 0)))
    return _said(f"Shuffled the choices of {_what(_ids(body))}.")


def _balance(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    bulk_edit.balance(settings, name, _ids(body), int(body.get("seed", 0)))
    return _said(f"The right answers of {_what(_ids(body))} are balanced.")


def _find(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    found = _found(settings, name, body)
    return {"found": len(found), "shown": [list(one) for one in found[:MAX_SHOWN]]}


def _replace(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    ids = _ids(body)
    with lock_set(settings, name):
        found = _found(settings, name, body)
        if ids and not found:
            raise TaskError(
                Sentence(
                    "{text} stands nowhere there any more: look again.",
                    text=formatting.quote(str(body["text"])),
                )
            )
        table_sync.require_unchanged(settings, name, _state(body), {one.question for one in found})
        bulk_edit.replace_text(settings, name, ids, *_wanted(body))
    return _said(f"Replaced in {formatting.count(len(found), 'place')}.")


def _found(settings: Settings, name: str, body: dict[str, Any]) -> list[bulk_edit.Replacement]:
    ids = set(_ids(body))
    questions = [q for q in collection.open_set(settings, name).questions if q.id in ids]
    return bulk_edit.find_replacements(questions, *_wanted(body))


def _undo(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    moved = versions.undo_with_note(settings, name)
    return {"done": moved.sentence or "Undone."}


def _discard(settings: Settings, name: str, body: dict[str, Any]) -> dict[str, Any]:
    drafts.discard_draft(settings, name, str(body["place"]))
    return {}


_Act = Callable[[Settings, str, dict[str, Any]], dict[str, Any]]
_ACTS: dict[str, _Act] = {
    "save": _save,
    "add": _add,
    "delete": _delete,
    "move": _move,
    "duplicate": _duplicate,
    "retag": _retag,
    "copy": _copy,
    "sets": _sets,
    "shuffle": _shuffle,
    "balance": _balance,
    "find": _find,
    "replace": _replace,
    "undo": _undo,
    "discard": _discard,
}
_LOOKS = (_copy, _sets, _find, _discard)  # actions that leave this set unchanged


def _form(body: dict[str, Any]) -> str | None:
    """Id of the form in which the text was typed; None for a table from before an update."""
    return str(body["form"]) if "form" in body else None


def _state(body: dict[str, Any]) -> str | None:
    """Digest of the state that the table shows."""
    since = body.get("since")
    return since if isinstance(since, str) else None


def _ids(body: dict[str, Any]) -> list[str]:
    return [str(identity) for identity in body["ids"]]


def _wanted(body: dict[str, Any]) -> tuple[str, str, tuple[str, ...], bool]:
    fields = tuple(str(field) for field in body.get("fields") or bulk_edit.TEXTS)
    return str(body["text"]), str(body.get("by", "")), fields, body.get("exact") is True


def _what(ids: Collection[str]) -> str:
    return f"question {next(iter(ids))}" if len(ids) == 1 else formatting.count(len(ids), "question")


def _said(sentence: str) -> dict[str, Any]:
    """Answer to a change that can be undone."""
    return {"done": sentence, "undo": True}
