"""Sentences on the starter fleet: its cost, what it gives and what it never gives.

Tested in tests/runs/test_starter.py.
"""

from __future__ import annotations

from e2lm_core.base import formatting
from e2lm_core.base.formatting import size
from e2lm_core.base.sentences import Sentence
from e2lm_core.runs.starter import StarterPlan

GIVES = Sentence(
    "They give curves, SQ and the order of the sizes for any question. Models this small stay near chance on hard ones."
)
NEVER = Sentence(
    "They never give RC of architectures, CS or Score: all have one architecture, and none has a web-only twin."
)
MIN_EARLY = 8  # checkpoints that SQ needs


def starter_cost(plan: StarterPlan) -> str:
    """Sentence on checkpoints and bytes: 20 checkpoints of pythia-14m and pythia-31m, 1.5 GB of the 20 GB left."""
    checkpoints = formatting.count(plan.checkpoints, "checkpoint")
    models = formatting.join_words(list(plan.models))
    if plan.here == plan.checkpoints:
        return Sentence(
            "All {checkpoints} of {models} are on this computer.", checkpoints=checkpoints, models=models
        )
    room = Sentence(
        "{size} of the {room} left", size=_at_least(plan.fetch_bytes, plan), room=size(plan.room_bytes)
    )
    if not plan.here:
        return Sentence(
            "{checkpoints} of {models}, {room}.", checkpoints=checkpoints, models=models, room=room
        )
    return Sentence(
        "{here} of {checkpoints} of {models} are on this computer; the others take {room}.",
        here=str(plan.here),
        checkpoints=checkpoints,
        models=models,
        room=room,
    )


def _at_least(number: int, plan: StarterPlan) -> str:
    """A size, as the least that it is while the hub has not told it."""
    return size(number) if plan.is_listed else Sentence("at least {size}", size=size(number))


def larger_cost(plan: StarterPlan) -> str | None:
    """Sentence on the larger models, whose checkpoints pass through; None without one."""
    if not plan.larger:
        return None
    return Sentence(
        "{models} is downloaded one checkpoint at a time, scored and deleted: {size}.",
        "{models} are downloaded one checkpoint at a time, scored and deleted: {size}.",
        number=len(plan.larger),
        models=formatting.join_words(list(plan.larger)),
        size=_at_least(plan.passing_bytes, plan),
    )


def starter_time(plan: StarterPlan) -> str | None:
    """Sentence on the time of a run of the set on this machine; None without a set."""
    if plan.questions is None:
        return None
    questions = formatting.count(plan.questions, "question")
    if plan.seconds is None:
        return Sentence(
            "How long {questions} take is known after a first run on this computer.", questions=questions
        )
    return Sentence(
        "A run of {questions} takes {duration} on this computer{estimated}.",
        questions=questions,
        duration=formatting.duration(plan.seconds),
        estimated=Sentence(", scaled from smaller models") if plan.is_estimate else "",
    )


def missing_at_hub(plan: StarterPlan) -> str | None:
    """Sentence on checkpoints that the hub does not have; None if it has all."""
    if not plan.missing:
        return None
    names = formatting.join_words(list(plan.missing))
    return Sentence(
        "The hub does not have {names}, which are left out; SQ needs {number} early checkpoints of a model.",
        names=names,
        number=str(MIN_EARLY),
    )


def starter_notes(plan: StarterPlan) -> list[str]:
    """All sentences on the fleet before its download, in the order in which they are read."""
    told = (starter_cost(plan), larger_cost(plan), starter_time(plan), missing_at_hub(plan), GIVES, NEVER)
    return [sentence for sentence in told if sentence]
