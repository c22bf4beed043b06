"""Probabilities of all choices of a question over training: which wrong answer is taken when.

    p_c = mean over models of exp L_c / sum of exp L

over the scored models, or over all models if none is scored. That of the right answer is the question's norm_prob.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from e2lm_core.analysis.questions.edits import mean_frame, scored_models
from e2lm_core.analysis.questions.suspects.keys import probabilities
from e2lm_core.base import formatting
from e2lm_core.base.records import Question
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.measurements import Measurements


def choice_frame(measurements: Measurements, name: str) -> pd.DataFrame:
    """Mean probability of each choice of a question over the scored models, one row per step that all have.

    Columns: step, tokens_seen, and the choices' indices from 0; NaN until all models are computed there.

    Args:
        measurements: Results of the set.
        name: Id of the question.
    """
    place, curves = measurements.question_ids.index(name), scored_models(measurements)
    frame = mean_frame(measurements, name, "norm_prob")[["step", "tokens_seen"]]
    count = int(measurements.choice_counts[place])
    shares = [
        probabilities(curve.ll[np.searchsorted(curve.steps, frame["step"]), place, :count])
        for curve in curves
    ]
    missing = [
        np.isnan(curve.ll[np.searchsorted(curve.steps, frame["step"]), place, :count]).any(axis=-1)
        for curve in curves
    ]
    means = np.mean(shares, axis=0) if shares else np.empty((0, count))
    if missing:
        means[np.any(missing, axis=0)] = np.nan
    return frame.assign(**{str(choice): means[:, choice] for choice in range(count)})


def favourites_sentence(frame: pd.DataFrame, question: Question) -> str:
    """Sentence on the choice that the models favour first and last; "" without a computed point."""
    known = frame.dropna()
    if known.empty:
        return ""
    names = [str(choice) for choice in range(len(question.choices))]
    first, last = (int(known[names].iloc[row].to_numpy().argmax()) for row in (0, -1))
    if first == last:
        return Sentence(
            "At the first and at the last checkpoint the models favour {choice}.",
            choice=_named(question, last),
        )
    return Sentence(
        "At the first checkpoint the models favour {choice}, at the last one {last}.",
        choice=_named(question, first),
        last=_named(question, last),
    )


def _named(question: Question, choice: int) -> str:
    right = ", right" if choice == question.answer else ""
    return f"{formatting.choice_letter(choice)} ({question.choices[choice]}{right})"
