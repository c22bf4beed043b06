"""Preview of a restore: the questions that it brings back, removes, changes and moves.

Tested in tests/sets/history/test_versions.py.
"""

from __future__ import annotations

from e2lm_core.base.formatting import choice_letter, count, join_words
from e2lm_core.base.records import Record, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.history.field_diff import Difference, differences, moved_questions

_CHOICE = "choice "


class RestorePreview(Record):
    """Differences that the restore of a version would make.

    Attributes:
        number: Number of the version.
        added: Questions that come back.
        removed: Questions that go.
        changed: Fields of questions that get another text.
        settings: Fields of the prompt, the title and the readme that get another text.
        moves: Whether questions that stay change their order.
    """

    number: int
    added: tuple[Difference, ...] = ()
    removed: tuple[Difference, ...] = ()
    changed: tuple[Difference, ...] = ()
    settings: tuple[Difference, ...] = ()
    moves: bool = False

    @property
    def differences(self) -> tuple[Difference, ...]:
        """All differences: settings, then changed, added and removed questions."""
        return (*self.settings, *self.changed, *self.added, *self.removed)

    @property
    def sentence(self) -> str:
        """Sentence that counts the questions, for example: Restoring version 3 changes 2 questions."""
        parts = []
        for number, change in (
            (len({one.question for one in self.changed}), Sentence("changes {questions}")),
            (len(self.added), Sentence("brings back {questions}")),
            (len(self.removed), Sentence("removes {questions}")),
        ):
            if number:
                parts.append(Sentence(change, questions=count(number, "question")))
        if self.settings:
            parts.append(Sentence("changes {settings}", settings=count(len(self.settings), "setting")))
        if self.moves:
            parts.append(Sentence("changes the order"))
        return Sentence(
            "Restoring version {version} {changes}.",
            version=self.number,
            changes=join_words(parts, 5) if parts else Sentence("changes nothing"),
        )


def preview_restore(number: int, current: TaskSet, version: TaskSet) -> RestorePreview:
    """Differences from the current set to a version of it."""
    found = differences(current, version)
    of_questions = [one for one in found if one.question is not None]
    return RestorePreview(
        number=number,
        added=tuple(one for one in of_questions if one.field is None and one.before is None),
        removed=tuple(one for one in of_questions if one.field is None and one.after is None),
        changed=tuple(one for one in of_questions if one.field is not None),
        settings=tuple(one for one in found if one.question is None),
        moves=bool(moved_questions(current, version)),
    )


def field_label(difference: Difference) -> str:
    """Name of the field that differs, choices by letter; "" for a whole question."""
    field = difference.field or ""
    if field.startswith(_CHOICE) and field.removeprefix(_CHOICE).isdecimal():
        return Sentence("choice {letter}", letter=choice_letter(int(field.removeprefix(_CHOICE))))
    return Sentence("right answer") if field == "answer" else field


def field_texts(difference: Difference) -> tuple[str, str]:
    """Old and new text as they are shown: right answers by letter, "" for a missing text."""
    before, after = difference.before or "", difference.after or ""
    if difference.field == "answer" and before.isdecimal() and after.isdecimal():
        return choice_letter(int(before)), choice_letter(int(after))
    return before, after
