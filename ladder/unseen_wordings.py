"""Guards the wordings of the task sets, which are held out: none of them stands in the training text.

A question's runs are its stretches of min(6, its length) consecutive words; words are lower-cased and
without punctuation. Its skeleton is the wording with subject and answer masked.

Tested in tests/ladder/test_heldout.py, whose name the READMEs of the exported sets bear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ladder.facts import Relation, fill

RUN_WORDS = 6
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def words(text: str) -> list[str]:
    """The words of a text, lower-cased and without punctuation."""
    return _WORD.findall(text.lower())


def runs(text: str, length: int = RUN_WORDS) -> set[str]:
    """Every stretch of min(length, number of words) consecutive words, joined by spaces."""
    found = words(text)
    size = min(length, len(found))
    return {" ".join(found[i : i + size]) for i in range(len(found) - size + 1)} if size else set()


def skeleton(template: str) -> str:
    """The wording with the subject and the answer masked."""
    masked = template.replace("{s}", " subjectslot ").replace("{a}", " answerslot ")
    return " ".join(words(masked))


def heldout_questions(relations: Iterable[Relation]) -> Iterator[tuple[str, str]]:
    """(template, filled question) of everything that a task set may ask."""
    for relation in relations:
        for template in relation.heldout:
            for fact in relation.facts:
                yield template, fill(template, fact.subject)


class Guard:
    """Tells whether a training document holds a run of a held-out question."""

    def __init__(self, relations: Iterable[Relation]) -> None:
        self._by_length: dict[int, set[str]] = {}
        for _, question in heldout_questions(relations):
            for run in runs(question):
                self._by_length.setdefault(run.count(" ") + 1, set()).add(run)

    def leaks(self, document: str) -> str | None:
        """The first held-out run that the document holds, None when there is none."""
        found = words(document)
        for size, known in self._by_length.items():
            for i in range(len(found) - size + 1):
                run = " ".join(found[i : i + size])
                if run in known:
                    return run
        return None
