"""From stored log-likelihoods to curves and scores: what the pages draw and the command line prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from . import composite, contrast, metrics, ranking, signal
from .prompts import render_set
from .records import BOUNDED_METRICS, METRICS, Checkpoint, ModelInfo, Record, SignalQuality, TaskSet, Value
from .runs import requests_of
from .store import digest
from .studio import Studio

NO_TWIN = "No web-only twin was run beside its science model."
BPB_HAS_NO_CHANCE = "Bits per byte has no chance level."
MARGIN_HAS_NO_CHANCE = "The margin has no chance level that holds for every set."


@dataclass(frozen=True)
class ModelCurve:
    """One model's results: `ll` [K, Q, C] in nats, NaN where not computed or no such choice."""

    model: ModelInfo
    checkpoints: tuple[Checkpoint, ...]
    ll: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        return np.array([c.step for c in self.checkpoints])

    @property
    def tokens_seen(self) -> np.ndarray:
        """NaN where a family does not record it."""
        return np.array([np.nan if c.tokens_seen is None else c.tokens_seen for c in self.checkpoints], float)

    @property
    def early(self) -> np.ndarray:
        """Which checkpoints lie in the early window; all of them where the family names none."""
        return np.array([c.early is not False for c in self.checkpoints])


@dataclass(frozen=True)
class Measurements:
    """A set's results on some checkpoints, complete or not.

    `gold` [Q], `chars` [Q, C] (NaN where there is no such choice) and `gold_bytes` [Q] are the set's own.
    """

    task: str
    question_ids: tuple[str, ...]
    subjects: tuple[str, ...]
    gold: np.ndarray
    chars: np.ndarray
    gold_bytes: np.ndarray
    curves: tuple[ModelCurve, ...]

    @property
    def choice_counts(self) -> np.ndarray:
        return np.isfinite(self.chars).sum(axis=1)

    @property
    def chance(self) -> float:
        return metrics.chance(self.choice_counts)

    @cached_property
    def per_question(self) -> dict[str, dict[str, np.ndarray]]:
        """`{model: {metric: [K, Q]}}`."""
        return {
            curve.model.name: metrics.per_question(curve.ll, self.gold, self.chars, self.gold_bytes)
            for curve in self.curves
        }

    def values(self, model: str, metric: str) -> np.ndarray:
        """The model's curve [K]: the mean over questions, NaN at a checkpoint that is not complete."""
        return metrics.curve(self.per_question[model][metric])

    def curve_of(self, model: str) -> ModelCurve:
        return next(curve for curve in self.curves if curve.model.name == model)

    @property
    def measured(self) -> int:
        """How many (checkpoint, question) pairs are complete."""
        return int(sum(np.isfinite(m["margin"]).sum() for m in self.per_question.values()))

    @property
    def complete_checkpoints(self) -> int:
        return int(sum(np.isfinite(m["margin"]).all(axis=1).sum() for m in self.per_question.values()))

    @property
    def checkpoints(self) -> int:
        return sum(len(curve.checkpoints) for curve in self.curves)


class Scores(Record):
    """Every score of a set for one metric.

    `sq_models` holds each model's own signal quality, `counted` the models that enter the means: twins and
    extra seeds do not.
    """

    metric: str
    sq: Value
    sq_models: dict[str, SignalQuality]
    counted: tuple[str, ...]
    rc: Value
    cs: Value
    score: Value
    snr: Value
    decision_accuracy: Value


