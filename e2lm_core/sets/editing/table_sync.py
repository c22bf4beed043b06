"""Table sync: rows of a set and changes since a known state.

A row is the JSON of a line of `test.jsonl`. A table names its state by the set's digest; rows of a state that
this process still has in memory are not sent again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import count
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.sets.collection import find_set
from e2lm_core.sets.editing import presence
from e2lm_core.sets.folder import set_cache as known_sets

KEPT_STATES = 24
_states: OrderedDict[str, tuple[tuple[str, ...], tuple[bytes, ...]]] = OrderedDict()  # by digest: ids, lines
_lock = threading.Lock()


class TableState(NamedTuple):
    """Rows that bring a table to the current state of a set.

    Attributes:
        digest: Digest of the set's current state.
        stamp: `presence.change_stamp` of the set.
        whole: Whether `rows` are all rows; else they are the new and changed ones.
        rows: Lines of JSON.
        gone: Ids of deleted questions.
        order: All ids in their order; None if it is the previous order with new questions at the end.
    """

    digest: str
    stamp: str
    whole: bool
    rows: Sequence[bytes]
    gone: Sequence[str] = ()
    order: Sequence[str] | None = None


def changes_since(settings: Settings, name: str, digest: str | None = None) -> TableState:
    """Changes of a set since the state that a table shows.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        digest: Digest of the table's state; None for an empty table.

    Returns:
        The changes; all rows if the table's state is unknown.

    Raises:
        TaskError: The set does not exist or cannot be read.
    """
    # The stamp is taken before the set is read: an outdated stamp only makes the table ask once more.
    stamp = presence.change_stamp(settings, name)
    known = known_sets.read_cached(find_set(settings, name).folder, settings.limits)
    ids, lines = tuple(q.id for q in known.task.questions), known.lines[0]
    with _lock:
        before = _states.get(digest or "")
        _states[known.digest] = ids, lines
        _states.move_to_end(known.digest)
        while len(_states) > KEPT_STATES:
            _states.popitem(last=False)
    if before is None:
        return TableState(known.digest, stamp, True, lines)
    if digest == known.digest:
        return TableState(known.digest, stamp, False, ())
    old = dict(zip(*before, strict=True))
    new = dict(zip(ids, lines, strict=True))
    gone = [identity for identity in old if identity not in new]
    rows = [line for identity, line in new.items() if old.get(identity) != line]
    expected = [identity for identity in old if identity in new] + [i for i in new if i not in old]
    return TableState(known.digest, stamp, False, rows, gone, None if expected == list(ids) else ids)


def require_unchanged(settings: Settings, name: str, digest: str | None, ids: Collection[str]) -> None:
    """Refuse to overwrite or delete questions that were changed after a table had shown them.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        digest: Digest of the state that the table shows; None to skip the check.
        ids: Ids of the questions; unknown ids are ignored.

    Raises:
        TaskError: One of them differs from that state, or the state is too old to be known.
    """
    known = known_sets.read_cached(find_set(settings, name).folder, settings.limits)
    if digest is None or digest == known.digest:
        return
    with _lock:
        before = _states.get(digest)
    old = dict(zip(*before, strict=True)) if before else {}
    lines = zip((q.id for q in known.task.questions), known.lines[0], strict=True)
    changed = [identity for identity, line in lines if identity in ids and old.get(identity) != line]
    if changed:
        one = len(changed) == 1
        raise TaskError(
            Sentence(
                "{what} may have been changed after the table showed it: look again, and then repeat that."
                if not before
                else "{what} was changed after the table showed it: look again, and then repeat that."
                if one
                else "{what} were changed after the table showed it: look again, and then repeat that.",
                what=Sentence("Question {n}", n=changed[0]) if one else count(len(changed), "question"),
            )
        )
