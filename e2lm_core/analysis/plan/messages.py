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
from e2lm_core.base.records import BOUNDED_METRICS, SHARES
from e2lm_core.base.sentences import Sentence, joined

POWER_HELP = Sentence(
    "The chance that a 95% test finds the difference that these two models show, on a fresh set of so many questions "
    "like these and with both trained anew, where it is known how far that moves them. The range: as far as the "
    "difference itself is known."
)
POWER_SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 15_000)


def headline(plan: Plan) -> str:
    """Headline of the page Plan: needed questions, time of the fleet, and questions measured so far."""
    wanted = _width(plan, plan.wanted)
    if plan.questions is None:
        return Sentence(
            "No number of questions narrows the interval of {subject} to {wanted}. {why}",
            subject=plan.subject,
            wanted=wanted,
            why=plan.why,
        )
    smallest = plan.questions == plan.widths.sizes[0]
    fleet = formatting.count(sum(p.checkpoints for p in plan.fleet), "checkpoint")
    if plan.pace is None:
        time = Sentence(
            "how long {checkpoints} take over them is not known before a first run on this machine",
            checkpoints=fleet,
        )
    else:
        time = Sentence(
            "{checkpoints} take **{duration}** over them (an estimate)"
            if plan.pace.estimated
            else "{checkpoints} take **{duration}** over them",
            checkpoints=fleet,
            duration=formatting.duration(plan.seconds),
        )
    return Sentence(
        "You need {count} for an interval of {subject} {wanted} wide; {time}. {now}",
        count=Sentence(
            "at most **{questions} questions**" if smallest else "about **{questions} questions**",
            questions=round_up_two_digits(plan.questions),
        ),
        subject=plan.subject,
        wanted=wanted,
        time=time,
        now=Sentence(
            "The {measured} of this set are enough."
            if plan.questions <= plan.measured
            else "This set has {measured}.",
            measured=plan.measured,
        ),
    )


def power_answer(power_result: Power) -> str:
    """Power of the comparison and its assumptions, as one text."""
    return joined((power_headline(power_result), power_assumptions(power_result)))


def power_headline(planned: Power, models_named: bool = False) -> str:
    """Sentences on the power at a checkpoint, and on the questions needed for the wanted power.

    Without a sufficient number of questions, they say why.

    Args:
        planned: Power of the set.
        models_named: The reader already knows which models they are on.
    """
    size = formatting.lead(planned.metric, abs(planned.spread.difference))
    of_models = Sentence(" of {first} and {second}", first=planned.first, second=planned.second)
    chance = Sentence(
        "{questions}{new} would show {difference} at {place}{of_size} in **{power}** of cases{sure}.",
        questions=formatting.count(planned.questions, "new question"),
        new="" if planned.spread.training_sd is None else Sentence(" and newly trained models"),
        difference=Sentence(
            "an assumed difference{models}" if planned.assumed else "the difference{models}",
            models="" if models_named else of_models,
        ),
        place=formatting.checkpoint_position(planned.step, planned.tokens_seen),
        of_size="" if models_named and not planned.assumed else Sentence(" ({size})", size=size),
        power=f"{planned.power:.0%}",
        sure=_sure(planned),
    )
    if planned.needed is None:
        return joined((chance, _never(planned)))
    needed = Sentence(
        "**{questions} questions** show it in {wanted}.",
        questions=round_up_two_digits(planned.needed),
        wanted=f"{planned.wanted:.0%}",
    )
    return joined((chance, needed))


def power_assumptions(planned: Power) -> str:
    """Sentence on the detectable difference at 80% power, and on the source of the training noise."""
    freedom = planned.spread.training_freedom
    if not planned.with_training_noise:
        known = Sentence("Training noise is left out.")
    elif planned.spread.training_sd is None:
        known = Sentence(
            "Training noise is not known, since no other seed has results there, and is left out."
        )
    else:
        known = Sentence(
            "Training noise is that of {models} ({freedom} degree of freedom)."
            if freedom == 1
            else "Training noise is that of {models} ({freedom} degrees of freedom).",
            models=formatting.join_words(list(planned.replicated)),
            freedom=f"{freedom:.3g}",
        )
    if planned.metric in BOUNDED_METRICS and planned.detectable > 1:
        smallest = Sentence(
            "No difference is so large that {questions} questions tell it in 80% of cases.",
            questions=planned.questions,
        )
    else:
        smallest = Sentence(
            "The smallest difference that {questions} questions tell in 80% of cases is {difference}.",
            questions=planned.questions,
            difference=formatting.difference(planned.metric, planned.detectable),
        )
    return joined((smallest, known))


def _never(planned: Power) -> str:
    """Sentence on why no number of questions is enough."""
    spread = planned.spread
    if not spread.difference:
        return Sentence("**No number of questions** tells equal models apart.")
    wanted = f"{planned.wanted:.0%}"
    if (
        spread.model_copy(update={"training_freedom": math.inf}).required_questions(planned.wanted)
        is not None
    ):
        return Sentence(
            "**No number of questions** shows it in {wanted}: training noise is known from too few seeds, so train more of "
            "them.",
            wanted=wanted,
        )
    return Sentence(
        "**No number of questions** shows it in {wanted}: training noise moves a model by {noise}.",
        wanted=wanted,
        noise=formatting.lead(planned.metric, spread.training_sd or 0.0),
    )


def _sure(planned: Power) -> str:
    """Range of the power, given the uncertainty of the measured difference; "" where both ends read alike."""
    if planned.between is None:
        return ""
    low, high = (f"{end:.0%}" for end in planned.between)
    return "" if low == high else Sentence(" ({low} to {high})", low=low, high=high)


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
        return Sentence("{value} points", value=f"{100 * width:.3g}")
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
    time = None if planned.pace else Sentence("it is not known before a first run on this machine.")
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
