"""Joins evaluations into curves and reports those that do not fit.

Nothing is averaged: of a checkpoint that was run twice the newest result counts; runs with another number of
few-shot examples or of questions, or of another setup, are curves of their own, since they answer another
question.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from e2lm_core.base.formatting import count, join_words, quote
from e2lm_core.base.sentences import Sentence
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.records import Curve, Evaluation, Setup

_SHARE = re.compile(r"acc(uracy)?([_,].*)?|norm_prob|norm_correct_prob|normalized_mc_prob")
PERCENT = 100.0


class CurveKey(NamedTuple):
    """Identity of a curve: model, task, few-shot count, number of questions and setup."""

    model: str
    task: str
    num_fewshot: int | None
    questions: int | None
    setup: Setup


@dataclass(frozen=True)
class JoinedCurves:
    """Evaluations joined to curves.

    Attributes:
        curves: One curve per model, task, metric and way of running it.
        runs: Evaluations that count, by the curves' identity and in step order.
        problems: Sentences on results that were left out, repeated, mixed or missing.
    """

    curves: tuple[Curve, ...]
    runs: Mapping[CurveKey, tuple[Evaluation, ...]]
    problems: tuple[str, ...]


def join_evaluations(evaluations: Sequence[Evaluation], places: CheckpointResolver) -> JoinedCurves:
    """Join evaluations into curves, with sentences on results that do not fit."""
    evaluations, problems = _in_shares(evaluations)
    runs, repeated = _newest(evaluations)
    problems += _repeats(repeated)
    problems += _mixtures(runs)
    problems += _dtypes(evaluations)
    problems += _seeds(evaluations)
    problems += _missing(runs, places)
    curves = [curve for run in runs.values() for curve in _curves(run)]
    return JoinedCurves(tuple(curves), runs, tuple(problems))


def _key(run: Evaluation) -> CurveKey:
    return CurveKey(run.model.name, run.task, run.num_fewshot, run.n, run.setup)


@lru_cache(maxsize=1024)
def _is_share(metric: str) -> bool:
    """Whether a metric's name means a value between 0 and 1."""
    return _SHARE.fullmatch(metric) is not None


def _in_shares(evaluations: Sequence[Evaluation]) -> tuple[list[Evaluation], list[str]]:
    """Evaluations with accuracies as shares, and sentences on those that were rescaled or left out.

    If a file gives a metric in percent, its values are divided by 100. If the values could be both, it is
    unknown which are percent, and none is taken.
    """
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run in evaluations:
        for metric, value in run.scores.items():
            if _is_share(metric):
                values[run.source, metric].append(value)
    problems: list[str] = []
    percent, unusable = set(), set()
    for (source, metric), found in values.items():
        above = [value for value in found if value > 1]
        beyond = [value for value in found if not 0 <= value <= PERCENT]
        if beyond:
            problems.append(
                Sentence(
                    "{file}: {metric} is {value}, which is neither a share (0 to 1) nor percent (0 to 100): {metric} of this "
                    "file is left out.",
                    file=source,
                    metric=metric,
                    value=f"{beyond[0]:g}",
                )
            )
            unusable.add((source, metric))
        elif above and any(0 < value <= 1 for value in found):
            problems.append(
                Sentence(
                    "{file}: {metric} has {number} value above 1 (the first {first}) beside others up to 1, so it is neither in "
                    "shares nor in percent: {metric} of this file is left out; write all its values alike.",
                    "{file}: {metric} has {number} values above 1 (the first {first}) beside others up to 1, so it is neither in "
                    "shares nor in percent: {metric} of this file is left out; write all its values alike.",
                    number=len(above),
                    file=source,
                    metric=metric,
                    first=f"{above[0]:g}",
                )
            )
            unusable.add((source, metric))
        elif above:
            problems.append(
                Sentence(
                    "{file}: {metric} is read as percent (the first above 1 is {first}) and divided by 100.",
                    file=source,
                    metric=metric,
                    first=f"{above[0]:g}",
                )
            )
            percent.add((source, metric))
    if not percent and not unusable:
        return list(evaluations), problems
    return [run for one in evaluations if (run := _rescaled(one, percent, unusable)).scores], problems


def _rescaled(run: Evaluation, percent: set[tuple[str, str]], unusable: set[tuple[str, str]]) -> Evaluation:
    def scaled(values: Mapping[str, float]) -> dict[str, float]:
        return {
            metric: value / PERCENT if (run.source, metric) in percent else value
            for metric, value in values.items()
            if (run.source, metric) not in unusable
        }

    return replace(run, scores=scaled(run.scores), stderr=scaled(run.stderr))


