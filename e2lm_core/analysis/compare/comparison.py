"""Comparison of two sets or versions on one fleet: means, scores, questions; paired where shared.

What is paired with what, and what that means for the intervals, is in docs/comparing.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from e2lm_core.analysis import validity
from e2lm_core.analysis.score.parts import detrended_snr
from e2lm_core.analysis.tables import curve_frame
from e2lm_core.base import labels
from e2lm_core.base.json_values import to_json_value
from e2lm_core.base.records import Question, Record, TaskSet, Value
from e2lm_core.scores.measurements import Measurements, final_values
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import coverage, null, paired
from e2lm_core.scores.uncertainty.intervals import CurveDifference, Interval, Resampled
from e2lm_core.scores.uncertainty.means import multiple_testing as together
from e2lm_core.scores.uncertainty.paired import Pairing, Side

COMPARED = ("score", "sq", "rc", "cs", "snr", "snr_detrended", "decision_accuracy")
END, EARLY_END = "end", "early window's end"
ALL = "all that count"
Place = tuple[str, int, int]  # model, checkpoint in the first's curve, in the second's
Judge = Callable[[Measurements, str, str], Scores]  # of measurements, a metric and RC's reading


class QuestionMatching(Record):
    """Which questions both have: a key for each question of either set, equal where they are the same
    question."""

    by: Literal["id", "text"]
    first: tuple[str, ...]
    second: tuple[str, ...]


class MeanDifference(Record):
    """Second - first of one mean: of a model or of `ALL` that count, at a point of the curves."""

    model: str
    point: str
    first: float | None
    second: float | None
    difference: float | None
    interval: tuple[float, float] | None
    share: float | None  # of resamples in which the second is higher, ties half
    why: str | None = None  # there is no interval
    changed: int | None = None  # how many questions differ at all
    p: float | None = None  # of no difference, two-sided
    together: float | None = None  # the same for all models at this point judged together (Holm)
    within: float | None = None  # the margin to which an equivalence test at 5% finds the two alike
    detectable: float | None = None  # what would be told in 80% of cases


class ScoreDifference(Record):
    """Second - first of one score; undefined where it is undefined for either of the two."""

    score: str
    first: Value
    second: Value
    difference: Value

    @property
    def near_random(self) -> tuple[Literal["first", "second"], ...]:
        """Which of the two is not distinguishable from random answers to its questions."""
        sides: tuple[Literal["first", "second"], ...] = ("first", "second")
        return tuple(side for side in sides if null.is_within_null(getattr(self, side)))


@dataclass(frozen=True)
class Comparison:
    """Everything about one metric, `first` being the older or other one and differences second - first."""

    names: tuple[str, str]
    metric: str
    match: QuestionMatching
    pairing: Pairing
    first: Measurements
    second: Measurements
    means: tuple[MeanDifference, ...]
    scores: tuple[ScoreDifference, ...]
    rc_reading: str = readings.DEFAULT

    @property
    def shared_question_count(self) -> int:
        """How many questions both have."""
        return self.pairing.shared


def match_questions(first: TaskSet, second: TaskSet, versions: bool = False) -> QuestionMatching:
    """By id for two versions of one set, and for two sets of which one is plainly a copy: half of the ids
    that both have, or more, name the same text. Otherwise by text, since ids of different sets say
    nothing."""
    old = {q.id: _text(q) for q in first.questions}
    new = {q.id: _text(q) for q in second.questions}
    common = old.keys() & new.keys()
    same = sum(old[name] == new[name] for name in common)
    if versions or (common and 2 * same >= len(common)):
        return QuestionMatching(by="id", first=tuple(old), second=tuple(new))
    return QuestionMatching(by="text", first=_keys(first.questions), second=_keys(second.questions))


def compare(
    names: tuple[str, str],
    first: Measurements,
    second: Measurements,
    matched: QuestionMatching,
    metric: str,
    resamples: int | None = None,
    reading: str = readings.DEFAULT,
    judged: Judge = validity.scores_with_null,
) -> Comparison:
    """Differences of one metric's means and scores, on the same resamples (see `paired`); `reading` is RC's.

    `judged` gives the scores of measurements with what random answers give.
    """
    pairing = paired.match_questions(matched.first, matched.second)
    resampled = None
    if first.complete_checkpoints and second.complete_checkpoints and len(pairing.first):
        options = {} if resamples is None else {"resamples": resamples}
        resampled = paired.resample(_side(first), _side(second), pairing, (metric,), **options)
    return Comparison(
        names=names,
        metric=metric,
        match=matched,
        pairing=pairing,
        first=first,
        second=second,
        means=tuple(_means(first, second, metric, resampled)),
        scores=tuple(_scores(first, second, metric, resampled, reading, judged)),
        rc_reading=reading,
    )


def _side(measurements: Measurements) -> Side:
    return Side(measurements.runs, measurements.choice_counts, measurements.groups or None)


def _text(question: Question) -> tuple[str, tuple[str, ...], str]:
    """A question's content whatever the order of its choices."""
    gold = question.choices[question.answer] if 0 <= question.answer < len(question.choices) else ""
    return question.question.strip(), tuple(sorted(question.choices)), gold


