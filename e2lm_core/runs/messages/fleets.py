"""Sentences on fleets; in the interface a fleet is a model group.

Tested in tests/runs/test_fleets.py.
"""

from __future__ import annotations

from e2lm_core.base import formatting
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.runs.fleets import HERE, LADDER, OpenFleet

_NAMES = {
    "": Sentence("models of the last run"),
    LADDER: Sentence("built-in models"),
    HERE: Sentence("all models on this computer"),
    smollm2.NAME: Sentence("{name}, a finished model", name=smollm2.NAME),
}
SHOWN = 3  # names of missing models in a sentence


def fleet_label(name: str) -> str:
    """Name of a fleet in the interface."""
    return _NAMES.get(name, name)


def fleet_size(fleet: OpenFleet) -> str:
    """Size of a fleet: 20 models, 144 checkpoints."""
    return joined(
        (
            formatting.count(len(fleet.models), "model"),
            formatting.count(len(fleet.checkpoints), "checkpoint"),
        ),
        ", ",
    )


def fleet_sentence(fleet: OpenFleet) -> str:
    """Sentence that names a fleet with its size: `Model group: built-in models (20 models, 144 checkpoints).`"""
    return Sentence("Model group: {group} ({size}).", group=fleet_label(fleet.name), size=fleet_size(fleet))


def missing_sentence(fleet: OpenFleet) -> str | None:
    """Sentence that names the models of a fleet with checkpoints not on this machine; None without one."""
    if not fleet.missing:
        return None
    by_model: dict[str, int] = {}
    for name in fleet.missing:
        model = name.split("/")[0]
        by_model[model] = by_model.get(model, 0) + 1
    names = [
        joined((model, Sentence("({count})", count=formatting.count(n, "checkpoint"))))
        for model, n in by_model.items()
    ]
    listed = formatting.join_words(names, SHOWN)
    if fleet.instead:
        return Sentence(
            "Not on this computer any more: {models}, so the numbers are of {group} instead. Add the folder or the model "
            "again, or choose another model group on Models and runs.",
            models=listed,
            group=fleet_label(fleet.name),
        )
    return Sentence(
        "Not on this computer any more: {models}, so the numbers are of the others. Add the folder or the model again, or "
        "choose another model group on Models and runs.",
        models=listed,
    )