def measure(
    studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None = None
) -> Measurements:
    """Read from the store whatever of the set is there; computes nothing and loads no weights."""
    docs = render_set(task, num_fewshot)
    width = max((len(doc.choices) for doc in docs), default=1)  # a set may be empty; no axis may be
    keys = [[digest(request) for request in requests_of(doc)] for doc in docs]
    flat = [key for doc in keys for key in doc]
    rows = np.repeat(np.arange(len(docs)), [len(doc) for doc in keys])
    columns = np.concatenate([np.arange(len(doc)) for doc in keys]) if docs else np.empty(0, int)
    wanted = list(dict.fromkeys(flat))

    def ll_of(checkpoint: Checkpoint) -> np.ndarray:
        held = studio.store.ll_nats(studio.backend.scope(checkpoint), wanted)
        values = np.full((len(docs), width), np.nan)
        values[rows, columns] = [held.get(key, np.nan) for key in flat]
        return values

    chars = np.full((len(docs), width), np.nan)
    chars[rows, columns] = [len(choice) for doc in docs for choice in doc.choices]
    by_model: dict[str, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        by_model.setdefault(checkpoint.model.name, []).append(checkpoint)
    curves = []
    for own in by_model.values():
        own = sorted(own, key=lambda c: c.step)
        ll = np.stack([ll_of(c) for c in own])
        curves.append(ModelCurve(model=own[0].model, checkpoints=tuple(own), ll=ll))
    return Measurements(
        task=task.name,
        question_ids=tuple(q.id for q in task.questions),
        subjects=tuple(q.subject or "" for q in task.questions),
        gold=np.array([doc.gold for doc in docs], int),
        chars=chars,
        gold_bytes=np.array([len(doc.choices[doc.gold].encode()) for doc in docs], float),
        curves=tuple(curves),
    )


# --- frames -------------------------------------------------------------------------------------------


def curve_frame(measurements: Measurements, metric_names: Sequence[str] = METRICS) -> pd.DataFrame:
    """One row a (model, checkpoint, metric): model, step, tokens_seen, early, metric, value, n.

    `n` is how many questions are complete there; `value` is NaN until all are.
    """
    frames = [
        _curve_rows(curve, metric, measurements.per_question[curve.model.name][metric])
        for curve in measurements.curves
        for metric in metric_names
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(_COLUMNS))


def question_frame(measurements: Measurements, question_id: str, metric: str) -> pd.DataFrame:
    """One question's own curves, in the columns of `curve_frame`."""
    at = measurements.question_ids.index(question_id)
    return pd.concat(
        [
            _curve_rows(curve, metric, measurements.per_question[curve.model.name][metric][:, [at]])
            for curve in measurements.curves
        ],
        ignore_index=True,
    )


_COLUMNS = ("model", "step", "tokens_seen", "early", "metric", "value", "n")


def _curve_rows(curve: ModelCurve, metric: str, values: np.ndarray) -> pd.DataFrame:
    """`values` is [K, questions]."""
    columns = (
        curve.model.name,
        curve.steps,
        curve.tokens_seen,
        curve.early,
        metric,
        metrics.curve(values),
        np.isfinite(values).sum(axis=1),
    )
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))


def question_table(measurements: Measurements, task: TaskSet) -> pd.DataFrame:
    """One row a question, means over the models that count: first, last and rise of acc and norm_prob."""
    rows: dict[str, list] = {"acc": [], "norm_prob": []}
    counted = [c for c in measurements.curves if c.model.counts_in_scores]
    for metric, stack in rows.items():
        stack.extend(measurements.per_question[c.model.name][metric] for c in counted)
    frame = pd.DataFrame(
        {
            "id": measurements.question_ids,
            "subject": measurements.subjects,
            "question": [q.question for q in task.questions],
        }
    )
    for metric, stack in rows.items():
        if stack:
            frame[f"{metric}_first"] = np.mean([values[0] for values in stack], axis=0)
            frame[f"{metric}_last"] = np.mean([values[-1] for values in stack], axis=0)
            shape = {values.shape for values in stack}
            frame[f"{metric}_curve"] = (
                list(np.mean(stack, axis=0).T.round(4)) if len(shape) == 1 else [None] * len(frame)
            )
    return frame


