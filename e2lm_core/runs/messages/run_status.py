"""Sentences and tables on run status."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from e2lm_core.base import formatting
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.runs.queue.progress import RunProgress
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.state import SetState
from e2lm_core.runs.store.shipped_results import ShippedInfo
from e2lm_core.scores.measurements import Measurements

_STATE = {
    "cancelled": Sentence("(cancelled; what was computed is kept)"),
    "failed": Sentence("(stopped; what was computed is kept)"),
}


def queue_sentence(ahead: int | None) -> str:
    """Phrase for the queue position of a run: "waiting for 2 other runs"; "" for one that does not wait."""
    if ahead is None:
        return ""
    if not ahead:
        return Sentence("waiting for the worker")
    return Sentence("waiting for {number} other run", "waiting for {number} other runs", number=ahead)


def format_progress(run: RunProgress) -> str:
    """Progress as 31%, rounded down: only a run with all of its results has 100%."""
    return f"{int(100 * run.share)}%"


def progress_sentence(run: RunProgress) -> str:
    """Progress of a run, the same on every page: 31%, 45 of 144 checkpoints, about 20 s left."""
    text = Sentence(
        "{share}, {done} of {number} checkpoint",
        "{share}, {done} of {number} checkpoints",
        share=format_progress(run),
        done=run.complete,
        number=run.checkpoints,
    )
    if run.state == "queued":
        return joined((text, Sentence("({reason})", reason=queue_sentence(run.ahead or 0))))
    if run.seconds_left:
        text = Sentence(
            "{progress}, {duration} left", progress=text, duration=formatting.duration(run.seconds_left)
        )
    return joined((text, _STATE[run.state])) if run.state in _STATE else text


def engine_notes(job: Job) -> list[str]:
    """Notes of the engine on a run, each once: models that it could not compute the fast way."""
    return list(dict.fromkeys(row.note for row in job.progress if row.note))


def token_savings(job: Job) -> str | None:
    """Sentence that compares a run's tokens with those of lm-evaluation-harness.

    The harness sends context and continuation anew for every choice at every checkpoint. None if nothing was
    computed, or if an older version of the studio computed it, which counted no tokens.
    """
    ours = sum(row.tokens or 0 for row in job.progress)
    theirs = sum(row.harness_tokens or 0 for row in job.progress)
    return savings_sentence(ours, theirs, job.over)


def savings_sentence(scored_tokens: int, harness_tokens: int, is_over: bool = True) -> str | None:
    """Sentence that compares two numbers of tokens; None if one of them is 0.

    Args:
        scored_tokens: Tokens that went through the models.
        harness_tokens: Tokens that lm-evaluation-harness would have sent.
        is_over: Whether nothing more is computed.
    """
    if not scored_tokens or not harness_tokens:
        return None
    digits = 1 if harness_tokens < 10 * scored_tokens else 0
    values = {
        "tokens": formatting.tokens(scored_tokens),
        "theirs": formatting.tokens(harness_tokens),
        "times": f"{harness_tokens / scored_tokens:.{digits}f}",
    }
    if is_over:
        return Sentence(
            "Computed {tokens} tokens where lm-evaluation-harness would compute {theirs} ({times}×).",
            **values,
        )
    return Sentence(
        "Computed so far {tokens} tokens where lm-evaluation-harness would compute {theirs} ({times}×).",
        **values,
    )


def job_frame(job: Job) -> pd.DataFrame:
    """Table of a run with one row for each planned checkpoint, in the order of the plan.

    Columns but `checkpoint` and `progress` are missing for a checkpoint that is not begun; its progress is 0.
    """
    rows = {row.name: row for row in job.progress}
    return pd.DataFrame(
        [
            {
                "checkpoint": name,
                "progress": row.done / row.total if row and row.total else 0.0,
                "computed": row.computed if row else None,
                "reused": row.reused if row else None,
                "seconds": row.seconds if row else None,
                "tokens": row.tokens if row else None,
                "harness_tokens": row.harness_tokens if row else None,
            }
            for name in job.payload["checkpoints"]
            for row in [rows.get(name)]
        ]
    )


def coverage_frame(measurements: Measurements) -> pd.DataFrame:
    """Table of a set's measurements with one row for each model.

    Columns: `model`, `parameters`, `text` (its role), `checkpoints` (their number), `complete` (share of them
    with all results, in [0, 1]), `first` and `last` (tokens seen).
    """
    rows = []
    for curve in measurements.curves:
        complete = np.isfinite(measurements.values(curve.model.name, "margin"))
        seen = curve.tokens_seen
        rows.append(
            {
                "model": curve.model.name,
                "parameters": curve.model.parameters,
                "text": curve.model.role,
                "checkpoints": len(complete),
                "complete": float(complete.mean()),
                "first": seen[0],
                "last": seen[-1],
            }
        )
    return pd.DataFrame(rows)


def shipped_note(made: ShippedInfo) -> str:
    """Sentence on the origin of shipped results.

    "Measured on 26 November 2026 with version 0.1.0 (torch 2.8.0, CPU), shipped with the studio."
    """
    return Sentence(
        "Measured on {day} with version {version} (torch {torch}, {device}), shipped with the studio.",
        day=format_day(made),
        version=made.studio,
        torch=made.torch,
        device=made.device,
    )


_MONTHS = (
    *(Sentence("Jan"), Sentence("Feb"), Sentence("Mar"), Sentence("Apr"), Sentence("May"), Sentence("Jun")),
    *(Sentence("Jul"), Sentence("Aug"), Sentence("Sep"), Sentence("Oct"), Sentence("Nov"), Sentence("Dec")),
)


def format_day(made: ShippedInfo) -> str:
    """Day of shipped results, as 26 Nov 2026."""
    day = date.fromisoformat(made.date)
    return Sentence("{day} {month} {year}", day=day.day, month=_MONTHS[day.month - 1], year=str(day.year))


def headline(state: SetState, questions: int) -> str:
    """Sentence (Markdown) on the state of a set's results, for a set of so many questions."""
    match state.kind:
        case "empty":
            return Sentence("This set has no questions yet: write some on Questions, then run it.")
        case "never run" if state.failure:
            return Sentence("The last run failed before its first result.")
        case "never run":
            return Sentence(
                "This set has not been run yet. A run gives every curve its shape first, and its other points later."
            )
        case "running" if state.run and state.run.ahead:
            return Sentence(
                "The run is {waiting}: it goes on by itself once that is over.",
                waiting=queue_sentence(state.run.ahead),
            )
        case "running":
            return Sentence("Running. You can leave this page.")
        case "stale" if state.stale == questions:
            return Sentence(
                "The last run stopped early: **{number} result** of {total} results are missing.",
                "The last run stopped early: **{number} results** of {total} results are missing.",
                number=state.total - state.done,
                total=state.total,
            )
        case "stale":
            return Sentence(
                "**{number} question** changed since the last run; only what changed is computed again.",
                "**{number} questions** changed since the last run; only what changed is computed again.",
                number=state.stale,
            )
    return Sentence(
        "**Complete**: {total} results, one for each question at each checkpoint.", total=state.total
    )
