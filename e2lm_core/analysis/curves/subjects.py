"""Learning curves by subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from e2lm_core.analysis import tables
from e2lm_core.base.memory.memo import Filled
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty import set_intervals

MAX_SUBJECTS = 12  # small charts side by side that a reader can still compare
NO_SUBJECT = Sentence("no subject")


@dataclass(frozen=True)
class SubjectCurves:
    """Learning curves of the questions of one subject.

    Attributes:
        subject: Name of the subject.
        questions: Number of its questions.
        chance: Accuracy of blind guessing on these questions.
        frame: Table as of `tables.curve_frame`, with `low` and `high` if intervals were requested.
    """

    subject: str
    questions: int
    chance: float
    frame: pd.DataFrame

    def with_x_column(self, frame: pd.DataFrame) -> SubjectCurves:
        """Copy of these curves with another table, such as one of `axes.with_x_column`."""
        return replace(self, frame=frame)


def curves_by_subject(
    measurements: Measurements, metric: str, bands: bool = True, max_subjects: int = MAX_SUBJECTS
) -> tuple[list[SubjectCurves], list[str]]:
    """Learning curves of the largest subjects, largest first, and the names of the remaining subjects.

    Intervals come from a bootstrap within the subject, with its number of questions fixed.

    Args:
        measurements: Results of the set.
        metric: Metric of the curves.
        bands: Add 95% intervals.
        max_subjects: Number of subjects with curves.
    """
    counts = Counter(subject or NO_SUBJECT for subject in measurements.subjects)
    names = [name for name, _ in counts.most_common()]
    labels = np.array([subject or NO_SUBJECT for subject in measurements.subjects])
    shown = []
    for name in names[:max_subjects]:
        part = select_questions(measurements, labels == name)
        frame = tables.curve_frame(part, (metric,))
        if bands and part.complete_checkpoints:
            intervals = tables.band_frame(part, set_intervals.resample(part, (metric,)), metric)
            frame = frame.merge(intervals, on=["model", "step"], how="left")
        shown.append(SubjectCurves(name, counts[name], part.chance, frame))
    return shown, names[max_subjects:]


def select_questions(measurements: Measurements, mask: np.ndarray) -> Measurements:
    """Measurements of the questions with a true `mask` [Q] (bool), as if the set had no others."""
    if mask.all():  # a copy would double the memory
        return measurements
    at = np.flatnonzero(mask)
    part = replace(
        measurements,
        question_ids=tuple(measurements.question_ids[q] for q in at),
        subjects=tuple(measurements.subjects[q] for q in at),
        gold=measurements.gold[at],
        chars=measurements.chars[at],
        gold_bytes=measurements.gold_bytes[at],
        curves=tuple(ModelCurve(c.model, c.checkpoints, c.ll[:, at]) for c in measurements.curves),
        groups=tuple(measurements.groups[q] for q in at) if measurements.groups else (),
        choice_texts=None if measurements.choice_texts is None else measurements.choice_texts[at],
        question_texts=None if measurements.question_texts is None else measurements.question_texts[at],
    )
    # Per-question metrics of the whole set hold for every part of it and are not computed again by subject.
    part.__dict__["per_question"] = {
        model: Filled(partial(_of_part, by_metric, at))
        for model, by_metric in measurements.per_question.items()
    }
    return part


def _of_part(whole: Mapping[str, np.ndarray], at: np.ndarray, metric: str) -> np.ndarray:
    return whole[metric][:, at]


def subject_table(subjects: Sequence[SubjectCurves]) -> pd.DataFrame:
    """All points of the subjects' curves in one table, with the subject in the first column."""
    parts = [
        tables.with_sentences(points, subject=[curves.subject] * len(points))
        for curves in subjects
        if len(points := curves.frame.dropna(subset=["value"]))
    ]
    if not parts:
        return pd.DataFrame(columns=["subject", "model", "step", "value"])
    joined = pd.concat(parts, ignore_index=True)
    return joined[["subject", *(c for c in joined.columns if c != "subject")]]
