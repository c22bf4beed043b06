"""Imported samples as Measurements.

Tested in tests/imported/test_read_results.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

import numpy as np

from e2lm_core.base.formatting import join_words
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints.families import CheckpointLocation
from e2lm_core.checkpoints.family_catalogue import FAMILIES
from e2lm_core.imported.join import CurveKey, JoinedCurves, task_label
from e2lm_core.imported.records import Evaluation, Questions
from e2lm_core.scores.measurements import Measurements, ModelCurve


class _Sampled(NamedTuple):
    """An evaluation with its samples: questions and log-likelihoods [Q, C] in nats."""

    run: Evaluation
    questions: Questions
    ll: np.ndarray


def measurements_from_samples(joined: JoinedCurves) -> tuple[dict[str, Measurements], list[str]]:
    """Measurements of every task that has samples, by label, and sentences on samples that were left out.

    A task's label is its name, with few-shot count, number of questions and setup if it was run in several
    ways. Samples of another version of the questions than most are left out.
    """
    by_task = _sampled(joined)
    namesakes = Counter(key.task for key in by_task)
    versions = {(key.task, key.setup.task_version) for key in by_task}
    of_versions = Counter(task for task, _ in versions)
    measured: dict[str, Measurements] = {}
    problems: list[str] = []
    for key, models in by_task.items():
        task = key.task
        reference = _commonest([run.questions for runs in models for run in runs])
        if apart := [run.run for runs in models for run in runs if not reference.same_as(run.questions)]:
            names = [
                Sentence("{model} at {checkpoint}", model=run.model.name, checkpoint=run.checkpoint)
                for run in apart
            ]
            problems.append(
                Sentence(
                    "{task}: the questions of {names} are not those of the others (another version of the task?); their means "
                    "stay, their samples are left out.",
                    task=task,
                    names=join_words(names),
                )
            )
        alike = [[run for run in runs if reference.same_as(run.questions)] for runs in models]
        label = task if namesakes[task] == 1 else task_label(key, of_versions[task] > 1)
        measured[label] = _measurements(task, reference, [runs for runs in alike if runs])
    return measured, problems


def aggregates_note(joined: JoinedCurves, measured: Mapping[str, Measurements]) -> list[str]:
    """Sentence on the tasks that have only means, so no intervals and no per-question view."""
    sampled = {task.task for task in measured.values()}
    harness = [task for task in dict.fromkeys(key.task for key in joined.runs) if task not in sampled]
    if not harness:
        return []
    return [
        Sentence(
            "{tasks} has means alone: no intervals, no per-question view and no metric beside those given; samples (lm_eval "
            "--log_samples) would give them.",
            "{tasks} have means alone: no intervals, no per-question view and no metric beside those given; samples (lm_eval "
            "--log_samples) would give them.",
            number=len(harness),
            tasks=join_words(harness),
        )
    ]


def _sampled(joined: JoinedCurves) -> dict[CurveKey, list[list[_Sampled]]]:
    """By task, few-shot count, number of questions and setup: the evaluations with samples of each model."""
    by_task: dict[CurveKey, list[list[_Sampled]]] = defaultdict(list)
    for key, runs in joined.runs.items():
        sampled = [
            _Sampled(run, run.questions, run.ll)
            for run in runs
            if run.questions is not None and run.ll is not None
        ]
        if sampled:
            by_task[key._replace(model="")].append(sampled)
    return by_task


def _commonest(asked: Sequence[Questions]) -> Questions:
    groups: list[list[Questions]] = []
    for questions in asked:
        group = next((group for group in groups if group[0].same_as(questions)), None)
        if group is None:
            groups.append([questions])
        else:
            group.append(questions)
    return max(groups, key=len)[0]


def _measurements(task: str, questions: Questions, models: Sequence[Sequence[_Sampled]]) -> Measurements:
    wanted: dict[str, set[int]] = defaultdict(set)
    for runs in models:
        wanted[runs[0].run.model.family] |= {run.step for run, _, _ in runs}
    return Measurements(
        task=task,
        question_ids=questions.ids,
        subjects=questions.subjects,
        gold=questions.gold,
        chars=questions.chars,
        gold_bytes=questions.gold_bytes,
        curves=tuple(_model_curve(runs, wanted[runs[0].run.model.family]) for runs in models),
    )


def _model_curve(runs: Sequence[_Sampled], wanted: Set[int]) -> ModelCurve:
    """A model's checkpoints with samples, and without results those that its family has here.

    A checkpoint that other models of the family have counts as a gap, with NaN, only if this model is known
    to have published it too. Scores that need it are then undefined.
    """
    model, there = runs[0].run.model, {run.step for run, _, _ in runs}
    lacking = {
        place.step: place for place in _published(model.family, model.name) if place.step in wanted - there
    }
    checkpoints = tuple(
        Checkpoint(
            model=run.model,
            step=run.step,
            tokens_seen=run.tokens_seen,
            early=run.early,
            revision=run.checkpoint,
        )
        for run, _, _ in runs
    )
    ll = [run.ll for run in runs]
    checkpoints += tuple(
        Checkpoint(model=model, step=step, tokens_seen=place.tokens_seen, early=place.early)
        for step, place in lacking.items()
    )
    ll += [np.full_like(ll[0], np.nan)] * len(lacking)
    order = np.argsort([checkpoint.step for checkpoint in checkpoints], kind="stable")
    return ModelCurve(model=model, checkpoints=tuple(checkpoints[k] for k in order), ll=np.stack(ll)[order])


def _published(family: str, name: str) -> Sequence[CheckpointLocation]:
    """Known checkpoints of a model of a family; empty if only the hub can list them."""
    known = (f for f in FAMILIES if f.key == family)
    return [
        place for f in known for model in f.models if model.name == name for place in f.known_locations(model)
    ]
