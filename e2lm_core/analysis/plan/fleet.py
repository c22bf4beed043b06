"""Fleets and their pace: seconds a question at each checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.sentences import Sentence, SentenceField


class Pace(Record):
    """Seconds per question on one checkpoint, by model.

    Attributes:
        seconds: Seconds per question and checkpoint, by model name.
        source: Origin of the pace, in words.
        estimated: Some model's pace is scaled from another model.
    """

    seconds: dict[str, float]
    source: SentenceField
    estimated: bool = False


class FleetPart(Record):
    """A model of a fleet, with the number of its checkpoints to run."""

    model: str
    parameters: int | None
    checkpoints: int


def count_checkpoints_by_model(checkpoints: Sequence[Checkpoint]) -> tuple[FleetPart, ...]:
    """Models of these checkpoints, each with the number of its checkpoints."""
    parts: dict[str, FleetPart] = {}
    for checkpoint in checkpoints:
        model = checkpoint.model
        before = parts.get(model.name)
        parts[model.name] = FleetPart(
            model=model.name,
            parameters=model.parameters,
            checkpoints=(before.checkpoints if before else 0) + 1,
        )
    return tuple(parts.values())


def fleet_pace(
    fleet: Sequence[FleetPart],
    pace: Pace | None,
    parameters: dict[str, int | None],
    seconds: float | None = None,
) -> Pace | None:
    """Pace for every model of a fleet.

    A measured model keeps its own pace. Another one is scaled by its parameters from the largest measured
    model (the work per token is 2 x parameters, and the same questions have about as many tokens), never
    below that model's pace: an estimate, too long if small models spend their time on other things. Without
    known parameters it has the mean of all measured paces.

    Args:
        fleet: Models of the fleet.
        pace: Measured pace; None if there is none.
        parameters: Parameters of the measured models by name.
        seconds: Pace to use for all models instead, in seconds per question.

    Returns:
        The pace; None without a measured one and without `seconds`.

    Raises:
        StudioError: `seconds` is not a finite number above 0.
    """
    if seconds is not None:
        if not (math.isfinite(seconds) and seconds > 0):
            raise StudioError(
                Sentence(
                    "The pace {seconds} cannot be used: give seconds a question above 0, such as 0.02.",
                    seconds=str(seconds),
                )
            )
        return Pace(seconds={p.model: seconds for p in fleet}, source=Sentence("the pace that was given"))
    if pace is None:
        return None
    sized = [(n, m) for m in pace.seconds if (n := parameters.get(m))]
    paces: dict[str, float] = {}
    scaled = []
    for part in fleet:
        if part.model in pace.seconds:
            paces[part.model] = pace.seconds[part.model]
        elif sized and part.parameters:
            largest, model = max(sized)
            paces[part.model] = pace.seconds[model] * max(part.parameters / largest, 1.0)
            scaled.append(model)
        else:
            paces[part.model] = sum(pace.seconds.values()) / len(pace.seconds)
    if not scaled:
        return Pace(seconds=paces, source=pace.source)
    source = Sentence(
        "{source}, scaled by parameters from {model}: an estimate", source=pace.source, model=scaled[0]
    )
    return Pace(seconds=paces, source=source, estimated=True)


def fleet_seconds(questions: int, fleet: Sequence[FleetPart], pace: Pace | None) -> float | None:
    """Time of a fleet in seconds: questions x sum over models of checkpoints x seconds per question.

    None without a pace.
    """
    if pace is None:
        return None
    return questions * sum(part.checkpoints * pace.seconds[part.model] for part in fleet)
