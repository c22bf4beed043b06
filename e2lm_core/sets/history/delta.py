"""Deltas between two states of a set: computed, applied and reverted.

A delta is plain JSON. `config` and `readme` hold changed fields as `[old, new]`. `test` and `dev` hold under
`edit` the changed fields of each question, under `out` and `in` the removed and the added questions, each
with its index and the id of the question before it. A long text that changed in one passage is kept as that
passage.

A change whose old value differs from the current one is skipped and listed, so that one author's change can
be reverted underneath another's.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from e2lm_core.base.records import Question, TaskConfig, TaskSet

Delta = dict[str, Any]
QUESTION_FIELDS = tuple(name for name in Question.model_fields if name != "id")
SECTIONS = {"test": "questions", "dev": "dev"}
_PLAIN_CHARS = 80  # shorter texts are stored whole
_MAX_SINGLE_INSERTS = 8  # most rows to insert one by one


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
        for field in QUESTION_FIELDS
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


# --- applying -------------------------------------------------------------------------------------------


def apply_delta(task: TaskSet, delta: Delta, backwards: bool) -> tuple[TaskSet, list[UnappliedChange]]:
    """A set with a delta applied or, with `backwards`, reverted, and the changes that were skipped."""
    state = MutableState(task)
    stands = state.apply(delta, backwards)
    return state.task, stands


class MutableState:
    """A set that changes in place: a thousand edits of a large set are applied in a moment."""

    def __init__(self, task: TaskSet) -> None:
        self._task = task
        self._sections = {name: _Section(getattr(task, attribute)) for name, attribute in SECTIONS.items()}

    @property
    def task(self) -> TaskSet:
        """The set in its current state."""
        rows = {attribute: tuple(self._sections[name].rows) for name, attribute in SECTIONS.items()}
        return self._task.model_copy(update=rows)

    def apply(self, delta: Delta, back: bool) -> list[UnappliedChange]:
        """Apply a delta, or revert it with `back`; return the changes that were skipped."""
        stands: list[UnappliedChange] = []
        if "config" in delta:
            config = _config(self._task.config, delta["config"], back, stands)
            self._task = self._task.model_copy(update={"config": config})
        if "readme" in delta:
            old, new = delta["readme"][:: -1 if back else 1]
            if self._task.readme == old:
                self._task = self._task.model_copy(update={"readme": new})
            else:
                stands.append(UnappliedChange(None, "readme"))
        for name, section in self._sections.items():
            if part := delta.get(name):
                section.take(part["in" if back else "out"], stands)
                section.edit(part["edit"], back, stands)
                section.put(part["out" if back else "in"], stands)
        return stands


class _Section:
    """The questions of a section, indexed by id."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self.rows = list(questions)
        self._places: dict[str, int] | None = None

    def place(self, identity: str) -> int | None:
        if self._places is None:
            self._places = {q.id: place for place, q in reversed(list(enumerate(self.rows)))}
        return self._places.get(identity)

    def take(self, rows: list[list[Any]], stands: list[UnappliedChange]) -> None:
        """Remove questions that are still as the rows say."""
        going = set()
        for hint, _, row in rows:
            question = Question(**row)
            at: int | None = hint if self.rows[hint : hint + 1] == [question] else self.place(question.id)
            if at is not None and (self.rows[at] != question or at in going):
                # A set that was written by hand may have an id twice.
                same = (i for i, q in enumerate(self.rows) if q == question and i not in going)
                at = next(same, None)
                if at is None:
                    stands.append(UnappliedChange(question.id, None))
            if at is not None:
                going.add(at)
        if going:
            self.rows = [q for place, q in enumerate(self.rows) if place not in going]
            self._places = None

    def edit(self, edits: Mapping[str, Any], back: bool, stands: list[UnappliedChange]) -> None:
        """Change fields of questions that still hold the value that the change expects."""
        for identity, changes in edits.items():
            at = self.place(identity)
            if at is None:
                stands.append(UnappliedChange(identity, None))
                continue
            values = dict(self.rows[at])
            for field, change in changes.items():
                known, value = _changed(values[field], change, back)
                if known:
                    values[field] = value
                else:
                    stands.append(UnappliedChange(identity, field))
            self.rows[at] = Question(**values)

    def put(self, rows: list[list[Any]], stands: list[UnappliedChange]) -> None:
        """Insert questions, each behind the question that it stood behind, else at its index."""
        if not rows:
            return
        if len({row["id"] for _, _, row in rows}) == len(rows):
            there = {row["id"] for _, _, row in rows if self.place(row["id"]) is not None}
            stands += [UnappliedChange(row["id"], None) for _, _, row in rows if row["id"] in there]
            rows = [row for row in rows if row[2]["id"] not in there]
            if self.rows and len(rows) <= _MAX_SINGLE_INSERTS:
                for place, anchor, row in rows:
                    self._put_one(place, anchor, Question(**row))
            elif self.rows:
                self.rows = _placed(self.rows, rows)
            else:
                self.rows = [Question(**row) for _, _, row in rows]
        else:  # repeated ids leave only the order of the rows
            self.rows += [Question(**row) for _, _, row in rows]
        self._places = None

    def _put_one(self, place: int, anchor: str | None, question: Question) -> None:
        before = self.rows[place - 1].id if 0 < place <= len(self.rows) else None
        if before == anchor and (anchor is not None or place == 0):
            at = place
        else:
            self._places = None
            behind = self.place(anchor) if anchor is not None else -1
            at = behind + 1 if behind is not None else min(place, len(self.rows))
        self.rows.insert(at, question)


