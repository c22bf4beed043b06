"""Deltas between two states of a set.

A delta is plain JSON. `config` and `readme` hold changed fields as `[old, new]`. `test` and `dev` hold under
`edit` the changed fields of each question, under `out` and `in` the removed and the added questions, each
with its index and the id of the question before it. A long text that changed in one passage is kept as that
passage.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from e2lm_core.base.records import Question, TaskSet

Delta = dict[str, Any]
_FIELDS = tuple(name for name in Question.model_fields if name != "id")
SECTIONS = {"test": "questions", "dev": "dev"}
_PLAIN_CHARS = 80  # shorter texts are stored whole


class UnappliedChange(NamedTuple):
    """A change that was not applied because the state holds another value.

    Attributes:
        question: Id of the question; None for the prompt and the readme.
        field: Name of the field; None for a question as a whole.
    """

    question: str | None
    field: str | None


def diff_states(before: TaskSet, after: TaskSet) -> Delta:
    """Delta from one state of a set to another; empty if they are equal.

    The set's name is not part of it.
    """
    delta: Delta = {}
    if before.config is not after.config:
        old, new = (task.config.model_dump(mode="json", exclude={"task"}) for task in (before, after))
        if config := {name: [old[name], new[name]] for name in new if old[name] != new[name]}:
            delta["config"] = config
    if before.readme != after.readme:
        delta["readme"] = [before.readme, after.readme]
    for section, attribute in SECTIONS.items():
        if part := _section(getattr(before, attribute), getattr(after, attribute)):
            delta[section] = part
    return delta


def is_affected(delta: Delta, unapplied: UnappliedChange) -> bool:
    """Whether a delta changes the field or question of an unapplied change."""
    if unapplied.question is None:
        return unapplied.field in delta.get("config", {}) or unapplied.field in delta
    for section in SECTIONS:
        part = delta.get(section) or {"edit": {}, "out": (), "in": ()}
        fields = part["edit"].get(unapplied.question)
        if fields is not None and (unapplied.field is None or unapplied.field in fields):
            return True
        if any(row["id"] == unapplied.question for _, _, row in (*part["out"], *part["in"])):
            return True
    return False


def _section(before: Sequence[Question], after: Sequence[Question]) -> dict[str, Any] | None:
    if before is after:
        return None
    old, now = [q.id for q in before], [q.id for q in after]
    if old == now and len(set(old)) == len(old):
        out, come = [], []
        pairs: Iterable[tuple[Question, Question]] = zip(before, after, strict=True)
    else:
        stay = _staying(old, now)
        out, come = _rows(before, stay), _rows(after, stay)
        new = {q.id: q for q in after}
        pairs = ((q, new[q.id]) for q in before if q.id in stay)
    edit = {a.id: fields for a, b in pairs if a is not b and (fields := _fields(a, b))}
    return {"edit": edit, "out": out, "in": come} if edit or out or come else None


def _staying(before: list[str], after: list[str]) -> set[str]:
    """Ids that keep their order, as many as possible; none if an id occurs twice."""
    if len(set(before)) < len(before) or len(set(after)) < len(after):
        return set()
    place = {identity: number for number, identity in enumerate(before)}
    # The longest increasing subsequence of old places, by patience sorting.
    tails: list[int] = []
    ends: list[str] = []
    previous: dict[str, str | None] = {}
    for identity in after:
        if (at := place.get(identity)) is None:
            continue
        pile = bisect_left(tails, at)
        previous[identity] = ends[pile - 1] if pile else None
        tails[pile : pile + 1], ends[pile : pile + 1] = [at], [identity]
    staying, last = set(), ends[-1] if ends else None
    while last is not None:
        staying.add(last)
        last = previous[last]
    return staying


def _rows(questions: Sequence[Question], stay: set[str]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    anchor: str | None = None
    for place, question in enumerate(questions):
        if question.id not in stay:
            rows.append([place, anchor, question.model_dump(mode="json", exclude_defaults=True)])
        anchor = question.id
    return rows


def _fields(before: Question, after: Question) -> dict[str, Any]:
    return {
        field: _change(old, new)
        for field in _FIELDS
        if (old := getattr(before, field)) != (new := getattr(after, field))
    }


def _change(old: Any, new: Any) -> Any:
    if isinstance(old, tuple) and isinstance(new, tuple):
        if len(old) != len(new):
            return [list(old), list(new)]
        pairs = enumerate(zip(old, new, strict=True))
        return {"each": {str(place): _change(a, b) for place, (a, b) in pairs if a != b}}
    if not (isinstance(old, str) and isinstance(new, str)) or max(len(old), len(new)) < _PLAIN_CHARS:
        return [old, new]
    shorter = min(len(old), len(new))
    at = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    tail = next((i for i in range(shorter - at) if old[-1 - i] != new[-1 - i]), shorter - at)
    texts = (old[at : len(old) - tail], new[at : len(new) - tail])
    return {"at": at, "texts": texts, "of": [text_digest(old), text_digest(new)]}


def text_digest(text: str) -> str:
    """Digest of a text, to recognise the text in which a changed passage was recorded."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