def _newest(
    evaluations: Iterable[Evaluation],
) -> tuple[dict[CurveKey, tuple[Evaluation, ...]], dict[tuple[str, str], list[list[Evaluation]]]]:
    """The newest result of each checkpoint, and by (model, task) the results of repeated checkpoints.

    Repeated results are in order of their dates, the newest last.
    """
    groups: dict[tuple[CurveKey, int], list[Evaluation]] = defaultdict(list)
    for run in evaluations:
        groups[_key(run), run.step].append(run)
    runs: dict[CurveKey, list[Evaluation]] = defaultdict(list)
    repeated: dict[tuple[str, str], list[list[Evaluation]]] = defaultdict(list)
    for (key, _), group in groups.items():
        # The sort is stable: of equal dates the result read last stays last.
        group.sort(key=lambda run: run.when)
        if any(n > 1 for n in Counter(m for run in group for m in run.scores).values()):
            repeated[key.model, key.task].append(group)
        runs[key].append(_merged(group) if len(group) > 1 else group[0])
    ordered = {key: tuple(sorted(group, key=lambda run: run.step)) for key, group in runs.items()}
    return ordered, repeated


def _merged(group: Sequence[Evaluation]) -> Evaluation:
    """The last of a checkpoint's evaluations, with the scores that only earlier ones have."""
    scores: dict[str, float] = {}
    stderr: dict[str, float] = {}
    for run in group:
        scores |= run.scores
        stderr = {metric: value for metric, value in stderr.items() if metric not in run.scores}
        stderr |= run.stderr
    lower = frozenset(metric for run in group for metric in run.lower)
    return replace(group[-1], scores=scores, stderr=stderr, lower=lower)


def _repeats(repeated: Mapping[tuple[str, str], list[list[Evaluation]]]) -> list[str]:
    sentences: list[str] = []
    for (model, task), groups in repeated.items():
        if len(groups) == 1:
            last = groups[0][-1]
            taken = (
                Sentence("the newest of {date} ({file})", date=_date(last.when), file=last.source)
                if last.when
                else Sentence("that of {file}", file=last.source)
            )
            sentences.append(
                Sentence(
                    "{model} at {checkpoint} was run {times} times on {task}: {taken} is taken.",
                    model=model,
                    checkpoint=last.checkpoint,
                    times=str(len(groups[0])),
                    task=task,
                    taken=taken,
                )
            )
        else:
            groups.sort(key=lambda group: group[0].step)
            names = join_words([group[-1].checkpoint for group in groups])
            sentences.append(
                Sentence(
                    "{model} was run more than once on {task} at {count} checkpoints ({names}): the newest of each is taken.",
                    model=model,
                    task=task,
                    count=str(len(groups)),
                    names=names,
                )
            )
    return sentences


def _date(when: float) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M}"


def _mixtures(runs: Mapping[CurveKey, tuple[Evaluation, ...]]) -> list[str]:
    by_task: dict[tuple[str, str], list[CurveKey]] = defaultdict(list)
    for key in runs:
        by_task[key.model, key.task].append(key)
    sentences: list[str] = []
    for (model, task), keys in by_task.items():
        for part, phrase in _DISTINCTIONS:
            counts = Counter[Any]()
            for key in keys:
                counts[part(key)] += len(runs[key])
            if len(counts) > 1:
                parts = [
                    Sentence(
                        "{condition} at {number} checkpoint",
                        "{condition} at {number} checkpoints",
                        number=counts[value],
                        condition=phrase(value),
                    )
                    for value in sorted(counts, key=lambda v: (v is not None, v))
                ]
                sentences.append(
                    Sentence(
                        "{model} was run on {task} {parts}: these are kept apart, since their scores cannot be joined in one "
                        "curve.",
                        model=model,
                        task=task,
                        parts=join_words(parts, max_items=9),
                    )
                )
    return sentences


def _dtypes(evaluations: Iterable[Evaluation]) -> list[str]:
    """Sentences on curves joined from runs in several dtypes, whose texts and weights are the same."""
    by_key: dict[CurveKey, set[str]] = defaultdict(set)
    for run in evaluations:
        if run.dtype is not None:
            by_key[_key(run)].add(run.dtype)
    mixed = {(key.model, tuple(sorted(dtypes))): None for key, dtypes in by_key.items() if len(dtypes) > 1}
    return [
        Sentence(
            "{model} was run in {dtypes}: these are joined in one curve, whose points may differ by rounding.",
            model=model,
            dtypes=" and in ".join(dtypes),
        )
        for model, dtypes in mixed
    ]


def _seeds(evaluations: Iterable[Evaluation]) -> list[str]:
    names = list(dict.fromkeys(run.model.name for run in evaluations if run.model.seed_of is not None))
    if not names:
        return []
    return [
        Sentence(
            "{names} is a model of another seed: each is a curve of its own and stays out of means over models.",
            "{names} are models of another seed: each is a curve of its own and stays out of means over models.",
            number=len(names),
            names=join_words(names),
        )
    ]


