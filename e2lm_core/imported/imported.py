"""Results from elsewhere: what was recognised in a folder, the curves it gives, and what had to be left out.

Samples of lm-evaluation-harness give per-question log-likelihoods, so everything that the studio computes of its
own runs; aggregates and tables give curves of points alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from e2lm_core.analysis import documents, tables
from e2lm_core.base.errors import TaskError
from e2lm_core.base.phrasing import count, listing
from e2lm_core.base.records import METRICS, Checkpoint, ModelInfo, SignalQuality
from e2lm_core.base.settings import Limits
from e2lm_core.imported import files as result_files
from e2lm_core.imported.formats.published import competition_points
from e2lm_core.imported.join import Curve, Joined, join, labels
from e2lm_core.imported.places import Places
from e2lm_core.imported.reading import Reading
from e2lm_core.imported.records import Evaluation, FileSeen, Questions
from e2lm_core.scores import signal
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty import set_intervals

MAX_PROBLEMS = 200


@dataclass(frozen=True)
class Imported:
    """`measured` holds, by task (and few-shot count where a task has several), what samples give of every question."""

    curves: tuple[Curve, ...]
    measured: Mapping[str, Measurements]
    problems: tuple[str, ...]
    files: tuple[FileSeen, ...]

    @property
    def tasks(self) -> list[str]:
        return list(dict.fromkeys(curve.task for curve in self.curves))

    def metrics(self, task: str) -> list[str]:
        """The studio's own first."""
        found = dict.fromkeys(curve.metric for curve in self.curves if curve.task == task)
        return sorted(found, key=lambda m: METRICS.index(m) if m in METRICS else len(METRICS))

    def of(self, task: str, metric: str) -> list[Curve]:
        return [curve for curve in self.curves if (curve.task, curve.metric) == (task, metric)]


def import_path(path: Path, limits: Limits, known: Iterable[Checkpoint] = ()) -> Imported:
    """The results in a file, a folder or a zip. Raises StudioError where there is none."""
    return import_files(result_files.from_path(path, limits), known, path.name or str(path))


def import_uploads(files: Mapping[str, bytes], limits: Limits, known: Iterable[Checkpoint] = ()) -> Imported:
    """The results in uploaded files, zips among them opened. Raises StudioError where there is none."""
    return import_files(result_files.expand(dict(files), limits), known, "The upload")


def import_files(files: Mapping[str, bytes], known: Iterable[Checkpoint], where: str) -> Imported:
    """The results in files by name. `known` are the catalogue's checkpoints, whose steps and tokens are known."""
    places = Places(known)
    reading = Reading(places)
    for name, data in files.items():
        reading.read(name, data)
    evaluations = reading.finish()
    joined = join(evaluations, places)
    measured, asides = _measure(joined)
    problems = [*reading.problems, *joined.problems, *asides, *_without_questions(joined, measured)]
    if not joined.curves:
        said = [*problems, *(f"{seen.file} is left out: {seen.why}" for seen in reading.files if seen.why)]
        if not said:
            raise TaskError(
                f"{where} holds no files: give results_….json, samples_….jsonl, a curve file or a table."
            )
        more = f" ({count(len(said) - 1, 'more problem')})" if len(said) > 1 else ""
        raise TaskError(f"{where} gives no curve: {said[0]}{more}")
    return Imported(joined.curves, measured, tuple(problems), tuple(reading.files))


# --- what samples give --------------------------------------------------------------------------------


class _Sampled(NamedTuple):
    """An evaluation whose samples are there."""

    run: Evaluation
    questions: Questions
    ll: np.ndarray


def _measure(joined: Joined) -> tuple[dict[str, Measurements], list[str]]:
    """Every task of which samples are there, as the studio's own measurements; and what had to stay out."""
    by_task: dict[tuple[str, int | None, int | None], list[list[_Sampled]]] = defaultdict(list)
    for key, own in joined.runs.items():
        sampled = [
            _Sampled(one, one.questions, one.ll)
            for one in own
            if one.questions is not None and one.ll is not None
        ]
        if sampled:
            by_task[key[1:]].append(sampled)
    namesakes = Counter(task for task, *_ in by_task)
    found: dict[str, Measurements] = {}
    problems: list[str] = []
    for (task, num_fewshot, n), models in by_task.items():
        reference = _commonest([one.questions for own in models for one in own])
        apart = [one.run for own in models for one in own if not reference.same_as(one.questions)]
        if apart:
            names = listing([f"{one.model.name} at {one.checkpoint}" for one in apart])
            problems.append(
                f"{task}: the questions of {names} are not those of the others (another version of the task?); their means "
                "stay, their samples are left out."
            )
        alike = [[one for one in own if reference.same_as(one.questions)] for own in models]
        label = task if namesakes[task] == 1 else f"{task}, {num_fewshot}-shot, {n} questions"
        found[label] = Measurements(
            task=task,
            question_ids=reference.ids,
            subjects=reference.subjects,
            gold=reference.gold,
            chars=reference.chars,
            gold_bytes=reference.gold_bytes,
            curves=tuple(_model_curve(own) for own in alike if own),
        )
    return found, problems


