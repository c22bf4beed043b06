"""A plan in words, as tables, and as the JSON that the command line prints."""

from __future__ import annotations

from typing import Any

import pandas as pd

from e2lm_core.analysis.plan.fleet import seconds_for
from e2lm_core.analysis.plan.plan import Plan
from e2lm_core.base import phrasing, plain
from e2lm_core.base.records import SHARES


def finding(planned: Plan) -> str:
    """How many questions, how long, and against what stands there now."""
    wanted = _width(planned, planned.wanted)
    if planned.questions is None:
        return f"An interval of {planned.subject} {wanted} wide is out of reach. {planned.why}"
    smallest = planned.questions == planned.widths.sizes[0]
    count = f"{'at most ' if smallest else 'about '}**{rounded(planned.questions):,} questions**"
    fleet = phrasing.count(sum(p.checkpoints for p in planned.fleet), "checkpoint")
    if planned.pace is None:
        time = f"how long {fleet} take over them is not known before a first run on this machine"
    else:
        time = f"{fleet} take **{phrasing.duration(planned.seconds)}** over them"
        time += " (an estimate)" if planned.pace.estimated else ""
    enough = planned.questions <= planned.measured
    now = (
        f" The {planned.measured:,} of this set are enough."
        if enough
        else f" This set has {planned.measured:,}."
    )
    return f"For an interval of {planned.subject} {wanted} wide, {count} are needed; {time}.{now}"


def _width(planned: Plan, width: float) -> str:
    if planned.metric in SHARES and planned.of in ("mean", "difference"):
        return f"{100 * width:.3g} points"
    return f"{width:.3g}"


def rounded(questions: int) -> int:
    """To two digits, upwards: a simulation's third digit is noise."""
    step = 10 ** max(0, len(str(questions)) - 2)
    return -(-questions // step) * step


def size_frame(planned: Plan) -> pd.DataFrame:
    """One row a size: questions, width, expected, seconds."""
    widths = planned.widths
    return pd.DataFrame(
        {
            "questions": widths.sizes,
            "width": widths.width,
            "expected": widths.expected,
            "seconds": [seconds_for(n, planned.fleet, planned.pace) for n in widths.sizes],
        }
    ).astype({"seconds": float})


def fleet_frame(planned: Plan) -> pd.DataFrame:
    """One row a model: checkpoints, parameters, seconds a question, seconds in all."""
    pace = planned.pace.seconds if planned.pace else {}
    return pd.DataFrame(
        [
            {
                "model": part.model,
                "parameters": part.parameters,
                "checkpoints": part.checkpoints,
                "seconds a question": pace.get(part.model),
                "seconds": None
                if planned.questions is None or part.model not in pace
                else planned.questions * part.checkpoints * pace[part.model],
            }
            for part in planned.fleet
        ],
        columns=["model", "parameters", "checkpoints", "seconds a question", "seconds"],
    ).astype({"parameters": float, "seconds a question": float, "seconds": float})


def document(planned: Plan) -> dict[str, Any]:
    """`{of, subject, metric, wanted, measured, questions, why, seconds, pace, sizes, fleet, finding}`."""
    return {
        "of": planned.of,
        "subject": planned.subject,
        "metric": planned.metric,
        "wanted": planned.wanted,
        "measured": planned.measured,
        "questions": planned.questions,
        "why": planned.why,
        "seconds": planned.seconds,
        "pace": None if planned.pace is None else planned.pace.model_dump(),
        "sizes": plain.rows(size_frame(planned)),
        "fleet": plain.rows(fleet_frame(planned)),
        "finding": finding(planned).replace("**", ""),
    }
