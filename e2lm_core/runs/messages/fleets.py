"""Sentences on fleets; in the interface a fleet is a model group.

Tested in tests/runs/test_fleets.py.
"""

from __future__ import annotations

from e2lm_core.base import formatting
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.runs.fleets import HERE, LADDER, OpenFleet

_NAMES = {
    "": "models of the last run",
    LADDER: "built-in models",
    HERE: "all models on this computer",
    smollm2.NAME: f"{smollm2.NAME}, a finished model",
}
SHOWN = 3  # names of missing models in a sentence


def fleet_label(name: str) -> str:
    """Name of a fleet in the interface."""
    return _NAMES.get(name, name)


def fleet_size(fleet: OpenFleet) -> str:
    """Size of a fleet: 20 models, 144 checkpoints."""
    models = formatting.count(len(fleet.models), "model")
    return f"{models}, {formatting.count(len(fleet.checkpoints), 'checkpoint')}"


def fleet_sentence(fleet: OpenFleet) -> str:
    """Sentence that names a fleet with its size: `Model group: built-in models (20 models, 144 checkpoints).`"""
    return f"Model group: {fleet_label(fleet.name)} ({fleet_size(fleet)})."


def missing_sentence(fleet: OpenFleet) -> str | None:
    """Sentence that names the models of a fleet with checkpoints not on this machine; None without one."""
    if not fleet.missing:
        return None
    by_model: dict[str, int] = {}
    for name in fleet.missing:
        model = name.split("/")[0]
        by_model[model] = by_model.get(model, 0) + 1
    names = [f"{model} ({formatting.count(n, 'checkpoint')})" for model, n in by_model.items()]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    listed = ", ".join(names[:SHOWN]) + more if more else formatting.join_words(names)
    effect = (
        f"the numbers are of {fleet_label(fleet.name)} instead"
        if fleet.instead
        else "the numbers are of the others"
    )
    return (
        f"Not on this computer any more: {listed}, so {effect}. Add the folder or the model again, or choose another "
        "model group on Models and runs."
    )
