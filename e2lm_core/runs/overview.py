"""The one computed sentence that is a page's finding. Each follows from the numbers given, none is canned."""

from __future__ import annotations

from e2lm_core.base import phrasing
from e2lm_core.base.records import Record
from e2lm_core.runs.state import SetState
from e2lm_core.scores.set_scores import Scores


class NextStep(Record):
    """What to do next, and the page where it is done."""

    sentence: str
    page: str
    action: str


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


def next_steps(state: SetState, scores: Scores | None, errors: int, example: bool) -> list[NextStep]:
    """What moves the set on from where it stands, most urgent first, at most three."""
    steps: list[NextStep] = []
    if state.kind == "empty":
        steps.append(
            NextStep(
                sentence="Write the first question, or import a file.",
                page="author",
                action="Write questions",
            )
        )
        return steps
    if state.kind == "never run":
        steps.append(
            NextStep(
                sentence="Run it, and see whether models learn it.", page="run", action="Choose checkpoints"
            )
        )
    if state.kind == "stale":
        steps.append(
            NextStep(
                sentence="Some results are missing: only those are computed.",
                page="run",
                action="Run what is missing",
            )
        )
    if example:
        steps.append(
            NextStep(
                sentence="An example stays as it is: copy it to make it yours.",
                page="author",
                action="Copy this set",
            )
        )
    if errors:
        steps.append(
            NextStep(
                sentence=f"{phrasing.count(errors, 'error')} would stop an export.",
                page="export",
                action="See the checks",
            )
        )
    if scores is not None and scores.sq.value is not None:
        weakest = min((q.sq, name) for name in scores.counted if (q := scores.sq_models[name]).sq is not None)
        steps.append(
            NextStep(
                sentence=f"The least clear curve is {weakest[1]}'s (SQ {weakest[0]:.3f}).",
                page="curves",
                action="Look at the curves",
            )
        )
        steps.append(
            NextStep(
                sentence="See which questions look least like science.",
                page="relevance",
                action="See the relevance",
            )
        )
        if not errors:
            steps.append(
                NextStep(
                    sentence="Every check that stops an export passes.",
                    page="export",
                    action="Download the bundle",
                )
            )
    return steps[:3]
