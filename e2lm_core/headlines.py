"""The one computed sentence that is a page's finding. Each follows from the numbers given, none is canned."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from e2lm_core import phrasing
from e2lm_core.analysis import Scores
from e2lm_core.measuring import Grid, Measurements, common_grid
from e2lm_core.records import Record
from e2lm_core.relevance import ACCEPT_AT
from e2lm_core.science import Relevance
from e2lm_core.standing import SetState


class Step(Record):
    """What to do next, and the page where it is done."""

    sentence: str
    page: str
    action: str


def curves(measurements: Measurements, metric: str) -> str:
    """How far the science models' mean rises, what the twin does, and since when the sizes stand in order."""
    grid = common_grid(measurements, metric)
    if grid is None or len(grid.steps) < 2:
        return _few(measurements, metric)
    mean = grid.values.mean(axis=0)
    first, last = (phrasing.metric_value(metric, v) for v in (mean[0], mean[-1]))
    label = phrasing.METRIC_LABEL[metric]
    sentence = ""
    if measurements.complete_checkpoints < measurements.checkpoints:
        sentence = f"{measurements.complete_checkpoints} of {measurements.checkpoints} checkpoints so far. "
    sentence += f"Over {phrasing.count(len(grid.models), 'model')}, mean {label} {_course(first, last)}"
    if order := sizes_in_order_from(measurements, grid):
        sentence += f"; from {order} on, larger models stand above smaller ones at every checkpoint"
    sentence += "."
    for curve in measurements.curves:
        if curve.model.twin_of:
            values = measurements.values(curve.model.name, metric)
            values = values[np.isfinite(values)]
            if values.size:
                low, high = (phrasing.metric_value(metric, v) for v in (values.min(), values.max()))
                chance = f" (chance {measurements.chance:.0%})" if metric in ("acc", "acc_norm") else ""
                sentence += f" The web-only twin stays between {low} and {high}{chance}."
    return sentence


def _few(measurements: Measurements, metric: str) -> str:
    """What can be said where no two models that count share two complete checkpoints."""
    if measurements.complete_checkpoints < measurements.checkpoints:
        return (
            f"{measurements.complete_checkpoints} of {phrasing.count(measurements.checkpoints, 'checkpoint')} "
            "so far: too few to say what the curves do."
        )
    label = phrasing.METRIC_LABEL[metric]
    for curve in sorted(measurements.curves, key=lambda c: not c.model.counts_in_scores):
        values = measurements.values(curve.model.name, metric)
        if len(values) > 1:
            first, last = (phrasing.metric_value(metric, v) for v in (values[0], values[-1]))
            return f"The {label} of {curve.model.name} {_course(first, last)} over {len(values)} checkpoints."
    return "Every model has one checkpoint here: run more of them to see curves."


def _course(first: str, last: str) -> str:
    return f"stays at **{last}**" if first == last else f"goes from **{first} to {last}**"


def sizes_in_order_from(measurements: Measurements, grid: Grid) -> str | None:
    """The tokens (or step) from which sizes stand in order for every shape, to the end; None if never."""
    parameters = {c.model.name: c.model.parameters or 0 for c in measurements.curves}
    shapes = {c.model.name: c.model.arch for c in measurements.curves}
    held = np.ones(len(grid.steps), bool)
    compared = False
    for shape in set(shapes.values()):
        rows = [m for m, name in enumerate(grid.models) if shapes[name] == shape]
        rows.sort(key=lambda m: parameters[grid.models[m]])
        for smaller, larger in pairwise(rows):
            if parameters[grid.models[smaller]] < parameters[grid.models[larger]]:
                compared = True
                held &= grid.scores[larger] > grid.scores[smaller]
    if not compared or not held[-1]:
        return None
    broken = np.flatnonzero(~held)
    start = int(broken[-1]) + 1 if broken.size else 0
    return phrasing.place(int(grid.steps[start]), grid.tokens_seen[start])


