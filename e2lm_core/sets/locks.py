"""Write lock of a set.

It excludes threads, processes and several apps on one home alike, and ends with the process that holds it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TextIO, TypeVar

from e2lm_core.base.errors import TaskError
from e2lm_core.base.files import open_lock_file, take_lock
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.people import access

WAIT_S = 10.0  # an edit of the largest set takes a second or two
_LOOK_AGAIN_S = 0.005
_of_thread = threading.local()

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def lock_set(settings: Settings, name: str) -> Iterator[bool]:
    """Hold the write lock of a set while the block runs.

    Yields:
        Whether this thread held the lock already.

    Raises:
        TaskError: Another writer does not end within `WAIT_S` seconds, the home cannot be written, or the
            caller may not edit the set.
    """
    settings, name, _ = access.resolve_set(settings, name, "editor")
    path = settings.workspace / "locks" / f"{Path(name).name}.lock"
    mine: set[Path] = _of_thread.__dict__.setdefault("paths", set())
    if path in mine:
        yield True
        return
    with _opened(path) as file:
        _wait_for(file, name)
        mine.add(path)
        try:
            yield False
        finally:
            mine.discard(path)


def exclusive_edit(
    edit: Callable[Concatenate[Settings, str, P], R],
) -> Callable[Concatenate[Settings, str, P], R]:
    """Decorate a service of `(settings, name, …)` to hold the set's write lock while it runs.

    The service then needs the role of an editor.
    """

    @access.edits
    @wraps(edit)
    def locked(settings: Settings, name: str, *arguments: P.args, **options: P.kwargs) -> R:
        with lock_set(settings, name):
            return edit(settings, name, *arguments, **options)

    return locked


def _opened(path: Path) -> TextIO:
    try:
        return open_lock_file(path)
    except OSError as error:
        raise TaskError(
            Sentence(
                "Nothing was changed: {folder} cannot be written ({problem}); check the disk and its rights, and "
                "try again.",
                folder=path.parent,
                problem=error.strerror,
            )
        ) from error


def _wait_for(file: TextIO, name: str) -> None:
    end = time.monotonic() + WAIT_S
    while not take_lock(file):
        if time.monotonic() > end:
            raise TaskError(
                Sentence(
                    "{name} was not saved: another change of it has not ended for {seconds} s; save again.",
                    name=name,
                    seconds=f"{WAIT_S:.0f}",
                )
            )
        time.sleep(_LOOK_AGAIN_S)
