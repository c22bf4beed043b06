"""Table sync: rows of a set and changes since a known state.

A row is the JSON of a line of `test.jsonl`. A table says which state it has by the set's digest; what this process
still knows of that state is not sent again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import count
from e2lm_core.base.settings import Settings
from e2lm_core.sets.collection import find_set
from e2lm_core.sets.editing import presence
from e2lm_core.sets.folder import set_cache as known_sets

KEPT_STATES = 24
_states: OrderedDict[str, tuple[tuple[str, ...], tuple[bytes, ...]]] = OrderedDict()  # ids and lines
_lock = threading.Lock()


class TableState(NamedTuple):
    """What a table needs to show a set as it is.

    `rows` are lines of JSON: all of them where `whole`, else those that are new or differ. `gone` are the ids that
    are no more, `order` the ids in their order where it is not that of before with the new ones at the end.
    """

    digest: str
    stamp: str
    whole: bool
    rows: Sequence[bytes]
    gone: Sequence[str] = ()
    order: Sequence[str] | None = None


def changes_since(settings: Settings, name: str, digest: str | None = None) -> TableState:
    """The set as it is now, for a table that has the state of that digest; None for one that has nothing.

    Raises TaskError where the set is not there or cannot be read.
    """
    stamp = presence.change_stamp(
        settings, name
    )  # before the set: a newer one only makes the table ask once more
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
        digest: The state that the table shows; None for whoever acts on the set as it is.
        ids: Ids of the questions; one that is not there any more is passed over.

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
        what = f"Question {changed[0]}" if len(changed) == 1 else count(len(changed), "question")
        have = "was" if len(changed) == 1 else "were"
        done = f"{have} changed" if before else "may have been changed"
        raise TaskError(f"{what} {done} after the table showed it: look again, and then repeat that.")