def _keys(questions: Sequence[Question]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    keys = []
    for question in questions:
        text = repr(_text(question))
        keys.append(f"{text} {seen[text]}")
        seen[text] += 1
    return tuple(keys)


# --- means ----------------------------------------------------------------------------------------------


def comparison_points(
    first_set: Measurements, second_set: Measurements, metric: str
) -> dict[str, list[Place]]:
    """{point: where each model stands in both}: its last checkpoint that is complete in both, and the early
    window's last where a later one is complete too."""
    placed: dict[str, list[Place]] = {EARLY_END: [], END: []}
    for curve in second_set.curves:
        name = curve.model.name
        other = next((c for c in first_set.curves if c.model.name == name), None)
        if other is None:
            continue
        known_new = np.flatnonzero(np.isfinite(second_set.values(name, metric)))
        known_old = np.flatnonzero(np.isfinite(first_set.values(name, metric)))
        steps, old, new = np.intersect1d(other.steps[known_old], curve.steps[known_new], return_indices=True)
        if not len(steps):
            continue
        old, new = known_old[old], known_new[new]
        placed[END].append((name, int(old[-1]), int(new[-1])))
        early = np.flatnonzero(curve.early[new])
        if early.size and early[-1] < len(new) - 1:
            placed[EARLY_END].append((name, int(old[early[-1]]), int(new[early[-1]])))
    return placed


def _means(
    first: Measurements, second: Measurements, metric: str, resampled: tuple[Resampled, Resampled] | None
) -> list[MeanDifference]:
    if resampled is None:
        return []
    counted = {c.model.name for c in second.curves if c.model.counts_in_scores}
    means = []
    for point, at in reversed(comparison_points(first, second, metric).items()):
        groups = [(ALL, [p for p in at if p[0] in counted]), *((p[0], [p]) for p in at)]
        for model, group in groups:
            if group:
                difference = paired.mean_difference(*resampled, metric, group)
                means.append(_mean(model, point, group, difference, first, second, metric))
    return _judged(means)


def _judged(means: list[MeanDifference]) -> list[MeanDifference]:
    """With the single models' p-values at each point judged together; the mean of all models is one question by itself."""
    alone = {p: [m for m in means if m.point == p and m.model != ALL] for p in {m.point for m in means}}
    judged = {id(mean): mean.p for mean in means}
    for own in alone.values():
        adjusted = together.holm([np.nan if m.p is None else m.p for m in own])
        judged |= {id(m): to_json_value(p) for m, p in zip(own, adjusted, strict=True)}
    return [m.model_copy(update={"together": judged[id(m)]}) for m in means]


def _mean(
    model: str,
    point: str,
    at: list[Place],
    difference: CurveDifference,
    first: Measurements,
    second: Measurements,
    metric: str,
) -> MeanDifference:
    return MeanDifference(
        model=model,
        point=point,
        first=float(np.mean([first.values(name, metric)[i] for name, i, _ in at])),
        second=float(np.mean([second.values(name, metric)[j] for name, _, j in at])),
        difference=difference.value,
        interval=difference.bounds,
        **{f: getattr(difference, f) for f in ("share", "why", "changed", "p", "within", "detectable")},
    )


# --- scores ---------------------------------------------------------------------------------------------


def _scores(
    first: Measurements,
    second: Measurements,
    metric: str,
    resampled: tuple[Resampled, Resampled] | None,
    reading: str,
    judged: Judge,
) -> list[ScoreDifference]:
    old, new = (judged(m, metric, reading) for m in (first, second))
    rows = []
    bounds: dict[str, tuple[float | None, Interval]] = {}
    if resampled is not None:
        rules = coverage.difference_rules(*paired.smallest_counts(*resampled, metric))
        bounds = paired.score_differences(*resampled, metric, rules)
    for name in COMPARED:
        core = readings.score_key(name, reading) if name in ("rc", "score") else name
        values = [
            detrended_snr(m, metric) if name == "snr_detrended" else getattr(s, name)
            for m, s in ((first, old), (second, new))
        ]
        rows.append(
            ScoreDifference(
                score=name,
                first=values[0],
                second=values[1],
                difference=_difference(values[0], values[1], bounds.get(core)),
            )
        )
    return rows


def _difference(old: Value, new: Value, estimate: tuple[float | None, Interval] | None) -> Value:
    if old.value is None or new.value is None:
        return Value(value=None, why=old.why if old.value is None else new.why)
    value = Value(value=new.value - old.value)
    if estimate is None:
        return value.model_copy(update={"why": "Too little was measured."})
    return estimate[1].attach(value)


def question_frame(compared: Comparison, first: TaskSet, second: TaskSet) -> pd.DataFrame:
    """One row a question that the two do not have alike: what (added, removed, changed), id, both texts, and
    its value at the end, the mean over the models that count, in each."""
    values = [
        final_values(m, compared.metric, fall_back_to_all=False) for m in (compared.first, compared.second)
    ]
    rows = []
    for old, new in zip(compared.pairing.first.tolist(), compared.pairing.second.tolist(), strict=True):
        before = first.questions[old] if old >= 0 else None
        after = second.questions[new] if new >= 0 else None
        if before is not None and after is not None and _text(before) == _text(after):
            continue
        question = after or before
        assert question is not None
        rows.append(
            {
                "what": "added" if before is None else "removed" if after is None else "changed",
                "id": question.id,
                "before": before.question if before else None,
                "after": after.question if after else None,
                "value before": values[0][old] if old >= 0 else np.nan,
                "value after": values[1][new] if new >= 0 else np.nan,
            }
        )
    frame = pd.DataFrame(rows, columns=["what", "id", "before", "after", "value before", "value after"])
    frame["difference"] = frame["value after"] - frame["value before"]
    return frame


def mean_frame(compared: Comparison) -> pd.DataFrame:
    """One row a `MeanDifference`: model, point, first, second, difference, low, high, share, together, detectable."""
    columns = ["model", "point", "first", "second", "difference"]
    columns += ["low", "high", "share", "together", "detectable"]
    rows = [{**m.model_dump(exclude={"interval"}), **_ends(m.interval)} for m in compared.means]
    return pd.DataFrame(rows, columns=columns)


def curve_pairs(compared: Comparison) -> pd.DataFrame:
    """One row a (model, checkpoint): model, step, tokens_seen, early, first, second."""
    keys = ["model", "step", "tokens_seen", "early"]
    first, second = (
        curve_frame(measured, (compared.metric,))[[*keys, "value"]]
        for measured in (compared.first, compared.second)
    )
    joined = first[["model", "step", "value"]].rename(columns={"value": "first"})
    return second.rename(columns={"value": "second"}).merge(joined, on=["model", "step"], how="left")[
        [*keys, "first", "second"]
    ]


def score_frame(compared: Comparison) -> pd.DataFrame:
    """One row a score: score, first, second, difference, low, high, coverage, like random (which side is), why."""
    rows = [
        {
            "score": labels.SCORES[s.score],
            "first": s.first.value,
            "second": s.second.value,
            "difference": s.difference.value,
            **_ends(s.difference.interval),
            "coverage": s.difference.coverage,
            "like random": " and ".join(s.near_random) or None,
            "why": s.difference.why,
        }
        for s in compared.scores
    ]
    numeric = ["first", "second", "difference", "low", "high", "coverage"]
    return pd.DataFrame(rows).astype(dict.fromkeys(numeric, float))


def _ends(interval: tuple[float, float] | None) -> dict[str, float | None]:
    return {"low": interval[0] if interval else None, "high": interval[1] if interval else None}
