"""Evaluations joined to curves, and a sentence for whatever could not be joined as it stood.

Nothing is averaged: of a checkpoint that was run twice the newest result counts; runs with another number of
few-shot examples or of questions are curves of their own, since they answer another question.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from e2lm_core.base.phrasing import count, listing
from e2lm_core.imported.places import Places
from e2lm_core.imported.records import Curve, Evaluation

Key = tuple[str, str, int | None, int | None]  # model, task, few-shot examples, questions


@dataclass(frozen=True)
class Joined:
    """`runs` are the evaluations that count, by their key and in step order."""

    curves: tuple[Curve, ...]
    runs: Mapping[Key, tuple[Evaluation, ...]]
    problems: tuple[str, ...]


def join(evaluations: Sequence[Evaluation], places: Places) -> Joined:
    """The curves of all evaluations, and what is to be known of them."""
    runs, repeated = _newest(evaluations)
    problems = _repeats(repeated)
    problems += _mixtures(runs)
    problems += _missing(runs, places)
    curves = [curve for run in runs.values() for curve in _curves(run)]
    return Joined(tuple(curves), runs, tuple(problems))


def _newest(
    evaluations: Iterable[Evaluation],
) -> tuple[dict[Key, tuple[Evaluation, ...]], dict[tuple[str, str], list[list[Evaluation]]]]:
    """The result of each checkpoint, and by (model, task) those that were there more than once.

    The newest is last.
    """
    groups: dict[tuple[Key, int], list[Evaluation]] = defaultdict(list)
    for run in evaluations:
        key = (run.model.name, run.task, run.num_fewshot, run.n)
        groups[key, run.step].append(run)
    runs: dict[Key, list[Evaluation]] = defaultdict(list)
    repeated: dict[tuple[str, str], list[list[Evaluation]]] = defaultdict(list)
    for (key, _), group in groups.items():
        # Stable: of equal dates the one read last is last.
        group.sort(key=lambda run: run.when)
        if any(n > 1 for n in Counter(m for run in group for m in run.scores).values()):
            repeated[key[0], key[1]].append(group)
        scores = {metric: value for run in group for metric, value in run.scores.items()}
        lower = frozenset(metric for run in group for metric in run.lower)
        runs[key].append(replace(group[-1], scores=scores, lower=lower) if len(group) > 1 else group[-1])
    ordered = {key: tuple(sorted(group, key=lambda run: run.step)) for key, group in runs.items()}
    return ordered, repeated


def _repeats(repeated: Mapping[tuple[str, str], list[list[Evaluation]]]) -> list[str]:
    sentences = []
    for (model, task), groups in repeated.items():
        if len(groups) == 1:
            last = groups[0][-1]
            taken = (
                f"the newest{_of_date(last.when)} ({last.source})" if last.when else f"that of {last.source}"
            )
            sentences.append(
                f"{model} at {last.checkpoint} was run {len(groups[0])} times on {task}: {taken} is taken."
            )
        else:
            groups.sort(key=lambda group: group[0].step)
            names = listing([group[-1].checkpoint for group in groups])
            sentences.append(
                f"{model} was run more than once on {task} at {len(groups)} checkpoints ({names}): the "
                "newest of each is taken."
            )
    return sentences


def _of_date(when: float) -> str:
    return f" of {datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M}"


def _mixtures(runs: Mapping[Key, tuple[Evaluation, ...]]) -> list[str]:
    by_task: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for key in runs:
        by_task[key[0], key[1]].append(key)
    sentences = []
    for (model, task), keys in by_task.items():
        shots, asked = Counter[int | None](), Counter[int | None]()
        for key in keys:
            shots[key[2]] += len(runs[key])
            asked[key[3]] += len(runs[key])
        for counts, phrase in ((shots, _shots), (asked, _asked)):
            if len(counts) > 1:
                parts = [
                    f"{phrase(value)} at {count(counts[value], 'checkpoint')}"
                    for value in sorted(counts, key=lambda v: -1 if v is None else v)
                ]
                sentences.append(
                    f"{model} was run on {task} {listing(parts, most=9)}: these are kept apart, since "
                    "their scores cannot be joined in one curve."
                )
    return sentences


def _shots(value: int | None) -> str:
    return "with an unknown number of examples" if value is None else f"{value}-shot"


def _asked(value: int | None) -> str:
    return "on an unknown number of questions" if value is None else f"on {count(value, 'question')}"


def _missing(runs: Mapping[Key, tuple[Evaluation, ...]], places: Places) -> list[str]:
    """What of a model's known checkpoints has no result: one sentence for tasks that lack the same."""
    gaps: dict[tuple[str, tuple[str, ...], int], list[str]] = defaultdict(list)
    tasks: dict[str, set[Key]] = defaultdict(set)
    for key, group in runs.items():
        schedule = places.schedule(group[0].model)
        tasks[key[0]].add(key)
        there = {run.step for run in group}
        lacking = tuple(name for step, name in sorted(schedule.items()) if step not in there)
        if lacking:
            gaps[key[0], lacking, len(schedule)].append(key[1])
    sentences = []
    for (model, lacking, total), lacked_on in gaps.items():
        where = "" if len(lacked_on) == len(tasks[model]) else f" on {listing(sorted(set(lacked_on)))}"
        sentences.append(
            f"{model} has no result{where} at {len(lacking)} of its {total} known checkpoints "
            f"({listing(list(lacking))})."
        )
    return sentences


def _curves(evaluations: Sequence[Evaluation]) -> list[Curve]:
    first = evaluations[0]
    curves = []
    for metric in dict.fromkeys(metric for run in evaluations for metric in run.scores):
        points = [run for run in evaluations if metric in run.scores]
        curves.append(
            Curve(
                model=first.model,
                task=first.task,
                metric=metric,
                num_fewshot=first.num_fewshot,
                questions=first.n,
                lower_is_better=any(metric in run.lower for run in points),
                steps=tuple(run.step for run in points),
                tokens_seen=tuple(run.tokens_seen for run in points),
                early=tuple(run.early for run in points),
                scores=tuple(float(run.scores[metric]) for run in points),
                per_question=all(run.questions is not None for run in points),
            )
        )
    return curves


def labels(curves: Sequence[Curve]) -> list[str]:
    """A name for each curve of one task and metric: the model's, with what tells it from a namesake."""
    namesakes: dict[tuple[str, str, str], list[Curve]] = defaultdict(list)
    for curve in curves:
        namesakes[curve.model.name, curve.task, curve.metric].append(curve)
    return [_label(c, namesakes[c.model.name, c.task, c.metric]) for c in curves]


def _label(curve: Curve, same: Sequence[Curve]) -> str:
    name = curve.model.name
    distinctions: list[tuple[Callable[[Curve], int | None], Callable[[int | None], str]]] = [
        (lambda c: c.num_fewshot, _shots),
        (lambda c: c.questions, _asked),
    ]
    for part, phrase in distinctions:
        if len({part(c) for c in same}) > 1:
            name += f", {phrase(part(curve))}"
    return name
