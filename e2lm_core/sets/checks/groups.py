"""Proposed groups of similar questions.

Questions that succeed and fail together carry less information than their number suggests: an interval that
takes them for independent is too narrow. A proposal is one label for each question, None for a question
alone; only the set's author knows whether it is right.

    template   the question's words without those in fewer than three questions; at least four remain
    answer     the right choice, without its article
    independent, none: the author's alternatives to accepting a proposal
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, groupby

from e2lm_core.base.memory.memo import Each
from e2lm_core.base.records import Finding, Question, TaskConfig, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.checks import question_features
from e2lm_core.sets.checks import text as text_checks

Labels = tuple[str | None, ...]

INDEPENDENT = "independent"  # key of the set's metadata: its questions were written one by one
COMMON = 3  # fewest questions with a word of a template
MIN_WORDS = 4
WORTH_SAYING, FEWEST = 0.1, 30  # share of questions in templates of three or more; number of questions
_SLOT = "…"
_TEMPLATES: Each[str | None] = Each(question_features.KEPT)
_ORDINARY = text_checks.ENGLISH | text_checks.PERHAPS_ENGLISH


def group_by_template(questions: Sequence[Question]) -> Labels:
    """Template of every question that shares it with at least two others, else None."""
    texts = question_features.question_words(questions)
    times = Counter(chain.from_iterable([text.distinct for text in texts]))
    common = frozenset(word for word, number in times.items() if number >= COMMON)
    # Most edits leave the common words unchanged, and so the cached template of every other question.
    return _shared(_TEMPLATES.values_of(common, texts, lambda text: _template(text.every, common)), COMMON)


def group_by_answer(questions: Sequence[Question]) -> Labels:
    """Right choice, normalised, of every question that shares it with another, else None."""
    return _shared([text_checks.normalise_loosely(q.choices[q.answer]) or None for q in questions], 2)


PROPOSALS = {"template": group_by_template, "answer": group_by_answer}


def is_declared_independent(config: TaskConfig) -> bool:
    """Whether the set's metadata declares its questions independent."""
    return bool(config.metadata.get(INDEPENDENT))


def findings(task: TaskSet) -> list[Finding]:
    """Warning that many questions share templates; empty for a small share.

    Also empty if the set has groups or is declared independent.
    """
    if is_declared_independent(task.config) or any(question.group for question in task.questions):
        return []
    labels = group_by_template(task.questions)
    sharing = sum(label is not None for label in labels)
    if len(labels) < FEWEST or sharing < WORTH_SAYING * len(labels):
        return []
    kinds = len({label for label in labels if label is not None})
    sentence = Sentence(
        "{sharing} of {all} questions are written from {templates}, so they may succeed and fail together, and "
        'intervals treat them as independent. Group them under "Similar questions" or with the command groups, '
        "or confirm that they are independent.",
        sharing=sharing,
        all=len(labels),
        templates=Sentence("one template") if kinds == 1 else Sentence("{kinds} templates", kinds=kinds),
    )
    return [Finding(severity="warning", code="shared_templates", sentence=sentence)]


def _template(words: Sequence[str], common: frozenset[str]) -> str | None:
    """Words shared with other questions, one slot for each run of others; None if they are no template."""
    told = sum(map(common.__contains__, words))
    if told < MIN_WORDS or 2 * told < len(words):
        return None
    kept = words if told == len(words) else [word if word in common else _SLOT for word in words]
    if _ORDINARY.issuperset(word for word in kept if word is not _SLOT):
        return None
    return " ".join(word for word, _ in groupby(kept))


def _shared(labels: Sequence[str | None], least: int) -> Labels:
    """Labels with at least `least` questions; None in place of the others."""
    times = Counter(labels)
    return tuple(label if label is not None and times[label] >= least else None for label in labels)
