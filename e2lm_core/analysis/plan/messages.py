"""Sentences, tables and the JSON document of a plan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from e2lm_core.analysis.plan.fleet import fleet_seconds
from e2lm_core.analysis.plan.plan import Plan
from e2lm_core.analysis.plan.power import Power
from e2lm_core.analysis.plan.schedule import Schedule
from e2lm_core.base import formatting, json_values
from e2lm_core.base.records import SHARES

POWER_HELP = (
    "The chance that a 95% test finds the difference that these two models show, on a fresh set of so many questions "
    "like these and with both trained anew, where it is known how far that moves them. The range: as far as the "
    "difference itself is known."
)
POWER_SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 15_000)


def headline(plan: Plan) -> str:
    """Headline of the page Plan: needed questions, time of the fleet, and questions measured so far."""
    wanted = _width(plan, plan.wanted)
    if plan.questions is None:
        return f"No number of questions narrows the interval of {plan.subject} to {wanted}. {plan.why}"
    smallest = plan.questions == plan.widths.sizes[0]
    count = f"{'at most ' if smallest else 'about '}**{round_up_two_digits(plan.questions):,} questions**"
    fleet = formatting.count(sum(p.checkpoints for p in plan.fleet), "checkpoint")
    if plan.pace is None:
        time = f"how long {fleet} take over them is not known before a first run on this machine"
    else:
        time = f"{fleet} take **{formatting.duration(plan.seconds)}** over them"
        time += " (an estimate)" if plan.pace.estimated else ""
    enough = plan.questions <= plan.measured
    now = f" The {plan.measured:,} of this set are enough." if enough else f" This set has {plan.measured:,}."
    return f"You need {count} for an interval of {plan.subject} {wanted} wide; {time}.{now}"


def power_answer(power_result: Power) -> str:
    """Power of the comparison and its assumptions, as one text."""
    return f"{power_headline(power_result)} {power_assumptions(power_result)}"


def power_headline(planned: Power, models_named: bool = False) -> str:
    """Sentences on the power at a checkpoint, and on the questions needed for the wanted power.

    Without a sufficient number of questions, they say why.

    Args:
        planned: Power of the set.
        models_named: The reader already knows which models they are on.
    """
    place = formatting.checkpoint_position(planned.step, planned.tokens_seen)
    size = formatting.lead(planned.metric, abs(planned.spread.difference))
    new = "" if planned.spread.training_sd is None else " and newly trained models"
    models = "" if models_named else f" of {planned.first} and {planned.second}"
    of_size = "" if models_named and not planned.assumed else f" ({size})"
    difference = f"{'an assumed' if planned.assumed else 'the'} difference{models}"
    chance = (
        f"{formatting.count(planned.questions, 'new question')}{new} would show {difference} at {place}{of_size} in "
        f"**{planned.power:.0%}** of cases{_sure(planned)}."
    )
    if planned.needed is None:
        return f"{chance} {_never(planned)}."
    return f"{chance} **{round_up_two_digits(planned.needed):,} questions** show it in {planned.wanted:.0%}."


def power_assumptions(planned: Power) -> str:
    """Sentence on the detectable difference at 80% power, and on the source of the training noise."""
    known = (
        " Training noise is left out."
        if not planned.with_training_noise
        else " Training noise is not known, since no other seed has results there, and is left out."
        if planned.spread.training_sd is None
        else f" Training noise is that of {formatting.join_words(list(planned.replicated))}"
        f" ({planned.spread.training_freedom:.3g} degree{'' if planned.spread.training_freedom == 1 else 's'} of freedom)."
    )
    return (
        f"The smallest difference that {planned.questions:,} questions tell in 80% of cases is "
        f"{formatting.difference(planned.metric, planned.detectable)}.{known}"
    )


def _never(planned: Power) -> str:
    """Reason why no number of questions is enough."""
    spread = planned.spread
    if not spread.difference:
        return "**No number of questions** tells equal models apart"
    never = f"**No number of questions** shows it in {planned.wanted:.0%}"
    if (
        spread.model_copy(update={"training_freedom": math.inf}).required_questions(planned.wanted)
        is not None
    ):
        return f"{never}: training noise is known from too few seeds, so train more of them"
    return f"{never}: training noise moves a model by {formatting.lead(planned.metric, spread.training_sd or 0.0)}"


def _sure(planned: Power) -> str:
    """Range of the power, given the uncertainty of the measured difference; "" where both ends read alike."""
    if planned.between is None:
        return ""
    low, high = (f"{end:.0%}" for end in planned.between)
    return "" if low == high else f" ({low} to {high})"


def power_frame(planned: Power) -> pd.DataFrame:
    """Power by number of questions: questions, power, detectable (difference, in the metric's unit)."""
    sizes = sorted({*POWER_SIZES, planned.questions, *([planned.needed] if planned.needed else [])})
    return pd.DataFrame(
        {
            "questions": sizes,
            "power": [planned.spread.power(n) for n in sizes],
            "detectable": [planned.spread.detectable_difference(n) for n in sizes],
        }
    )


def schedule_reasons() -> dict[str, str | None]:
    """Reason why a column of a table of schedules lacks values."""
    return {"cost": "it needs the price of an hour (--price)."}


def power_document(planned: Power) -> dict[str, Any]:
    """Return a power analysis as a JSON document.

    {first, second, metric, step, tokens_seen, questions, measured, spread, power, detectable, wanted, needed,
    replicated, assumed, between, sizes, finding}
    """
    document = planned.model_dump()
    freedom = planned.spread.training_freedom
    document["spread"]["training_freedom"] = json_values.to_json_value(freedom)  # infinite if unknown
    return {
        **document,
        "sizes": json_values.frame_to_records(power_frame(planned)),
        "finding": power_answer(planned).replace("**", ""),
    }


def _width(planned: Plan, width: float) -> str:
    if planned.metric in SHARES and planned.of in ("mean", "difference"):
        return f"{100 * width:.3g} points"
    return f"{width:.3g}"


def round_up_two_digits(questions: int) -> int:
    """Number of questions, rounded up to two digits: the third digit of a simulation is noise."""
    step = 10 ** max(0, len(str(questions)) - 2)
    return -(-questions // step) * step


def size_frame(planned: Plan) -> pd.DataFrame:
    """Interval width and time by number of questions: questions, width, expected, seconds."""
    widths = planned.widths
    return pd.DataFrame(
        {
            "questions": widths.sizes,
            "width": widths.width,
            "expected": widths.expected,
            "seconds": [fleet_seconds(n, planned.fleet, planned.pace) for n in widths.sizes],
        }
    ).astype({"seconds": float})


def size_reasons(planned: Plan) -> dict[str, str | None]:
    """Reason why a column of `size_frame` or `fleet_frame` lacks values."""
    time = None if planned.pace else "it is not known before a first run on this machine."
    return {
        "width": planned.widths.why,
        "expected": planned.widths.why,
        "seconds": time or planned.why,
        "ms a question": time,
    }


def fleet_frame(planned: Plan) -> pd.DataFrame:
    """Cost of a fleet by model: checkpoints, parameters, milliseconds per question, seconds in all."""
    pace = planned.pace.seconds if planned.pace else {}
    return pd.DataFrame(
        [
            {
                "model": part.model,
                "parameters": part.parameters,
                "checkpoints": part.checkpoints,
                "ms a question": None if part.model not in pace else 1000 * pace[part.model],
                "seconds": None
                if planned.questions is None or part.model not in pace
                else planned.questions * part.checkpoints * pace[part.model],
            }
            for part in planned.fleet
        ],
        columns=["model", "parameters", "checkpoints", "ms a question", "seconds"],
    ).astype({"parameters": float, "ms a question": float, "seconds": float})


def plan_document(planned: Plan) -> dict[str, Any]:
    """Return a plan as a JSON document.

    {of, subject, metric, wanted, measured, questions, why, seconds, pace, sizes, fleet, finding}
    """
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
        "sizes": json_values.frame_to_records(size_frame(planned)),
        "planned": json_values.frame_to_records(fleet_frame(planned)),
        "finding": headline(planned).replace("**", ""),
    }


def schedule_document(
    schedules: Sequence[Schedule], asked: int, questions: int, checkpoints: int
) -> dict[str, Any]:
    """Return schedules as a JSON document, with the figures of one of them on top.

        {workers, questions, checkpoints, hours, cost, busy, schedules, finding}

    Args:
        schedules: Simulated schedules, one of them with `asked` workers.
        asked: Number of workers of the schedule on top.
        questions: Number of questions per checkpoint.
        checkpoints: Number of checkpoints in the fleet.
    """
    chosen = next(one for one in schedules if one.workers == asked)
    rows = [{**one.model_dump(), "hours": one.seconds / 3_600} for one in schedules]
    said = (
        f"{formatting.count(checkpoints, 'checkpoint')} take {formatting.duration(chosen.seconds)} over "
        f"{formatting.count(questions, 'question')} on {formatting.count(asked, 'worker')}"
    )
    if chosen.cost is not None:
        said += f" and cost {chosen.cost:,.2f}"
    if chosen.estimated:
        said += " (an estimate: some models were never run, and are scaled by parameters)"
    return {
        "workers": asked,
        "questions": questions,
        "checkpoints": checkpoints,
        "hours": chosen.seconds / 3_600,
        "cost": chosen.cost,
        "busy": chosen.busy,
        "schedules": rows,
        "finding": f"{said}; {chosen.busy:.0%} of their time is work.",
    }