def _commonest(asked: Sequence[Questions]) -> Questions:
    groups: list[list[Questions]] = []
    for one in asked:
        group = next((own for own in groups if own[0].same_as(one)), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    return max(groups, key=len)[0]


def _model_curve(own: Sequence[_Sampled]) -> ModelCurve:
    checkpoints = tuple(
        Checkpoint(
            model=one.model, step=one.step, tokens_seen=one.tokens_seen, early=one.early, revision=one.checkpoint
        )
        for one, _, _ in own
    )  # fmt: skip
    return ModelCurve(model=own[0].run.model, checkpoints=checkpoints, ll=np.stack([one.ll for one in own]))


def _without_questions(joined: Joined, measured: Mapping[str, Measurements]) -> list[str]:
    """What aggregates cannot give, said once for all the tasks that have nothing else."""
    sampled = {task.task for task in measured.values()}
    harness = [task for task in dict.fromkeys(key[1] for key in joined.runs) if task not in sampled]
    if not harness:
        return []
    return [
        f"{listing(harness)} {'has' if len(harness) == 1 else 'have'} means alone: no intervals, no per-question view and "
        "no metric beside those given; samples (lm_eval --log_samples) would give them."
    ]


# --- what follows -------------------------------------------------------------------------------------


def scored_points(curve: Curve) -> np.ndarray:
    """[K] which points SQ is taken over: those of the early window where the family names one, else all.

    Of the competition's models without samples, the competition's own points; with samples, those of the studio's runs.
    """
    steps = np.array(curve.steps)
    if curve.model.family == "e2lm" and not curve.per_question and None not in curve.tokens_seen:
        return competition_points(steps, np.array(curve.tokens_seen, float) / 1e9)
    return np.array([early is not False for early in curve.early], bool)


def quality(curve: Curve) -> SignalQuality:
    """The organisers' SQ of one curve over its scored points."""
    values = np.array(curve.scores)[scored_points(curve)]
    return signal.signal_quality(-values if curve.lower_is_better else values)


def quality_frame(curves: Sequence[Curve]) -> pd.DataFrame:
    """One row a curve, with the columns of `frames.quality_frame`."""
    rows = []
    for curve, label in zip(curves, labels(curves), strict=True):
        found = quality(curve)
        rows.append(
            {
                "model": label,
                "SQ": found.sq,
                "ρ": found.rho,
                "AC": found.autocorrelation,
                "points": found.points,
                "of": len(curve.steps),
                "first": curve.scores[0],
                "last": curve.scores[-1],
                "Spearman": found.spearman,
                "signed AC": found.signed_autocorrelation,
                "why": found.why,
            }
        )
    return pd.DataFrame(rows).round(4)


def curve_frame(curves: Sequence[Curve]) -> pd.DataFrame:
    """One row a point, in the columns of `frames.curve_frame`; `n` is NaN where the file does not say it."""
    rows = [
        {
            "model": label,
            "step": step,
            "tokens_seen": np.nan if tokens is None else float(tokens),
            "early": early is not False,
            "metric": curve.metric,
            "value": score,
            "n": np.nan if curve.questions is None else curve.questions,
        }
        for curve, label in zip(curves, labels(curves), strict=True)
        for step, tokens, early, score in zip(
            curve.steps, curve.tokens_seen, curve.early, curve.scores, strict=True
        )
    ]
    return pd.DataFrame(rows, columns=["model", "step", "tokens_seen", "early", "metric", "value", "n"])


def models(curves: Sequence[Curve]) -> list[ModelInfo]:
    """The curves' models under the names that `curve_frame` gives them."""
    return [
        curve.model.model_copy(update={"name": label})
        for curve, label in zip(curves, labels(curves), strict=True)
    ]


def bands(imported: Imported, task: str, metric: str) -> pd.DataFrame | None:
    """model, step, low, high of the task's curves from samples; None where there are none."""
    parts = [
        tables.band_frame(measured, set_intervals.resample(measured, (metric,)), metric)
        for measured in imported.measured.values()
        if measured.task == task and metric in METRICS
    ]
    return pd.concat(parts, ignore_index=True) if parts else None


def document(imported: Imported, with_scores: bool = False) -> dict[str, Any]:
    """`{curves: [{model, task, metric, steps, tokens_seen, scores, …}], problems, recognised, unrecognised}`."""
    found: dict[str, Any] = {
        "curves": [curve_document(curve) for curve in imported.curves],
        "problems": list(imported.problems[:MAX_PROBLEMS]),
        "recognised": [
            {"file": seen.file, "kind": seen.kind, "results": seen.results}
            for seen in imported.files
            if seen.why is None
        ],
        "unrecognised": [{"file": seen.file, "why": seen.why} for seen in imported.files if seen.why],
        "per_question": list(imported.measured),
    }
    if (more := len(imported.problems) - MAX_PROBLEMS) > 0:
        found["problems"].append(f"{more:,} more problems are not listed.")
    if with_scores:
        found["scores"] = {
            label: documents.scoring(measured) for label, measured in imported.measured.items()
        }
    return found


def curve_document(curve: Curve) -> dict[str, Any]:
    return {
        "model": curve.model.name,
        "task": curve.task,
        "metric": curve.metric,
        "num_fewshot": curve.num_fewshot,
        "questions": curve.questions,
        "higher_is_better": not curve.lower_is_better,
        "steps": list(curve.steps),
        "tokens_seen": list(curve.tokens_seen),
        "scores": list(curve.scores),
        "quality": quality(curve).model_dump(include={"rho", "autocorrelation", "sq", "points", "why"}),
    }


def csv(curves: Sequence[Curve]) -> bytes:
    """The curves as the plain table that is read back."""
    rows = [
        {
            "model": curve.model.name,
            "task": curve.task,
            "metric": curve.metric,
            "num_fewshot": curve.num_fewshot,
            "step": step,
            "tokens_seen": tokens,
            "score": score,
        }
        for curve in curves
        for step, tokens, score in zip(curve.steps, curve.tokens_seen, curve.scores, strict=True)
    ]
    frame = pd.DataFrame(rows)
    for column in ("tokens_seen", "num_fewshot"):
        frame[column] = frame[column].astype("Int64")
    return frame.to_csv(index=False).encode()