def _phrase(
    absent: Sentence, given: Sentence, shown: Callable[[Any], str] = str
) -> Callable[[Any], Sentence]:
    """Phrase of a part: `absent` for None, else `given` with the value as `shown`."""
    return lambda value: absent if value is None else Sentence(given, value=shown(value))


# Parts of a key or a curve that distinguish curves of one model on one task. Conditions stand in every label
# of a curve that has them; the other parts only where namesakes differ in them.
_Distinction = tuple[Callable[[Any], Any], Callable[[Any], str]]  # getter of the part, and its phrase
_CONDITIONS: tuple[_Distinction, ...] = (
    (
        attrgetter("setup.adapter"),
        _phrase(Sentence("without an adapter"), Sentence("with the adapter {value}")),
    ),
    (
        attrgetter("setup.chat_template"),
        _phrase(Sentence("without a chat template"), Sentence("with the chat template {value}")),
    ),
    (
        attrgetter("setup.system_instruction"),
        _phrase(
            Sentence("without a system instruction"), Sentence("with the system instruction {value}"), quote
        ),
    ),
    (
        attrgetter("setup.quantization"),
        _phrase(Sentence("without quantization"), Sentence("quantized ({value})")),
    ),
)
_VERSION: _Distinction = (
    attrgetter("setup.task_version"),
    _phrase(Sentence("in an unknown version of the task"), Sentence("in version {value} of the task")),
)
_DISTINCTIONS: tuple[_Distinction, ...] = (
    (
        attrgetter("num_fewshot"),
        _phrase(Sentence("with an unknown number of examples"), Sentence("{value}-shot")),
    ),
    (
        attrgetter("questions"),
        _phrase(
            Sentence("on an unknown number of questions"),
            Sentence("on {value}"),
            lambda value: count(value, "question"),
        ),
    ),
    *_CONDITIONS,
    _VERSION,
)


def _missing(runs: Mapping[CurveKey, tuple[Evaluation, ...]], places: CheckpointResolver) -> list[str]:
    """Sentences on known checkpoints of a model without a result, one for all tasks that lack the same."""
    gaps: dict[tuple[str, tuple[str, ...], int], list[str]] = defaultdict(list)
    tasks: dict[str, set[CurveKey]] = defaultdict(set)
    for key, group in runs.items():
        schedule = places.schedule(group[0].model)
        tasks[key.model].add(key)
        there = {run.step for run in group}
        lacking = tuple(name for step, name in sorted(schedule.items()) if step not in there)
        if lacking:
            gaps[key.model, lacking, len(schedule)].append(key.task)
    sentences: list[str] = []
    for (model, lacking, total), lacked_on in gaps.items():
        values = {"lacking": str(len(lacking)), "all": str(total), "names": join_words(list(lacking))}
        sentences.append(
            Sentence(
                "{model} has no result at {lacking} of its {all} known checkpoints ({names}).",
                model=model,
                **values,
            )
            if len(lacked_on) == len(tasks[model])
            else Sentence(
                "{model} has no result on {tasks} at {lacking} of its {all} known checkpoints ({names}).",
                model=model,
                tasks=join_words(sorted(set(lacked_on))),
                **values,
            )
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
                stderr=_stderr(points, metric),
                setup=first.setup,
            )
        )
    return curves


def _stderr(points: Sequence[Evaluation], metric: str) -> tuple[float | None, ...]:
    found = tuple(run.stderr.get(metric) for run in points)
    return found if any(value is not None for value in found) else ()


def curve_labels(curves: Sequence[Curve]) -> list[str]:
    """Labels of curves of one task and metric: the model's name, with what distinguishes namesakes.

    Conditions such as an adapter or a chat template stand in every label of a curve that has them; the
    few-shot count, the number of questions and the task's version only where curves of one model differ in
    them.
    """
    namesakes: dict[tuple[str, str, str], list[Curve]] = defaultdict(list)
    for curve in curves:
        namesakes[curve.model.name, curve.task, curve.metric].append(curve)
    return [_label(c, namesakes[c.model.name, c.task, c.metric]) for c in curves]


def _label(curve: Curve, same: Sequence[Curve]) -> str:
    name = curve.model.name
    for part, phrase in _DISTINCTIONS:
        value = part(curve)
        if value is not None if (part, phrase) in _CONDITIONS else len({part(c) for c in same}) > 1:
            name += f", {phrase(value)}"
    return name


def task_label(key: CurveKey | Curve, with_version: bool) -> str:
    """Label of a task run in several ways: name, few-shot count, number of questions and conditions.

    Args:
        key: A curve of the task, or its identity.
        with_version: Whether the label has the task's version.
    """
    parts = [f"{key.num_fewshot}-shot", f"{key.questions} questions"]
    conditions = [*_CONDITIONS, *([_VERSION] if with_version else [])]
    parts += [phrase(part(key)) for part, phrase in conditions if part(key) is not None]
    return ", ".join([key.task, *parts])
