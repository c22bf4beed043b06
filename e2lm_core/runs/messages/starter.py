"""Sentences on the starter fleet: its cost, what it gives and what it never gives.

Tested in tests/runs/test_starter.py.
"""

from __future__ import annotations

from e2lm_core.base import formatting
from e2lm_core.base.formatting import size
from e2lm_core.runs.starter import StarterPlan

GIVES = "They give curves, SQ and the order of the sizes for any question. Models this small stay near chance on hard ones."
NEVER = "They never give RC of architectures, CS or Score: all have one architecture, and none has a web-only twin."
MIN_EARLY = 8  # checkpoints that SQ needs


def starter_cost(plan: StarterPlan) -> str:
    """Sentence on checkpoints and bytes: 20 checkpoints of pythia-14m and pythia-31m, 1.5 GB of the 20 GB left."""
    checkpoints = formatting.count(plan.checkpoints, "checkpoint")
    models = formatting.join_words(list(plan.models))
    if plan.here == plan.checkpoints:
        return f"All {checkpoints} of {models} are on this computer."
    least = "" if plan.is_listed else "at least "
    room = f"{least}{size(plan.fetch_bytes)} of the {size(plan.room_bytes)} left"
    if not plan.here:
        return f"{checkpoints} of {models}, {room}."
    return f"{plan.here} of {checkpoints} of {models} are on this computer; the others take {room}."


def larger_cost(plan: StarterPlan) -> str | None:
    """Sentence on the larger models, whose checkpoints pass through; None without one."""
    if not plan.larger:
        return None
    models, least = formatting.join_words(list(plan.larger)), "" if plan.is_listed else "at least "
    are = "is" if len(plan.larger) == 1 else "are"
    return f"{models} {are} downloaded one checkpoint at a time, scored and deleted: {least}{size(plan.passing_bytes)}."


def starter_time(plan: StarterPlan) -> str | None:
    """Sentence on the time of a run of the set on this machine; None without a set."""
    if plan.questions is None:
        return None
    questions = formatting.count(plan.questions, "question")
    if plan.seconds is None:
        return f"How long {questions} take is known after a first run on this computer."
    estimated = ", scaled from smaller models" if plan.is_estimate else ""
    return f"A run of {questions} takes {formatting.duration(plan.seconds)} on this computer{estimated}."


def missing_at_hub(plan: StarterPlan) -> str | None:
    """Sentence on checkpoints that the hub does not have; None if it has all."""
    if not plan.missing:
        return None
    names = formatting.join_words(list(plan.missing))
    return f"The hub does not have {names}, which are left out; SQ needs {MIN_EARLY} early checkpoints of a model."


def starter_notes(plan: StarterPlan) -> list[str]:
    """All sentences on the fleet before its download, in the order in which they are read."""
    told = (starter_cost(plan), larger_cost(plan), starter_time(plan), missing_at_hub(plan), GIVES, NEVER)
    return [sentence for sentence in told if sentence]