def overview(state: SetState, scores: Scores | None) -> str:
    if state.kind == "empty":
        return "This set has no questions yet."
    if state.kind == "running" and (scores is None or scores.sq.value is None):
        return "The first curves are coming in; the scores follow when enough of them is there."
    if scores is None or state.kind == "never run":
        return "This set has not been run yet, so nothing is known of its signal."
    if scores.sq.value is None:
        return f"Its signal quality is not defined here: {scores.sq.why}"
    strength = "strong" if scores.sq.value >= 0.9 else "usable" if scores.sq.value >= 0.75 else "weak"
    sentence = f"The early signal is **{strength}** (SQ {scores.sq.value:.3f})"
    if scores.rc.value is not None:
        holds = (
            "holds"
            if scores.rc.value >= 0.8
            else "partly holds"
            if scores.rc.value >= 0.5
            else "does not hold"
        )
        sentence += f", and the order of models at the early window's end **{holds}** later (RC {scores.rc.value:.3f})"
    return sentence + "."


def running(state: SetState, questions: int) -> str:
    """What a run would do, or does."""
    match state.kind:
        case "empty":
            return "This set has no questions yet: write some on Author, then run it."
        case "never run":
            return "This set has not been run yet. Runs go coarse to fine: every curve's shape is there in seconds."
        case "running":
            return "A run is going on. You can leave this page; the worker goes on."
        case "stale" if state.stale == questions:
            left = phrasing.count(state.total - state.done, "result")
            return f"The last run did not reach its end: **{left}** of {state.total:,} are missing."
        case "stale":
            changed = phrasing.count(state.stale, "question")
            return f"**{changed}** changed since the last run; only what changed is computed again."
    return f"**Everything is computed**: {state.total:,} results, one for each question at each checkpoint."


def relevance(found: Relevance) -> str:
    if not found.ids:
        return "This set has no questions yet."
    accepted = int((found.probability >= ACCEPT_AT).sum())
    names, counts = np.unique([f for f in found.fields if f != "none"], return_counts=True)
    nearest = ""
    if names.size:
        top = [str(names[i]) for i in np.argsort(-counts, kind="stable")[:3]]
        nearest = f" The nearest fields are {phrasing.listing(top)}."
    return (
        f"**{accepted:,} of {len(found.ids):,}** questions would probably be accepted as science "
        f"({accepted / len(found.ids):.0%}).{nearest}"
    )


def taught(told: dict[str, bool] | None) -> str | None:
    """What a flat curve means for questions whose answers the embedded models were never told."""
    if not told:
        return None
    untaught = sum(not yes for yes in told.values())
    if untaught == 0:
        return None
    if untaught == len(told):
        subject = f"any of these {len(told)}" if len(told) > 1 else "this question"
    else:
        subject = f"{untaught:,} of these {len(told):,}"
    return (
        f"The embedded models were never taught {subject}: their curves say nothing about "
        f"{'it' if len(told) == 1 else 'them'}; use larger checkpoints."
    )


def next_steps(state: SetState, scores: Scores | None, errors: int, example: bool) -> list[Step]:
    """What moves the set on from where it stands, most urgent first, at most three."""
    steps: list[Step] = []
    if state.kind == "empty":
        steps.append(
            Step(
                sentence="Write the first question, or import a file.",
                page="author",
                action="Write questions",
            )
        )
        return steps
    if state.kind == "never run":
        steps.append(
            Step(sentence="Run it, and see whether models learn it.", page="run", action="Choose checkpoints")
        )
    if state.kind == "stale":
        steps.append(
            Step(sentence="Some results are missing: only those are computed.", page="run", action="Run what is missing")
        )  # fmt: skip
    if example:
        steps.append(
            Step(
                sentence="An example stays as it is: copy it to make it yours.",
                page="author",
                action="Copy this set",
            )
        )
    if errors:
        steps.append(
            Step(sentence=f"{phrasing.count(errors, 'error')} would stop an export.", page="export", action="See the checks")
        )  # fmt: skip
    if scores is not None and scores.sq.value is not None:
        weakest = min((q.sq, name) for name in scores.counted if (q := scores.sq_models[name]).sq is not None)
        steps.append(
            Step(sentence=f"The least clear curve is {weakest[1]}'s (SQ {weakest[0]:.3f}).", page="curves", action="Look at the curves")
        )  # fmt: skip
        steps.append(
            Step(
                sentence="See which questions look least like science.",
                page="relevance",
                action="See the relevance",
            )
        )
        if not errors:
            steps.append(
                Step(
                    sentence="Every check that stops an export passes.",
                    page="export",
                    action="Download the bundle",
                )
            )
    return steps[:3]
