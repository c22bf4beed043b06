"""Drafts: unsaved edits kept on disk.

A draft belongs to who typed it (`settings.author`) and to one place of a set: a question, a new one, or the
prompt. It holds the fields as they were typed and as their author saw them before, so that what others saved
meanwhile is never overwritten. A draft that was saved or discarded leaves a mark for a while: what a browser
had still under way for the same form does not bring it back.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field

from e2lm_core.base.atomic import replace_file
from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.base.records import Record
from e2lm_core.base.settings import Settings

PROMPT, NEW = "prompt", "new"
MOST_BYTES = 2**20  # a draft: a question of the longest kind with 26 choices, typed and seen
MOST_BYTES_OF_ONE = 16 * 2**20  # person
MOST_OF_ONE = 500
_CALLED = "What is typed"  # where a draft could not be saved
MAX_ENDED = 50  # of a place: a window that lay behind for longer shows its text as not saved
KEPT_S = 30 * 24 * 3600.0
MARKS_KEPT_S = 24 * 3600.0
_SWEPT, _SWEPT_EVERY_S = ".swept", 24 * 3600.0
# A browser's late text and the click that saves it come in two threads of one server.
_one_at_a_time = threading.RLock()


class Draft(Record):
    """Text that is not saved yet.

    `place` is `question/<id>`, `new` or `prompt`; `form` names the form it was typed in and `turn` orders what
    came from that; `at` is when, in seconds since 1970. `fields` and `seen` are values by a question's or the
    prompt's fields, as they were typed and as they were before. `tried` tells that saving it met another's
    change. `view` is "Table" where it was typed there. `over` says that it is none any more. `ended` are the forms of
    the place whose text was saved or discarded before, the last one last.
    """

    task: str = Field(min_length=1, max_length=300)
    place: str = Field(min_length=1, max_length=2000)
    form: str = Field(pattern=r"^[0-9a-f]{32}$")
    at: float
    turn: int = 0
    fields: dict[str, Any] = Field(default_factory=dict, max_length=100)
    seen: dict[str, Any] = Field(default_factory=dict, max_length=100)
    tried: bool = False
    view: Literal["Table"] | None = None
    over: Literal["saved", "discarded", "typed back"] | None = None
    ended: tuple[str, ...] = ()

    @property
    def finished_forms(self) -> tuple[str, ...]:
        """The forms of the place whose text was saved or discarded, the last one last."""
        own = (self.form,) if self.over in ("saved", "discarded") else ()
        return (*(form for form in self.ended if form != self.form), *own)[-MAX_ENDED:]


def question_place(identity: str) -> str:
    """The place of a question's draft."""
    return f"question/{identity}"


def question_id_of(place: str) -> str | None:
    """The id of the question that a place is of; None for the prompt and for a new question."""
    return place.removeprefix("question/") if place.startswith("question/") else None