def quality_frame(
    measurements: Measurements, metric: str, qualities: dict[str, SignalQuality] | None = None
) -> pd.DataFrame:
    """One row a model: SQ, its parts, what the edge cases hide, and why a value is undefined."""
    qualities = qualities or signal_qualities(measurements, metric)
    return pd.DataFrame(
        [
            {
                "model": curve.model.name,
                "counts": curve.model.counts_in_scores,
                "SQ": quality.sq,
                "ρ": quality.rho,
                "AC": quality.autocorrelation,
                "points": quality.points,
                "Spearman": quality.spearman,
                "signed AC": quality.signed_autocorrelation,
                "why": quality.why,
            }
            for curve in measurements.curves
            for quality in [qualities[curve.model.name]]
        ]
    ).round(4)


def rank_frame(measurements: Measurements, metric: str) -> pd.DataFrame:
    """Ranks of the models that count at the checkpoints which all of them have: model, tokens_seen, rank."""
    grid = common_grid(measurements, metric)
    if grid is None:
        return pd.DataFrame(columns=["model", "step", "tokens_seen", "early", "rank", "value"])
    rank = ranking.ranks(grid.scores)
    return pd.DataFrame(
        [
            {
                "model": model,
                "step": int(grid.steps[k]),
                "tokens_seen": grid.tokens_seen[k],
                "early": bool(grid.early[k]),
                "rank": rank[m, k],
                "value": grid.values[m, k],
            }
            for m, model in enumerate(grid.models)
            for k in range(len(grid.steps))
        ]
    )


@dataclass(frozen=True)
class Grid:
    """Scores of M models at the K complete checkpoints that all of them have: `scores` is oriented so that
    more is better, `values` is as measured."""

    models: tuple[str, ...]
    steps: np.ndarray
    tokens_seen: np.ndarray
    early: np.ndarray
    values: np.ndarray
    scores: np.ndarray

    @property
    def end(self) -> int | None:
        """The early window's last checkpoint, None where there is none or nothing after it."""
        inside = np.flatnonzero(self.early)
        return int(inside[-1]) if inside.size and not self.early[-1] else None


def common_grid(measurements: Measurements, metric: str) -> Grid | None:
    """None where fewer than two models that count share a complete checkpoint."""
    counted = [c for c in measurements.curves if c.model.counts_in_scores]
    if len(counted) < 2:
        return None
    complete = [
        {
            int(step): k
            for k, (step, value) in enumerate(
                zip(c.steps, measurements.values(c.model.name, metric), strict=True)
            )
            if np.isfinite(value)
        }
        for c in counted
    ]
    steps = sorted(set.intersection(*(set(own) for own in complete)))
    if not steps:
        return None
    values = np.array(
        [
            [measurements.values(c.model.name, metric)[own[step]] for step in steps]
            for c, own in zip(counted, complete, strict=True)
        ]
    )
    at = [complete[0][step] for step in steps]
    return Grid(
        models=tuple(c.model.name for c in counted),
        steps=np.array(steps),
        tokens_seen=counted[0].tokens_seen[at],
        early=counted[0].early[at],
        values=values,
        scores=metrics.oriented(metric, values),
    )


# --- scores -------------------------------------------------------------------------------------------


def signal_qualities(measurements: Measurements, metric: str) -> dict[str, SignalQuality]:
    """Each model's SQ over the early window's complete checkpoints (twins and seeds included, to show)."""
    found = {}
    for curve in measurements.curves:
        values = measurements.values(curve.model.name, metric)[curve.early]
        found[curve.model.name] = signal.signal_quality(metrics.oriented(metric, values[np.isfinite(values)]))
    return found


