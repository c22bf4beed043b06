"""Headline and next steps of the page Result."""

from __future__ import annotations

from collections.abc import Mapping

from e2lm_core.analysis import validity
from e2lm_core.base import formatting
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence, SentenceField, joined
from e2lm_core.runs.messages.doors import ADD, KNOWN, WRITE, SetDoors
from e2lm_core.runs.state import SetState
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import null


class NextStep(Record):
    """Suggested next step for a set.

    Attributes:
        sentence: Sentence with the reason.
        view: Page or tab for the step, as links name it.
        action: Label of the link.
    """

    sentence: SentenceField
    view: str
    action: str


_WRITE = NextStep(
    sentence="Write the first question, or import a file.", view="write", action="Write questions"
)
_RUN = NextStep(
    sentence="Run the set to see whether models learn it.", view="run", action="Choose checkpoints"
)
_RUN_REST = NextStep(
    sentence="Some results are missing: only those are computed.", view="run", action="Run what is missing"
)
_COPY = NextStep(sentence="Examples are read-only.", view="write", action="Copy this set")
_COPY_OF_ANOTHER = NextStep(sentence="You can view this set.", view="write", action="Copy this set")
_RELEVANCE = NextStep(
    sentence="Least scientific questions first.", view="relevance", action="See the relevance"
)
_DOWNLOAD = NextStep(
    sentence="Every check that stops an export passes.", view="share", action="Download the bundle"
)
_THROUGH = {
    ADD: "Small public models answer any question; this says first what they cost.",
    KNOWN: "Search all facts that the mini models learned.",
    WRITE: "Each fact comes with a question that can be changed.",
}


def headline(
    state: SetState, scores: Scores | None, silent: str | None = None, doors: SetDoors | None = None
) -> str:
    """Sentence (Markdown) on the strength of the early signal, or why nothing is known of it yet.

    Args:
        state: State of the set's results.
        scores: Scores of the set; None before any checkpoint is complete.
        silent: Reason why the scores mean nothing (`validity.silence_reason`); None if they mean something.
        doors: Doors of the set; None if the mini models know all of it.
    """
    if state.kind == "empty":
        return "This set has no questions yet."
    if state.kind != "running" and doors is not None and doors.first == "door":
        return doors.sentence
    if state.kind == "running" and (scores is None or scores.sq.value is None):
        if state.run is not None and state.run.complete:
            return "Running. Scores appear when all checkpoints are done."
        return "A run of this set has been asked for; curves and scores follow with its first checkpoints."
    if state.kind == "never run" and state.failure:
        return "The last run failed, so nothing is known of its signal."
    if scores is None and state.kind == "stale":
        return Sentence(
            "**{number} question** lacks results, since it changed or a run stopped: scores follow once what is missing is run.",
            "**{number} questions** lack results, since they changed or a run stopped: scores follow once what is missing "
            "is run.",
            number=state.stale,
        )
    if scores is None or state.kind == "never run":
        return "This set has not been run yet, so nothing is known of its signal."
    if scores.sq.value is None:
        return Sentence("Its signal quality is not defined here: {why}", why=scores.sq.why)
    if silent and silent != validity.NO_SIGNAL:
        return silent
    if null.is_within_null(scores.sq):
        return Sentence(
            "Signal quality (SQ {sq}), over the early window where one is known, is **not distinguishable from that of "
            "random answers** to the same questions: {random}.",
            sq=formatting.score(scores.sq.value),
            random=formatting.random_baseline(scores.sq.null),
        )
    sentence = Sentence(
        "Signal quality is **strong** (SQ {sq})"
        if scores.sq.value >= 0.9
        else "Signal quality is **usable** (SQ {sq})"
        if scores.sq.value >= 0.75
        else "Signal quality is **weak** (SQ {sq})",
        sq=formatting.score(scores.sq.value),
    )
    return joined((sentence, _order_clause(scores), "."), "")


def _order_clause(scores: Scores) -> str:
    """Clause on the order of models later; "" if RC is not defined, or is by design."""
    if (rc := scores.rc.value) is None or scores.is_rc_by_design:
        return ""
    if null.is_within_null(scores.rc):
        return Sentence(
            "; the order of models later is no steadier than under random answers (RC {rc})",
            rc=formatting.score(rc),
        )
    holds = Sentence("holds" if rc >= 0.8 else "partly holds" if rc >= 0.5 else "does not hold")
    return Sentence(
        ", and the order of models at the early window's end **{holds}** later (RC {rc})"
        if scores.rc_reading == "all_models"
        else ", and the order of architectures of one size **{holds}** later (RC {rc})",
        holds=holds,
        rc=formatting.score(rc),
    )


def next_steps(
    state: SetState,
    scores: Scores | None,
    errors: int,
    example: bool,
    silent: str | None = None,
    doors: SetDoors | None = None,
    short_names: Mapping[str, str] | None = None,
    is_shared: bool = False,
) -> list[NextStep]:
    """Next steps for a set, most urgent first, at most three.

    Args:
        state: State of the set's results.
        scores: Scores of the set; None before any checkpoint is complete.
        errors: Number of errors that would stop an export.
        example: Whether the caller cannot edit the set.
        silent: Reason to advise nothing from the scores; None for none.
        doors: Doors of the set; None if the mini models know all of it.
        short_names: Short name by name of each model; None to call models by their names.
        is_shared: Whether the set is another person's.
    """
    if state.kind == "empty":
        return [_WRITE]
    steps = []
    if doors is not None and doors.first == "door":
        steps += [
            NextStep(sentence=_THROUGH[door], view=door.view, action=door.label) for door in doors.doors
        ]
    elif state.kind == "never run":
        steps.append(_RUN)
    elif state.kind == "stale":
        steps.append(_RUN_REST)
    if example:
        steps.append(_COPY_OF_ANOTHER if is_shared else _COPY)
    if errors:
        sentence = Sentence(
            "{number} error would stop an export.", "{number} errors would stop an export.", number=errors
        )
        steps.append(NextStep(sentence=sentence, view="share", action="See the checks"))
    if scores is not None and scores.sq.value is not None:
        steps += [_RELEVANCE] if silent else [_weakest_curve(scores, short_names or {}), _RELEVANCE]
        if not errors:
            steps.append(_DOWNLOAD)
    return steps[:3]


def _weakest_curve(scores: Scores, short_names: Mapping[str, str]) -> NextStep:
    sq, name = min((q.sq, name) for name in scores.counted if (q := scores.sq_models[name]).sq is not None)
    sentence = Sentence(
        "Least clear: {model} (SQ {sq}).", model=short_names.get(name, name), sq=formatting.score(sq)
    )
    return NextStep(sentence=sentence, view="accuracy", action="See the curves")