def digest(text: str) -> str:
    """32 hexadecimal digits for a text that may be anything, such as a place."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def new_form() -> str:
    """A name for a form that nobody has typed in."""
    return uuid.uuid4().hex


def save_draft(settings: Settings, draft: Draft) -> bool:
    """Keep a draft in the place of that which was there; False, and nothing kept, where it is out of date.

    That is: nobody is named who could have typed it, or they may only read, or its form was saved or discarded, or later text of the
    form is here. Raises LimitError beyond what a draft or a person may hold, TaskError where the disk refuses.
    """
    if not settings.author or settings.readonly:
        return False
    path = _path(settings, draft.task, draft.place)
    _swept_now_and_then(settings)
    with _one_at_a_time:
        present = _read(path)
        ended = () if present is None else present.finished_forms
        if draft.form in ended or (
            present is not None and present.form == draft.form and present.turn > draft.turn
        ):
            return False
        if draft.fields == draft.seen:  # typed back
            if present is None or present.form != draft.form:
                return True
            if not ended:
                path.unlink(missing_ok=True)
                return True
            draft = draft.model_copy(update={"over": "typed back"})
        draft = draft.model_copy(update={"ended": ended})
        if present is not None and present.form == draft.form and present.tried:
            draft = draft.model_copy(update={"tried": True})  # its browser does not say so
        data = draft.model_dump_json().encode()
        _require_room(settings, path, len(data))
        replace_file(path, data, _CALLED)
    return True


def find_draft(settings: Settings, task: str, place: str) -> Draft | None:
    """The person's draft at a place of a set, None where there is none or it can't be read."""
    draft = _read(_path(settings, task, place)) if settings.author else None
    return None if draft is None or draft.over else draft


def list_drafts(settings: Settings, set_name: str) -> list[Draft]:
    """The person's drafts of a set, the oldest first; also of a set that is no longer there."""
    folder = _folder(settings, set_name)
    drafts = [_read(path) for path in folder.glob("*.json")] if settings.author else []
    return sorted((d for d in drafts if d is not None and not d.over), key=lambda d: (d.at, d.place))


def mark_saved(settings: Settings, task: str, place: str, form: str) -> None:
    """What was typed in the form is saved: there is no draft of it any more, nor will late text be one."""
    if not settings.author:
        return
    path = _path(settings, task, place)
    mark = Draft(task=task, place=place, form=form, at=time.time(), over="saved")
    with _one_at_a_time, contextlib.suppress(StudioError):  # the text is saved, which is what counts
        present = _read(path)
        if present is None or present.form == form or present.over:  # else another window's
            mark = mark.model_copy(update={"ended": () if present is None else present.finished_forms})
            replace_file(path, mark.model_dump_json().encode(), _CALLED)


def finished_forms(settings: Settings, task: str) -> dict[str, tuple[str, ...]]:
    """By place, the forms whose text was saved or discarded, the last one last; "" behind them where more was typed back."""
    drafts = [_read(path) for path in _folder(settings, task).glob("*.json")] if settings.author else []
    return {
        draft.place: (*draft.finished_forms, *([""] if draft.over == "typed back" else []))
        for draft in drafts
        if draft is not None and draft.finished_forms
    }


def is_finished(settings: Settings, task: str, place: str, form: str) -> bool:
    """Whether what was typed in the form was saved or discarded."""
    draft = _read(_path(settings, task, place)) if settings.author else None
    return draft is not None and form in draft.finished_forms


def add_fields(
    settings: Settings,
    task: str,
    place: str,
    fields: Mapping[str, Any],
    seen: Mapping[str, Any],
    tried: bool = False,
    view: Literal["Table"] | None = None,
) -> None:
    """Keep these fields too, beside what is typed at the place already; raises as `keep` does."""
    with _one_at_a_time:
        before = find_draft(settings, task, place)
        draft = Draft(
            task=task,
            place=place,
            form=new_form(),
            at=time.time(),
            fields={**(before.fields if before else {}), **fields},
            seen={**(before.seen if before else {}), **seen},
            tried=tried or (before is not None and before.tried),
            view=view,
        )
        save_draft(settings, draft)