def scores(measurements: Measurements, metric: str) -> Scores:
    """SQ, RC, CS and Score of one metric, each with its reason where it is undefined (DESIGN, scores)."""
    qualities = signal_qualities(measurements, metric)
    counted = tuple(c.model.name for c in measurements.curves if c.model.counts_in_scores)
    sq = signal.mean_quality({name: qualities[name] for name in counted})
    grid = common_grid(measurements, metric)
    if grid is None:
        why = "Fewer than two models share a complete checkpoint."
        rc = decision = snr = Value(value=None, why=why)
    else:
        snr = _snr(grid, metric)
        if grid.end is None:
            why = "No checkpoint after the early window is complete for every model."
            rc = decision = Value(value=None, why=why)
        else:
            later = grid.scores[:, grid.end + 1 :]
            rc = ranking.ranking_consistency(grid.scores[:, grid.end], later)
            decision = signal.decision_accuracy(grid.scores[:, grid.end], grid.scores[:, -1])
    cs = _science_contrast(measurements, metric)
    return Scores(
        metric=metric,
        sq=sq,
        sq_models=qualities,
        counted=counted,
        rc=rc,
        cs=cs,
        score=composite.score(sq, rc, cs),
        snr=snr,
        decision_accuracy=decision,
    )


def _snr(grid: Grid, metric: str) -> Value:
    if metric not in signal.RATIO_METRICS:
        return Value(value=None, why="The margin can be negative, and this SNR is a ratio to the mean.")
    return signal.snr(grid.values)


def _science_contrast(measurements: Measurements, metric: str) -> Value:
    """The mean over twins of the contrast with their science model."""
    if metric not in BOUNDED_METRICS:
        return Value(value=None, why=BPB_HAS_NO_CHANCE if metric == "bpb" else MARGIN_HAS_NO_CHANCE)
    by_name = {curve.model.name: curve for curve in measurements.curves}
    contrasts = []
    for twin in measurements.curves:
        science = by_name.get(twin.model.twin_of or "")
        if science is None:
            continue
        shared = sorted(set(twin.steps[twin.early]) & set(science.steps[science.early]))
        picked = [[int(np.flatnonzero(c.steps == step)[0]) for step in shared] for c in (science, twin)]
        s, w = (
            measurements.values(c.model.name, metric)[at]
            for c, at in zip((science, twin), picked, strict=True)
        )
        both = np.isfinite(s) & np.isfinite(w)
        if not both.any():
            continue
        answers = measurements.per_question[science.model.name][metric][picked[0]][both]
        error = contrast.chance_error(metric, measurements.chance, len(measurements.gold), answers)
        contrasts.append(contrast.science_contrast(s[both], w[both], measurements.chance, error))
    defined = [c.value for c in contrasts if c.value is not None]
    if not contrasts:
        return Value(value=None, why=NO_TWIN)
    return Value(value=float(np.mean(defined))) if defined else contrasts[0]


def early_end(measurements: Measurements) -> float | None:
    """tokens_seen at the early window's last checkpoint, None where no checkpoint lies after it."""
    ends = [
        curve.tokens_seen[curve.early][-1]
        for curve in measurements.curves
        if curve.early.any() and not curve.early.all() and np.isfinite(curve.tokens_seen).all()
    ]
    return float(max(ends)) if ends else None


def trends(measurements: Measurements, metric: str) -> dict[str, list[float]]:
    """The small curves beside the headline numbers: what each score is made of, by checkpoint."""
    found: dict[str, list[float]] = {}
    grid = common_grid(measurements, metric)
    if grid is not None:
        found["SQ"] = grid.scores.mean(axis=0).tolist()
        if grid.end is not None:
            taus = [
                ranking.tau_b(grid.scores[:, grid.end], grid.scores[:, k])
                for k in range(grid.end, len(grid.steps))
            ]
            found["RC"] = [float(t) for t in taus if np.isfinite(t)]
    for twin in measurements.curves:
        science = next((c for c in measurements.curves if c.model.name == twin.model.twin_of), None)
        if science is not None and np.array_equal(science.steps, twin.steps):
            gap = measurements.values(science.model.name, metric) - measurements.values(
                twin.model.name, metric
            )
            found["CS"] = gap[np.isfinite(gap)].tolist()
    return found