def _placed(questions: list[Question], rows: list[list[Any]]) -> list[Question]:
    known = {q.id for q in questions} | {row["id"] for _, _, row in rows}
    behind: dict[str | None, list[Question]] = defaultdict(list)
    lost: list[tuple[int, Question]] = []  # their predecessor no longer exists
    for place, anchor, row in rows:
        question = Question(**row)
        if anchor is None or anchor in known:
            behind[anchor].append(question)
        else:
            lost.append((place, question))

    def with_followers(first: list[Question]) -> list[Question]:
        waiting, found = first[::-1], []
        while waiting:
            found.append(waiting.pop())
            waiting += reversed(behind.pop(found[-1].id, []))
        return found

    placed = with_followers(behind.pop(None, []))
    for question in questions:
        placed += with_followers([question])
    for place, question in lost:
        placed[place:place] = with_followers([question])
    return placed


def _config(
    config: TaskConfig, changes: Mapping[str, Any], back: bool, stands: list[UnappliedChange]
) -> TaskConfig:
    values = config.model_dump(mode="json")
    for field, change in changes.items():
        old, new = change[:: -1 if back else 1]
        if values[field] == old:
            values[field] = new
        else:
            stands.append(UnappliedChange(None, field))
    return TaskConfig(**values)


def _changed(value: Any, change: Any, back: bool) -> tuple[bool, Any]:
    """Whether the value is the one that the change expects, and the new value."""
    if isinstance(change, list):
        old, new = change[:: -1 if back else 1]
        known = list(value) == old if isinstance(value, tuple) else value == old
        return known, tuple(new) if isinstance(value, tuple) else new
    if "each" in change:
        parts = list(value)
        for place, part in change["each"].items():
            if int(place) >= len(parts):
                return False, value
            known, parts[int(place)] = _changed(parts[int(place)], part, back)
            if not known:
                return False, value
        return True, tuple(parts)
    (old, new), (digest, _) = change["texts"][:: -1 if back else 1], change["of"][:: -1 if back else 1]
    if not isinstance(value, str) or text_digest(value) != digest:
        return False, value
    return True, value[: change["at"]] + new + value[change["at"] + len(old) :]
