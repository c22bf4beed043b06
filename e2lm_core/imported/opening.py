"""Results from elsewhere: what was recognised in a folder, the curves it gives, and what had to be left out.

Samples of lm-evaluation-harness give per-question log-likelihoods, so everything that the studio computes of its
own runs; aggregates and tables give curves of points alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from e2lm_core.base.errors import TaskError
from e2lm_core.base.phrasing import count, listing
from e2lm_core.base.records import METRICS, Checkpoint
from e2lm_core.base.settings import Limits
from e2lm_core.imported import files as result_files
from e2lm_core.imported.join import Curve, Joined, join
from e2lm_core.imported.places import Places
from e2lm_core.imported.reading import Reading
from e2lm_core.imported.records import Evaluation, FileSeen, Questions
from e2lm_core.scores.measurements import Measurements, ModelCurve


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
            model=one.model,
            step=one.step,
            tokens_seen=one.tokens_seen,
            early=one.early,
            revision=one.checkpoint,
        )
        for one, _, _ in own
    )
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
