"""Learning map of a set: the checkpoint from which each question is learnt, by one model or by most of them.

Axes: M models, T checkpoints in step order, Q questions, C choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions import problems
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import NullDistribution, Question
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import null

SHARE = 0.5  # of the models, which answer a question rightly once it is learnt
DRAWS = 199


@dataclass(frozen=True)
class LearningMap:
    """Questions in the order in which they are learnt, with their probabilities at each checkpoint.

    A question is learnt at the first checkpoint at which at least half of the models answer it rightly, and do so
    at every later one. Questions learnt at one checkpoint, and those never learnt, stand by their mean probability.

    Attributes:
        models: Short names of the models.
        rows: Index [Q] of each question in the set, the first learnt first.
        steps: Steps [T] of the checkpoints that the models share.
        tokens_seen: Tokens [T] of the checkpoints, NaN if unknown.
        probability: Probability of the right answer [T, Q], mean over the models.
        learnt: Index [Q] (int) of the checkpoint at which a question is learnt; T for never.
        chance: Chance [Q] of a blind guess.
        null: Number of learnt questions under random answer keys, beside that of the set.
        incomplete: Number of left-out questions without a result at one of the checkpoints.
    """

    models: tuple[str, ...]
    rows: NDArray[np.integer]
    steps: NDArray[np.integer]
    tokens_seen: Floats
    probability: Floats
    learnt: NDArray[np.integer]
    chance: Floats
    null: NullDistribution | None
    incomplete: int

    @property
    def is_learnt(self) -> NDArray[np.bool_]:
        """Questions [Q] that are learnt at the end."""
        return self.learnt < len(self.steps)


def learning_map(measurements: Measurements, model: str | None = None) -> LearningMap:
    """Learning map of a set.

    Args:
        measurements: Results of the set.
        model: Name of a model; None for all models that count, at the checkpoints that they share.

    Raises:
        StudioError: The model is not measured, or no question is complete at every checkpoint.
    """
    if model is None:
        curves, steps = question_pool.shared_checkpoints(measurements, measurements.scored_curves)
    else:
        if model not in measurements.per_question:
            raise StudioError(
                Sentence(
                    "The model {model} has no results here: use one of {known}.",
                    model=model,
                    known=", ".join(measurements.per_question) or "none",
                )
            )
        curves, steps = question_pool.shared_checkpoints(measurements, [measurements.curve_of(model)])
    if not steps.size:
        raise StudioError(
            Sentence("No checkpoint is at least half done yet: let the run go on, or run the set.")
        )
    ready = question_pool.complete_questions(measurements, curves, steps)
    places = [np.searchsorted(curve.steps, steps) for curve in curves]
    probability = np.zeros((len(steps), len(ready)))
    for curve, at in zip(curves, places, strict=True):
        values = measurements.per_question[curve.model.name]["norm_prob"]
        probability += values[np.ix_(at, ready)] / len(curves)
    preferred = np.stack(
        [_preferred(curve.ll[at][:, ready]) for curve, at in zip(curves, places, strict=True)]
    )
    onsets = _onsets(preferred, measurements.chars.shape[1])
    every = np.arange(len(ready))
    learnt = onsets[every, measurements.gold[ready]]
    keys = null.random_golds_of_set(measurements, DRAWS)[:, ready]
    drawn = (onsets[every, keys] < len(steps)).sum(axis=1)
    order = np.lexsort((-probability.mean(axis=0), learnt))
    return LearningMap(
        models=tuple(curve.model.short_name for curve in curves),
        rows=ready[order],
        steps=steps,
        tokens_seen=curves[0].tokens_seen[places[0]],
        probability=probability[:, order],
        learnt=learnt[order],
        chance=1 / measurements.choice_counts[ready[order]],
        null=null.null_distribution(float((learnt < len(steps)).sum()), drawn),
        incomplete=len(measurements.question_ids) - len(ready),
    )


def _preferred(ll: Floats) -> NDArray[np.integer]:
    """Index of the most likely choice of log-likelihoods [T, Q, C], the first of equals."""
    return np.where(np.isfinite(ll), ll, -np.inf).argmax(axis=-1).astype(np.int16)


def _onsets(preferred: NDArray[np.integer], choices: int) -> NDArray[np.integer]:
    """First checkpoint [Q, C] from which at least half of the models prefer a choice up to the last; T for none.

    Args:
        preferred: Index of the preferred choice [M, T, Q].
        choices: Largest number of choices C.
    """
    checkpoints = preferred.shape[1]
    found = []
    for choice in range(choices):
        holds = (preferred == choice).mean(axis=0) >= SHARE
        found.append(checkpoints - np.logical_and.accumulate(holds[::-1], axis=0).sum(axis=0))
    return np.stack(found, axis=1)


def map_frame(found: LearningMap, questions: Sequence[Question]) -> pd.DataFrame:
    """Learning map as a table, one row for each question, the first learnt first.

    Columns: id, question, choices (by letter), learnt_step and learnt_tokens (NaN for never), first and last
    probability of the right answer, chance.
    """
    shown = [questions[row] for row in found.rows]
    at = np.minimum(found.learnt, len(found.steps) - 1)
    return pd.DataFrame(
        {
            "id": [question.id for question in shown],
            "question": [question.question for question in shown],
            "choices": [problems.lettered_choices(question) for question in shown],
            "learnt_step": np.where(found.is_learnt, found.steps[at].astype(float), np.nan),
            "learnt_tokens": np.where(found.is_learnt, found.tokens_seen[at], np.nan),
            "first": found.probability[0],
            "last": found.probability[-1],
            "chance": found.chance,
        }
    )


def probability_frame(found: LearningMap) -> pd.DataFrame:
    """Probabilities of the right answer, one row for each question and one column for each step."""
    return pd.DataFrame(found.probability.T, columns=[f"step {step}" for step in found.steps])


def chart_lines(count: int, max_lines: int) -> list[NDArray[np.integer]]:
    """Indices [N] (int) of neighbouring questions on each line of a chart with at most `max_lines` lines."""
    return np.array_split(np.arange(count), min(count, max_lines)) if count else []
