"""Notes on the models that a question was written with: its column `written_with`, in every file of the set.

Each text that a person took from a proposal adds a note, such as *choice B by MODEL*; whose proposal it was stands
behind the last *by*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from e2lm_core.base import formatting
from e2lm_core.base.records import Question

WRITTEN_WITH = "written_with"
MAX_NAME = 100  # characters of a name that is shown: anything may stand in a set's column
_BY = " by "
_NEXT = "; "


def add_note(extra: Mapping[str, Any], what: str, by: str) -> dict[str, Any]:
    """The columns of a question with a note on a text that was taken.

    Args:
        extra: The question's columns.
        what: The text that was taken, such as "choice B proposed".
        by: Whose proposal it was, such as a model's name.
    """
    notes = [*_notes(extra), f"{what}{_BY}{by}"]
    return {**extra, WRITTEN_WITH: _NEXT.join(dict.fromkeys(notes))}


def writers(questions: Iterable[Question]) -> dict[str, int]:
    """Number of questions with a proposed text by whose proposal it was, the most first."""
    found = Counter(
        by
        for question in questions
        for by in {formatting.one_line(note.rpartition(_BY)[2], MAX_NAME) for note in _notes(question.extra)}
    )
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _notes(extra: Mapping[str, Any]) -> list[str]:
    return [note for note in str(extra.get(WRITTEN_WITH) or "").split(_NEXT) if note]
