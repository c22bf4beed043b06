"""All of a group right: curves and last values by model, beside guessing and permuted right answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from e2lm_core.analysis import tables, validity
from e2lm_core.base.json_values import to_json_numbers
from e2lm_core.base.records import ModelInfo, Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores import matched_groups, metrics
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty import bootstrap
from e2lm_core.scores.uncertainty.means import pointwise

MIN_SHARE = 0.5  # of the questions must be in groups, or the score would be of another set
ONE_GROUP = Sentence("No interval: it needs 2 groups, and there is 1.")
NOT_COMPLETE = Sentence("No checkpoint has results for every question of the groups.")


@dataclass(frozen=True, eq=False)
class AllRight:
    """Share of matched groups of which a model answers every question right, by accuracy.

    Attributes:
        groups: Number of matched groups.
        questions: Number of questions in them.
        of: Number of questions of the set.
        chance: Share that blind guessing gets; None where there is no score.
        curves: Curves and their 95% intervals, in the columns of `tables.curve_frame` with `low` and `high`; `n` counts
            the questions of groups.
        ends: Value at each model's last complete checkpoint, by model.
        counted: The models that count in scores.
    """

    groups: int
    questions: int
    of: int
    chance: float | None = None
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    ends: dict[str, Value] = field(default_factory=dict)
    counted: tuple[ModelInfo, ...] = ()

    @property
    def best(self) -> tuple[ModelInfo, Value] | None:
        """Counted model with the largest last value; None without a value."""
        known = [(one, end) for one in self.counted if (end := self.ends[one.name]).value is not None]
        return max(known, key=lambda one: one[1].value or 0.0, default=None)

    def end_frame(self) -> pd.DataFrame:
        """Table of last values: model, value, low, high, random, random 95%, p and why."""
        rows = []
        for name, value in self.ends.items():
            low, high = value.interval or (None, None)
            null = value.null
            rows.append(
                {
                    "model": name,
                    "value": value.value,
                    "low": low,
                    "high": high,
                    "random": null and null.mean,
                    "random 95%": null and null.q95,
                    "p": null and null.p,
                    "why": value.why,
                }
            )
        frame = pd.DataFrame(rows)
        frame = frame.astype(dict.fromkeys(("value", "low", "high", "random", "random 95%", "p"), float))
        return tables.with_sentences(frame, why=(row["why"] for row in rows))

    def document(self) -> dict[str, Any]:
        """JSON of the score: groups, questions, chance, and each model's curve with its last value."""
        models = {}
        for name, value in self.ends.items():
            points = self.curves[self.curves["model"] == name]
            models[name] = {
                "steps": points["step"].tolist(),
                "tokens_seen": to_json_numbers(points["tokens_seen"], as_integers=True),
                **{to: to_json_numbers(points[of]) for to, of in _COLUMNS.items()},
                "end": value.model_dump(),
            }
        return {
            "groups": self.groups,
            "questions": self.questions,
            "chance": self.chance,
            "models": models,
        }


_COLUMNS = {"values": "value", "low": "low", "high": "high"}


def all_right_by_model(measurements: Measurements) -> AllRight:
    """All of a group right on a set's results; without a score where groups hold fewer than half of its questions."""
    total = len(measurements.question_ids)
    if measurements.choice_texts is None or not total:
        return AllRight(0, 0, total)
    numbers = matched_groups.matched_groups(measurements.choice_texts, measurements.gold, measurements.groups)
    groups, questions = int(numbers.max()) + 1, int((numbers >= 0).sum())
    if not groups or questions < MIN_SHARE * total:
        return AllRight(groups, questions, total)
    labels = _labels(measurements, numbers, groups)
    design = bootstrap.resampling_design(groups, labels)
    frames, ends = [], {}
    for curve in measurements.curves:
        right = measurements.per_question[curve.model.name]["acc"]
        whole = matched_groups.all_right(right, numbers)
        samples = bootstrap.resampled_means({"": whole}, design, bootstrap.RESAMPLES, seed=0)[""]
        bounds = pointwise.mean_interval("acc", whole, samples, design.clusters)
        frame = tables.curve_rows([(curve, "acc", right[:, numbers >= 0])])
        frames.append(frame.assign(value=metrics.curve(whole), low=bounds[:, 0], high=bounds[:, 1]))
        ends[curve.model.name] = _end(measurements, curve, whole, bounds, numbers, labels, design.clusters)
    return AllRight(
        groups,
        questions,
        total,
        matched_groups.chance(measurements.choice_counts, numbers),
        pd.concat(frames, ignore_index=True) if frames else tables.curve_frame(measurements, ("acc",)),
        ends,
        tuple(curve.model for curve in measurements.scored_curves),
    )


def _labels(measurements: Measurements, numbers: np.ndarray, groups: int) -> list[str | None]:
    """Declared group of each matched group [G]: that of its first question that has one."""
    labels: list[str | None] = [None] * groups
    for number, declared in zip(numbers, measurements.groups, strict=False):
        if number >= 0:
            labels[number] = labels[number] or declared
    return labels


def _end(
    measurements: Measurements,
    curve: ModelCurve,
    whole: Floats,
    bounds: Floats,
    numbers: np.ndarray,
    labels: list[str | None],
    clusters: int,
) -> Value:
    """Value at the last complete checkpoint with its interval and its null distribution.

    Questions that a rule chose on these models have none, as for every score (`validity.selection_note`).
    """
    complete = np.flatnonzero(np.isfinite(whole).all(axis=1))
    if not len(complete) or measurements.choice_texts is None:
        return Value(value=None, why=NOT_COMPLETE)
    k, groups = complete[-1], whole.shape[1]
    why = ONE_GROUP if groups == 1 else pointwise.too_few_reason("acc", groups, clusters)
    null = None
    if validity.selection_note(measurements) is None:
        null = matched_groups.null_of_permuted_keys(
            curve.ll[k], measurements.choice_texts, measurements.gold, numbers, labels
        )
    interval = None if why else (float(bounds[k, 0]), float(bounds[k, 1]))
    return Value(value=float(whole[k].mean()), why=why, interval=interval, null=null)
