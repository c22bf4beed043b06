"""Words of a set's history in the visitor's language: a history keeps them in English.

Tested in tests/ui/editor/test_version_words.py.
"""

from __future__ import annotations

from e2lm_core.sets.history.journal import OPEN
from e2lm_core.ui.base import language
from e2lm_core.ui.base.text_patterns import TextPatterns

_N = {"number": r"[\d,]+"}
_QUESTIONS = {"questions": r"[\d,]+ questions?"}
_WORDS = TextPatterns(
    (
        (language.mark("undo {action}"), {"action": ".+"}),
        (language.mark("redo {action}"), {"action": ".+"}),
        (language.mark("edit {number} questions"), _N),
        (language.mark("edit question {id}"), {"id": ".+"}),
        (language.mark("add {number} questions"), _N),
        (language.mark("replace {number} questions by {new}"), {**_N, "new": r"[\d,]+"}),
        (language.mark("delete {number} questions"), _N),
        (language.mark("move question {id}"), {"id": ".+"}),
        (language.mark("give {questions} another subject"), _QUESTIONS),
        (language.mark("duplicate {questions}"), _QUESTIONS),
        (language.mark("shuffle the choices of {questions}"), _QUESTIONS),
        (language.mark("balance the right answers of {questions}"), _QUESTIONS),
        (language.mark("replace {text} in {questions}"), {"text": ".+", **_QUESTIONS}),
        (language.mark("judge {questions}"), _QUESTIONS),
        (language.mark("remove the judgements by {name}"), {"name": ".+"}),
        (language.mark("restore version {version}"), {"version": r"\d+"}),
        (language.mark("{number} questions"), _N),
    )
)
_CONSTANT = (
    language.mark("add a question"),
    language.mark("delete a question"),
    language.mark("change the prompt"),
    language.mark("change the title"),
    language.mark("choose few-shot examples"),
    language.mark("import judgements"),
    language.mark("1 question"),
    language.mark("change the files outside the studio"),
    language.mark("begin a new history: the one before cannot be read"),
)


def action_words(action: str) -> str:
    """Words of a version's action, such as "edit question q3", in the visitor's language."""
    if action == OPEN:
        return language.translate("before the first change")
    return _WORDS.translate(action, action_words)
