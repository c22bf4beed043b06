"""Drafts: unsaved edits kept on disk.

A draft belongs to its author (`settings.author`) and to one place of a set: a question, a new question, or
the prompt. It holds the fields as typed and as their author saw them before, so that changes saved by others
meanwhile are never overwritten. A saved or discarded draft leaves a mark for a day: a late request of the
browser for the same form does not bring it back.
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
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings

PROMPT, NEW = "prompt", "new"
MAX_BYTES = 2**20  # of a draft: the longest allowed question with 26 choices, typed and seen
MAX_BYTES_OF_ONE = 16 * 2**20  # of all drafts of a person
MAX_OF_ONE = 500
_CALLED = "The text"  # subject of the sentence about a failed save
MAX_ENDED = 50  # forms of a place: a window that is further behind shows its text as not saved
KEPT_S = 30 * 24 * 3600.0
MARKS_KEPT_S = 24 * 3600.0
_SWEPT, _SWEPT_EVERY_S = ".swept", 24 * 3600.0
# Late text from a browser and the click that saves it arrive in two threads of one server.
_one_at_a_time = threading.RLock()


class Draft(Record):
    """Unsaved text of one place of a set, or the mark that is left of it.

    Attributes:
        task: Name or address of the set.
        place: `question/<id>`, `new` or `prompt`.
        form: Name of the form that the text was typed in, 32 hexadecimal digits.
        at: Time of typing, in seconds since 1970.
        turn: Order of the requests from one form.
        fields: Values as typed, by the question's or the prompt's fields.
        seen: Values as the author saw them before typing, by the same fields.
        tried: Whether saving has met another author's change.
        view: "Table" if the text was typed there.
        over: Reason why this is no draft any more; None for a draft.
        ended: Earlier forms of the place whose text was saved or discarded, the last one last.
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
    def changes(self) -> dict[str, Any]:
        """Typed values that differ from those that the author saw."""
        return {field: value for field, value in self.fields.items() if value != self.seen.get(field)}

    @property
    def finished_forms(self) -> tuple[str, ...]:
        """Forms of the place whose text was saved or discarded, the last one last."""
        own = (self.form,) if self.over in ("saved", "discarded") else ()
        return (*(form for form in self.ended if form != self.form), *own)[-MAX_ENDED:]


def question_place(identity: str) -> str:
    """Place of a question's draft."""
    return f"question/{identity}"


def question_id_of(place: str) -> str | None:
    """Id of the question at a place; None for the prompt and for a new question."""
    return place.removeprefix("question/") if place.startswith("question/") else None


def digest(text: str) -> str:
    """32 hexadecimal digits for an arbitrary text, such as a place."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def new_form() -> str:
    """New name for a form."""
    return uuid.uuid4().hex


def save_draft(settings: Settings, draft: Draft) -> bool:
    """Save a draft, replacing the one at its place.

    Returns:
        False, with nothing saved, if the caller has no name or may only read, if the form's text was saved or
        discarded before, or if a later text of the form is already saved; else True.

    Raises:
        LimitError: The draft is larger than 1 MiB, or the person would exceed 16 MiB or 500 drafts.
        TaskError: The disk refuses.
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
            draft = draft.model_copy(update={"tried": True})  # the browser does not send this mark
        data = draft.model_dump_json().encode()
        _require_room(settings, path, len(data))
        replace_file(path, data, _CALLED)
    return True


def find_draft(settings: Settings, task: str, place: str) -> Draft | None:
    """The caller's draft at a place of a set; None without one or if it cannot be read."""
    draft = _read(_path(settings, task, place)) if settings.author else None
    return None if draft is None or draft.over else draft


def list_drafts(settings: Settings, set_name: str) -> list[Draft]:
    """The caller's drafts of a set, the oldest first; also of a set that no longer exists."""
    folder = _folder(settings, set_name)
    drafts = [_read(path) for path in folder.glob("*.json")] if settings.author else []
    return sorted((d for d in drafts if d is not None and not d.over), key=lambda d: (d.at, d.place))


