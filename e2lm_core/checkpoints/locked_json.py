"""JSON files of the home: records, and lists with a file lock for writers.

Tested in tests/checkpoints/test_user_folders.py, tests/checkpoints/hub/test_added_models.py and
tests/checkpoints/hub/test_rolling_leases.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from e2lm_core.base.atomic import replace_file
from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.files import open_lock_file, take_lock
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import safejson

Document = TypeVar("Document", bound=Record)


def read_record(path: Path, kind: type[Document]) -> Document | None:
    """Record in a JSON file; None if the file cannot be read or holds another one."""
    try:
        return kind.model_validate(safejson.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def read_list(path: Path, kind: type[Document], of: str) -> Document:
    """Document in a JSON file of the home; an empty one if there is no file.

    Args:
        path: The file.
        kind: Record of the document.
        of: Plural noun for its entries, for the sentence of an error.

    Raises:
        CheckpointError: The file cannot be read, or holds another document.
    """
    try:
        return kind.model_validate(safejson.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return kind()
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "{path} cannot be read ({strerror}): check the file.", path=path, strerror=error.strerror
            )
        ) from error
    except ValueError as error:
        raise CheckpointError(
            Sentence(
                "{path} is not a list of {of} of this version: take it away and add them again.",
                path=path,
                of=of,
            )
        ) from error


@contextmanager
def lock_list(path: Path) -> Iterator[None]:
    """Lock the file against other writers for as long as the context is open.

    Raises:
        CheckpointError: The home cannot be written.
    """
    try:
        lock = open_lock_file(path.parent / f".{path.name}.lock")
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "{parent} cannot be written ({strerror}): set E2LM_HOME.",
                parent=path.parent,
                strerror=error.strerror,
            )
        ) from error
    with lock:
        take_lock(lock, wait=True)
        yield


def write_list(path: Path, document: Record) -> None:
    """Replace the file with the document; the caller has the lock of `lock_list`."""
    replace_file(path, (document.model_dump_json(indent=1) + "\n").encode())
