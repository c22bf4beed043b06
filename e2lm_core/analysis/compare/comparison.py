"""Comparison of two sets or versions on one fleet: means, scores, questions; paired where shared.

The pairing and its consequences for the intervals are described in docs/comparing.md.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from e2lm_core.analysis import validity
from e2lm_core.analysis.score.parts import detrended_snr
from e2lm_core.analysis.tables import curve_frame, sentence_table
from e2lm_core.base import formatting, labels
from e2lm_core.base.json_values import to_json_value
from e2lm_core.base.records import Question, Record, TaskSet, Value
from e2lm_core.base.sentences import Sentence, SentenceField
from e2lm_core.scores.measurements import Measurements, final_values
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import coverage, null, paired
from e2lm_core.scores.uncertainty.intervals import CurveDifference, Interval, Resampled
from e2lm_core.scores.uncertainty.means import multiple_testing
from e2lm_core.scores.uncertainty.paired import Pairing, Side

COMPARED = ("score", "sq", "rc", "cs", "snr", "snr_detrended", "decision_accuracy")
END, EARLY_END = Sentence("end"), Sentence("early window's end")
ALL = Sentence("all that count")
_SIDES = {"first": Sentence("first"), "second": Sentence("second")}
Place = tuple[str, int, int]  # model, index of the checkpoint in the first set's curve and in the second's
Judge = Callable[[Measurements, str, str], Scores]  # takes measurements, a metric and an RC definition


class QuestionMatching(Record):
    """Keys that match the questions of two sets.

    Attributes:
        by: Kind of key, question id or text.
        first: Key of each question of the first set.
        second: Key of each question of the second set, equal to the first set's for the same question.
    """

    by: Literal["id", "text"]
    first: tuple[str, ...]
    second: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """Digest of the keys, equal for equal keys in the same order alone."""
        lengths = [[len(key) for key in keys] for keys in (self.first, self.second)]
        digest = hashlib.blake2b(repr((self.by, lengths)).encode(), digest_size=16)
        digest.update("".join((*self.first, *self.second)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


class MeanDifference(Record):
    """Difference of one mean between two sets at a point of the curves: second minus first.

    Attributes:
        model: Name of the model, or `ALL` for the mean of all scored models.
        point: Point of the curves, `END` or `EARLY_END`.
        first: Mean of the first set, in the metric's unit.
        second: Mean of the second set.
        difference: Second minus first; None if undefined.
        interval: 95% interval of the difference; None if there is none, see `why`.
        share: Share of resamples in which the second is higher, ties counted half.
        why: Reason why there is no interval.
        changed: Number of questions on which the two differ.
        p: Two-sided p-value of no difference.
        together: p-value with all models at this point judged together (Holm).
        within: Smallest margin at which an equivalence test at 5% finds the two alike.
        detectable: Smallest difference detected with 80% power.
    """

    model: SentenceField
    point: SentenceField
    first: float | None
    second: float | None
    difference: float | None
    interval: tuple[float, float] | None
    share: float | None
    why: SentenceField | None = None
    changed: int | None = None
    p: float | None = None
    together: float | None = None
    within: float | None = None
    detectable: float | None = None


class ScoreDifference(Record):
    """Difference of one score, second minus first; undefined if either score is."""

    score: str
    first: Value
    second: Value
    difference: Value

    @property
    def near_random(self) -> tuple[Literal["first", "second"], ...]:
        """Sides with a score within the null distribution of random answer keys."""
        sides: tuple[Literal["first", "second"], ...] = ("first", "second")
        return tuple(side for side in sides if null.is_within_null(getattr(self, side)))


@dataclass(frozen=True)
class Comparison:
    """Comparison of two sets or versions on one metric; differences are second minus first.

    Attributes:
        names: Names of the two sets or versions.
        metric: Metric of the means and scores.
        match: Keys that match the questions.
        pairing: Pairs of questions.
        first: Results of the older version, or of the other set.
        second: Results of the newer version, or of the set compared with it.
        means: Differences of means.
        scores: Differences of scores.
        rc_reading: RC definition.
    """

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
        """Number of questions in both sets."""
        return self.pairing.shared


def match_questions(first: TaskSet, second: TaskSet, versions: bool = False) -> QuestionMatching:
    """Match the questions of two sets by id or by text.

    By id for two versions of one set, and for two sets of which one is a copy: at least half of the ids in
    both name the same text. Otherwise by text, since ids of different sets are unrelated.
    """
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
    """Compare the means and scores of two sets on one metric, with shared resamples (see `paired`).

    Args:
        names: Names of the two sets or versions.
        first: Results of the first set.
        second: Results of the second set.
        matched: Keys that match the questions.
        metric: Metric of the means and scores.
        resamples: Number of resamples; by default that of `paired.resample`.
        reading: RC definition.
        judged: Function that returns scores with their null distributions.
    """
    pairing = paired.match_questions(matched.first, matched.second)
    resampled = None
    if first.complete_checkpoints and second.complete_checkpoints and len(pairing.first):
        options = {} if resamples is None else {"resamples": resamples}
        resampled = paired.resample(_side(first), _side(second), pairing, (metric,), **options)
    means = _means(first, second, metric, resampled)
    if selection_note(names, first, second):
        means = [mean.model_copy(update=dict.fromkeys(("share", "p", "together"))) for mean in means]
    return Comparison(
        names=names,
        metric=metric,
        match=matched,
        pairing=pairing,
        first=first,
        second=second,
        means=tuple(means),
        scores=tuple(_scores(first, second, metric, resampled, reading, judged)),
        rc_reading=reading,
    )


def selection_note(names: tuple[str, str], first: Measurements, second: Measurements) -> str | None:
    """Sentence on a side that a rule chose by results of the models measured; None without such a side.

    The difference of two sets is then that of the choice: it has neither a share of resamples nor a p.
    """
    for name, side in zip(names, (first, second), strict=True):
        if note := validity.selection_note(side):
            return Sentence("{name}: {note}", name=name, note=note)
    return None


def _side(measurements: Measurements) -> Side:
    return Side(measurements.runs, measurements.choice_counts, measurements.resampling_groups or None)


def _text(question: Question) -> tuple[str, tuple[str, ...], str]:
    """Content of a question, independent of the order of its choices."""
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
    """Checkpoints to compare, by point: each model's name with the checkpoint's index in both curves.

    `END` is a model's last checkpoint that is complete in both sets. `EARLY_END` is the last such checkpoint
    of the early window, for models that also have a later one.
    """
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
    counted = {c.model.name for c in second.scored_curves}
    means = []
    for point, at in reversed(comparison_points(first, second, metric).items()):
        groups = [(ALL, [p for p in at if p[0] in counted]), *((p[0], [p]) for p in at)]
        for model, group in groups:
            if group:
                difference = paired.mean_difference(*resampled, metric, group)
                means.append(_mean(model, point, group, difference, first, second, metric))
    return _judged(means)


def _judged(means: list[MeanDifference]) -> list[MeanDifference]:
    """Add p-values judged together over the models of each point; the mean of all models is judged alone."""
    alone = {p: [m for m in means if m.point == p and m.model != ALL] for p in {m.point for m in means}}
    judged = {id(mean): mean.p for mean in means}
    for own in alone.values():
        adjusted = multiple_testing.holm([np.nan if m.p is None else m.p for m in own])
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
        return value.model_copy(update={"why": Sentence("Too little was measured.")})
    return estimate[1].attach(value)


def question_frame(compared: Comparison, first: TaskSet, second: TaskSet) -> pd.DataFrame:
    """Questions that differ between the two sets, one row per question.

    Columns: what (added, removed, changed), id, before, after (both texts), value before, value after,
    difference. The values are final means over the scored models, NaN where the question does not exist.
    """
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
    """Mean differences as a table, one row per `MeanDifference`.

    Columns: model, point, first, second, difference, low, high, share, together, detectable, why.
    """
    columns = ["model", "point", "first", "second", "difference"]
    columns += ["low", "high", "share", "together", "detectable", "why"]
    rows = [{**m.model_dump(exclude={"interval"}), **_ends(m.interval)} for m in compared.means]
    return sentence_table(rows, columns)


def curve_pairs(compared: Comparison) -> pd.DataFrame:
    """Learning curves of both sets, one row per model and checkpoint of the second set.

    Columns: model, step, tokens_seen, early, first, second.
    """
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
    """Score differences as a table, one row per score.

    Columns: score, first, second, difference, low, high, coverage, like random (sides within the null
    distribution), why.
    """
    rows = [
        {
            "score": labels.SCORES[s.score],
            "first": s.first.value,
            "second": s.second.value,
            "difference": s.difference.value,
            **_ends(s.difference.interval),
            "coverage": s.difference.coverage,
            "like random": formatting.join_words([_SIDES[side] for side in s.near_random]) or None,
            "why": s.difference.why,
        }
        for s in compared.scores
    ]
    numeric = ["first", "second", "difference", "low", "high", "coverage"]
    return sentence_table(rows).astype(dict.fromkeys(numeric, float))


def _ends(interval: tuple[float, float] | None) -> dict[str, float | None]:
    return {"low": interval[0] if interval else None, "high": interval[1] if interval else None}