def drafts_stamp(settings: Settings, set_name: str) -> str:
    """Digest that changes with the caller's unsaved text of a set, in whichever window it is typed."""
    found = list_drafts(settings, set_name)
    listed = repr([(draft.place, draft.form, draft.tried, draft.at) for draft in found])
    return hashlib.sha256(listed.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def mark_saved(settings: Settings, task: str, place: str, form: str) -> None:
    """Remove the draft of a form whose text was saved, and ignore late text of that form.

    A draft of another form at the place stays. A disk error is ignored, as the text itself is saved.

    Args:
        settings: The caller's settings.
        task: Name or address of the set.
        place: Place of the draft.
        form: Name of the form.
    """
    if not settings.author:
        return
    path = _path(settings, task, place)
    mark = Draft(task=task, place=place, form=form, at=time.time(), over="saved")
    with _one_at_a_time, contextlib.suppress(StudioError):  # a lost mark does no harm, as the text is saved
        present = _read(path)
        if present is None or present.form == form or present.over:  # other drafts belong to another window
            mark = mark.model_copy(update={"ended": () if present is None else present.finished_forms})
            replace_file(path, mark.model_dump_json().encode(), _CALLED)


def finished_forms(settings: Settings, task: str) -> dict[str, tuple[str, ...]]:
    """Forms whose text was saved or discarded, by place, the last one last.

    An empty name follows if the latest text at the place was typed back to its saved value.
    """
    drafts = [_read(path) for path in _folder(settings, task).glob("*.json")] if settings.author else []
    return {
        draft.place: (*draft.finished_forms, *([""] if draft.over == "typed back" else []))
        for draft in drafts
        if draft is not None and draft.finished_forms
    }


def is_finished(settings: Settings, task: str, place: str, form: str) -> bool:
    """Whether the text typed in a form was saved or discarded."""
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
    """Add fields to the draft at a place, or start one.

    Args:
        settings: The caller's settings.
        task: Name or address of the set.
        place: Place of the draft.
        fields: Values as typed.
        seen: Values as the author saw them before typing.
        tried: Whether saving has met another author's change.
        view: "Table" if the text was typed there.

    Raises:
        LimitError: The draft or the person's drafts would exceed their limit.
        TaskError: The disk refuses.
    """
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
    """Remove saved fields from the draft at a place; its other fields stay.

    Args:
        settings: The caller's settings.
        task: Name or address of the set.
        place: Place of the draft.
        fields: Names of the saved fields.
        form: Form that they were saved from. A draft of another form keeps these fields, unless their values
            are those of `values`.
        values: The saved values by field.
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
    """Discard a draft; `restore_draft` brings it back for a day, unless another is typed at its place."""
    with _one_at_a_time:
        if (draft := find_draft(settings, task, place)) is not None:
            gone = draft.model_copy(update={"over": "discarded"})
            replace_file(_path(settings, task, place), gone.model_dump_json().encode(), _CALLED)


def has_discarded(settings: Settings, task: str, place: str) -> bool:
    """Whether `restore_draft` would find a discarded draft."""
    draft = _read(_path(settings, task, place)) if settings.author else None
    return draft is not None and draft.over == "discarded"


def restore_draft(settings: Settings, task: str, place: str) -> Draft:
    """Restore the draft that was discarded last at a place.

    Raises:
        StudioError: There is none.
    """
    with _one_at_a_time:
        draft = _read(_path(settings, task, place)) if settings.author else None
        if draft is None or draft.over != "discarded":
            raise StudioError(
                Sentence("There is no discarded text to restore: it was typed over, or it is too old.")
            )
        back = draft.model_copy(
            update={"over": None, "form": new_form(), "turn": 0, "ended": draft.finished_forms}
        )
        replace_file(_path(settings, task, place), back.model_dump_json().encode(), _CALLED)
    return back


def rename_set(settings: Settings, set_name: str, new: str) -> None:
    """Let the caller's drafts and marks of a renamed set go with it.

    Raises:
        OSError: The disk refuses.
        StudioError: A draft cannot be written.
    """
    for path in list(_files(_folder(settings, set_name))):
        if (draft := _read(path)) is not None:
            target = _path(settings, new, draft.place)
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, draft.model_copy(update={"task": new}).model_dump_json().encode(), _CALLED)
            path.unlink()


def remove_expired(settings: Settings, now: float | None = None) -> None:
    """Delete drafts older than 30 days, and marks and half-written files older than one day."""
    now = time.time() if now is None else now
    for path in list(_files(settings.workspace / "drafts")):
        if path.name == _SWEPT:
            continue
        draft = _read(path) if path.suffix == ".json" else None
        kept_s = KEPT_S if draft is not None and draft.over is None else MARKS_KEPT_S
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > kept_s:
                path.unlink()
                path.parent.rmdir()  # fails unless the file was the last one
                path.parents[1].rmdir()


# --- helpers ------------------------------------------------------------------------------------------


def _folder(settings: Settings, task: str | None = None) -> Path:
    folder = settings.workspace / "drafts" / _segment(settings.author)
    return folder if task is None else folder / _segment(task)


def _path(settings: Settings, task: str, place: str) -> Path:
    return _folder(settings, task) / f"{digest(place)}.json"  # the id in a place may hold any character


def _segment(name: str) -> str:
    """A name as a folder's name: without a path separator, and no longer than a file system allows."""
    quoted = quote(name, safe="", errors="replace").replace(".", "%2E")
    return quoted if len(quoted) <= 150 else digest(name)


def _read(path: Path) -> Draft | None:
    try:
        return Draft.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal, with a list equal to a tuple, as JSON has no tuples."""
    return one == (list(other) if isinstance(other, tuple) else other)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _require_room(settings: Settings, path: Path, size: int) -> None:
    if size > MAX_BYTES:
        raise LimitError(
            Sentence(
                "This text is too long to be kept as a draft ({size} MB, at most {max_bytes}): "
                "save it, or make it shorter.",
                size=f"{size / 2**20:.1f}",
                max_bytes=f"{MAX_BYTES / 2**20:.0f}",
            )
        )
    others = [p.stat().st_size for p in _files(_folder(settings)) if p != path]
    if sum(others) + size > MAX_BYTES_OF_ONE or len(others) >= MAX_OF_ONE:
        raise LimitError(
            Sentence(
                "There is no room for another draft (at most {max_of_one} and {max_bytes_of_one} MB): "
                "save or discard some of what is not saved yet.",
                max_of_one=MAX_OF_ONE,
                max_bytes_of_one=MAX_BYTES_OF_ONE // 2**20,
            )
        )


def _swept_now_and_then(settings: Settings) -> None:
    mark = settings.workspace / "drafts" / _SWEPT
    with contextlib.suppress(OSError):
        if mark.exists() and time.time() - mark.stat().st_mtime < _SWEPT_EVERY_S:
            return
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        remove_expired(settings)
