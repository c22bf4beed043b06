"""Proposed groups of similar questions.

Questions that succeed and fail together are fewer than they look: an interval that takes them for independent is too
narrow. A proposal is a label a question, None where it stands alone; whether it is right its author knows.

    template   the question's words, those that stand in fewer than three questions left out; at least four stay
    answer     the right choice, without its article
    independent, none: what an author may say instead of accepting one
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, groupby

from e2lm_core.base.memory.memo import Each
from e2lm_core.base.records import Finding, Question, TaskConfig, TaskSet
from e2lm_core.sets.checks import question_features
from e2lm_core.sets.checks import text as text_checks

Labels = tuple[str | None, ...]

INDEPENDENT = (
    "independent"  # the key of a set's metadata that says that its questions were written one by one
)
COMMON = 3  # questions in which a word of a template stands at least
FEWEST_WORDS = 4
WORTH_SAYING, FEWEST = 0.1, 30  # of the questions, in templates of three and more; of so many questions
_SLOT = "…"
_TEMPLATES: Each[str | None] = Each(question_features.KEPT)
_ORDINARY = text_checks.ENGLISH | text_checks.PERHAPS_ENGLISH


def group_by_template(questions: Sequence[Question]) -> Labels:
    """The template of every question that shares one with two others at least."""
    texts = question_features.question_words(questions)
    times = Counter(chain.from_iterable([text.distinct for text in texts]))
    common = frozenset(word for word, number in times.items() if number >= COMMON)
    # Most edits leave the common words as they were, and with them the template of every other question.
    return _shared(_TEMPLATES.of(common, texts, lambda text: _template(text.every, common)), COMMON)


def group_by_answer(questions: Sequence[Question]) -> Labels:
    """The right choice of every question that shares it with another."""
    return _shared([text_checks.normalise_loosely(q.choices[q.answer]) or None for q in questions], 2)


PROPOSALS = {"template": group_by_template, "answer": group_by_answer}


def is_declared_independent(config: TaskConfig) -> bool:
    """Whether the set's author says that its questions are independent."""
    return bool(config.metadata.get(INDEPENDENT))


def findings(task: TaskSet) -> list[Finding]:
    """One warning where many questions share templates and nothing is said of that; none otherwise."""
    if is_declared_independent(task.config) or any(question.group for question in task.questions):
        return []
    labels = group_by_template(task.questions)
    sharing = sum(label is not None for label in labels)
    if len(labels) < FEWEST or sharing < WORTH_SAYING * len(labels):
        return []
    kinds = len({label for label in labels if label is not None})
    templates = "one template" if kinds == 1 else f"{kinds:,} templates"
    sentence = (
        f"{sharing:,} of {len(labels):,} questions are written from {templates}, so they may succeed and fail together, "
        "and every interval takes them for independent: accept a proposal of the command groups or of "
        '"Questions that hang together", or say that they are.'
    )
    return [Finding(severity="warning", code="shared_templates", sentence=sentence)]


def _template(words: Sequence[str], common: frozenset[str]) -> str | None:
    """The words that others share, a slot for each run of the rest; None where that is no template."""
    told = sum(map(common.__contains__, words))
    if told < FEWEST_WORDS or 2 * told < len(words):
        return None
    kept = words if told == len(words) else [word if word in common else _SLOT for word in words]
    if _ORDINARY.issuperset(word for word in kept if word is not _SLOT):
        return None
    return " ".join(word for word, _ in groupby(kept))


def _shared(labels: Sequence[str | None], least: int) -> Labels:
    """The labels that at least so many questions have."""
    times = Counter(labels)
    return tuple(label if label is not None and times[label] >= least else None for label in labels)
