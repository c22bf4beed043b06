"""Questions with the log-likelihoods of all choices, from any tool.

Tested in tests/imported/formats/test_harness_samples.py and tests/imported/formats/test_lighteval.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from e2lm_core.base.records import LOWER_IS_BETTER, METRICS
from e2lm_core.base.sentences import Sentence
from e2lm_core.imported.records import Evaluation, Questions
from e2lm_core.scores import metrics

SAMPLES, RESULTS_FILE = Sentence("samples"), Sentence("the results file")
AGREES_WITHIN = 1e-9
MAX_CHOICES = 200
MAX_CELLS = 2_000_000  # questions × choices


class ScoredQuestion(NamedTuple):
    """A question with the log-likelihoods of its choices.

    Attributes:
        id: Id of the question.
        subject: Its subject, empty if there is none.
        gold: Index of the right answer from 0.
        ll: Log-likelihood of each choice [C] in nats.
        chars: Characters of each choice [C], without the delimiter before it.
        gold_bytes: UTF-8 bytes of the right answer.
    """

    id: str
    subject: str
    gold: int
    ll: Sequence[float]
    chars: Sequence[float]
    gold_bytes: float


def from_choice_texts(
    identity: str, subject: str, gold: int, ll: Sequence[float], texts: Sequence[str]
) -> ScoredQuestion:
    """Scored question from the texts of its choices.

    Args:
        identity: Id of the question.
        subject: Its subject, or an empty text.
        gold: Index of the right answer from 0.
        ll: Log-likelihood of each choice [C] in nats.
        texts: Texts of the choices [C], without the delimiter.
    """
    return ScoredQuestion(
        identity,
        subject,
        gold,
        ll,
        [len(text) for text in texts],
        len(texts[gold].encode("utf-8", "surrogatepass")),
    )


def strip_leading_space(texts: Sequence[str]) -> list[str]:
    """Remove the one space that a tool puts before each choice, unless a choice has none."""
    return [text[1:] for text in texts] if all(text.startswith(" ") for text in texts) else list(texts)


def point(evaluation: Evaluation) -> Sentence:
    """Model, checkpoint and task of an evaluation, as sentences begin with them."""
    return Sentence(
        "{model} at {checkpoint} on {task}",
        model=evaluation.model.name,
        checkpoint=evaluation.checkpoint,
        task=evaluation.task,
    )


def add_questions(
    evaluation: Evaluation,
    answered: Sequence[ScoredQuestion],
    source_kind: str = SAMPLES,
    where_from: str = RESULTS_FILE,
    same_questions: Mapping[str, str] | None = None,
) -> tuple[Evaluation, str | None]:
    """Add questions with log-likelihoods to an evaluation, from which every metric follows.

    Means that both give must be equal within 1e-9. The file's own means stay as they are.

    Args:
        evaluation: Evaluation of the same run and task.
        answered: Its questions.
        source_kind: Name of the questions' file in sentences, in the plural.
        where_from: Name of the means' file in sentences.
        same_questions: Metrics of the file that must equal metrics of the studio; None for acc and acc_norm.

    Returns:
        The evaluation with questions and None, or the evaluation unchanged and the reason.
    """
    where = point(evaluation)
    width = max((len(one.ll) for one in answered), default=0)
    if not answered:
        return evaluation, Sentence(
            "{where}: the {kind} give no log-likelihoods of choices (there are none).",
            where=where,
            kind=source_kind,
        )
    if len(answered) * width > MAX_CELLS:
        return (
            evaluation,
            Sentence(
                "{where}: the {kind} give no log-likelihoods of choices ({questions} questions of up to {choices} choices are "
                "more than can be read).",
                where=where,
                kind=source_kind,
                questions=len(answered),
                choices=width,
            ),
        )
    if evaluation.n is not None and evaluation.n != len(answered):
        return (
            evaluation,
            Sentence(
                "{where}: the {kind} hold {held} of {all} questions, so its means are taken from {source} alone; copy the "
                "{kind} again.",
                where=where,
                kind=source_kind,
                held=len(answered),
                all=evaluation.n,
                source=where_from,
            ),
        )
    questions, ll = _arrays(answered, width)
    values = metrics.per_question(ll[None], questions.gold, questions.chars, questions.gold_bytes)
    means = {metric: float(metrics.curve(values[metric])[0]) for metric in METRICS}
    if missing := int(np.isnan(values["margin"]).sum()):
        return (
            evaluation,
            Sentence(
                "{where}: {missing} of the {kind} have a log-likelihood that is not a number.",
                where=where,
                missing=missing,
                kind=source_kind,
            ),
        )
    for theirs, ours in (
        same_questions if same_questions is not None else {"acc": "acc", "acc_norm": "acc_norm"}
    ).items():
        reported = evaluation.scores.get(theirs)
        if reported is not None and abs(reported - means[ours]) > AGREES_WITHIN:
            return (
                evaluation,
                Sentence(
                    "{where}: {metric} is {own} by the {kind} but {reported} in {source}; the {kind} are left aside, since they "
                    "are of another run or task.",
                    where=where,
                    metric=theirs,
                    own=f"{means[ours]:.4f}",
                    kind=source_kind,
                    reported=f"{reported:.4f}",
                    source=where_from,
                ),
            )
    # The file's own means stay as they are, to the last bit.
    scores = {**{m: v for m, v in means.items() if math.isfinite(v)}, **evaluation.scores}
    return replace(
        evaluation,
        scores=scores,
        n=len(questions.ids),
        questions=questions,
        ll=ll,
        lower=evaluation.lower | LOWER_IS_BETTER,
    ), None


def _arrays(answered: Sequence[ScoredQuestion], width: int) -> tuple[Questions, np.ndarray]:
    ll, chars = np.full((len(answered), width), np.nan), np.full((len(answered), width), np.nan)
    for q, one in enumerate(answered):
        ll[q, : len(one.ll)] = one.ll
        chars[q, : len(one.chars)] = one.chars
    questions = Questions(
        ids=tuple(one.id for one in answered),
        subjects=tuple(one.subject for one in answered),
        gold=np.array([one.gold for one in answered], dtype=np.intp),
        chars=chars,
        gold_bytes=np.array([one.gold_bytes for one in answered], float),
    )
    return questions, ll