def drop_fields(
    settings: Settings,
    task: str,
    place: str,
    fields: Iterable[str],
    form: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> None:
    """These fields are saved; what else was typed at the place stays its draft.

    Where they were saved from a `form`, the text of another window's form stays too, unless it is what `values` say.
    """
    with _one_at_a_time:
        if (draft := find_draft(settings, task, place)) is None:
            return
        gone = set(fields)
        if form is not None and form != draft.form:
            gone = {f for f in gone if values and f in values and _same(draft.fields.get(f), values[f])}
        if gone.isdisjoint(draft.fields):
            return
        left = {field: value for field, value in draft.fields.items() if field not in gone}
        if all(draft.seen.get(field) == value for field, value in left.items()):
            mark_saved(settings, task, place, draft.form)
            return
        seen = {field: value for field, value in draft.seen.items() if field in left}
        save_draft(settings, draft.model_copy(update={"fields": left, "seen": seen, "form": new_form()}))


def discard_draft(settings: Settings, task: str, place: str) -> None:
    """Put a draft aside; `bring_back` has it until another is typed there."""
    with _one_at_a_time:
        if (draft := find_draft(settings, task, place)) is not None:
            gone = draft.model_copy(update={"over": "discarded"})
            replace_file(_path(settings, task, place), gone.model_dump_json().encode(), _CALLED)


def has_discarded(settings: Settings, task: str, place: str) -> bool:
    """Whether `bring_back` would find one."""
    draft = _read(_path(settings, task, place)) if settings.author else None
    return draft is not None and draft.over == "discarded"


def restore_draft(settings: Settings, task: str, place: str) -> Draft:
    """The draft that was discarded last, kept again. Raises StudioError where there is none."""
    with _one_at_a_time:
        draft = _read(_path(settings, task, place)) if settings.author else None
        if draft is None or draft.over != "discarded":
            raise StudioError(
                "There is no discarded text to bring back: it was typed over, or it is too old."
            )
        back = draft.model_copy(
            update={"over": None, "form": new_form(), "turn": 0, "ended": draft.finished_forms}
        )
        replace_file(_path(settings, task, place), back.model_dump_json().encode(), _CALLED)
    return back


def remove_expired(settings: Settings, now: float | None = None) -> None:
    """Remove drafts of more than 30 days, marks of more than one, and what a kill left half written."""
    now = time.time() if now is None else now
    for path in list(_files(settings.workspace / "drafts")):
        if path.name == _SWEPT:
            continue
        draft = _read(path) if path.suffix == ".json" else None
        kept_s = KEPT_S if draft is not None and draft.over is None else MARKS_KEPT_S
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > kept_s:
                path.unlink()
                path.parent.rmdir()  # where it was the last
                path.parents[1].rmdir()


# --- within -------------------------------------------------------------------------------------------


def _folder(settings: Settings, task: str | None = None) -> Path:
    folder = settings.workspace / "drafts" / _segment(settings.author)
    return folder if task is None else folder / _segment(task)


def _path(settings: Settings, task: str, place: str) -> Path:
    return _folder(settings, task) / f"{digest(place)}.json"  # a question's id may be anything


def _segment(name: str) -> str:
    """A name as a folder's: never a way out, and no longer than a folder's name may be."""
    quoted = quote(name, safe="", errors="replace").replace(".", "%2E")
    return quoted if len(quoted) <= 150 else digest(name)


def _read(path: Path) -> Draft | None:
    try:
        return Draft.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _same(one: Any, other: Any) -> bool:
    """Whether two values are one: JSON has no tuples."""
    return one == (list(other) if isinstance(other, tuple) else other)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _require_room(settings: Settings, path: Path, size: int) -> None:
    if size > MOST_BYTES:
        raise LimitError(
            f"What is typed here is too long to be kept as a draft ({size / 2**20:.1f} MB, at most "
            f"{MOST_BYTES / 2**20:.0f}): save it, or make it shorter."
        )
    others = [p.stat().st_size for p in _files(_folder(settings)) if p != path]
    if sum(others) + size > MOST_BYTES_OF_ONE or len(others) >= MOST_OF_ONE:
        raise LimitError(
            f"There is no room for another draft (at most {MOST_OF_ONE} and "
            f"{MOST_BYTES_OF_ONE // 2**20} MB): save or discard some of what is not saved yet."
        )


def _swept_now_and_then(settings: Settings) -> None:
    mark = settings.workspace / "drafts" / _SWEPT
    with contextlib.suppress(OSError):
        if mark.exists() and time.time() - mark.stat().st_mtime < _SWEPT_EVERY_S:
            return
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        remove_expired(settings)
