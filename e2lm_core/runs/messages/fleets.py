"""Sentences on fleets; in the interface a fleet is a model group.

Tested in tests/runs/test_fleets.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

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
    """Sentences that name the models of a fleet with checkpoints that are gone or cannot be used; None without one."""
    absent = [name for name in fleet.missing if name not in fleet.unusable]
    said = [_absent_sentence(fleet, _models(absent))] if absent else []
    if fleet.unusable:
        said.append(_unusable_sentence(fleet, _models(fleet.unusable)))
    return joined(said) if said else None


def _models(names: Iterable[str]) -> str:
    """Models of checkpoints in words, each with the number of them."""
    by_model = Counter(name.split("/")[0] for name in names)
    return formatting.join_words(
        [
            joined((model, Sentence("({count})", count=formatting.count(n, "checkpoint"))))
            for model, n in by_model.items()
        ],
        SHOWN,
    )


def _absent_sentence(fleet: OpenFleet, models: str) -> str:
    if fleet.instead:
        return Sentence(
            "Not on this computer any more: {models}, so the numbers are of {group} instead. Add the folder or the model "
            "again, or choose another model group on Models and runs.",
            models=models,
            group=fleet_label(fleet.name),
        )
    if not fleet.checkpoints:
        return Sentence(
            "Not on this computer any more: {models}, so this model group has no numbers. Add the folder or the model "
            "again, or choose another model group on Models and runs.",
            models=models,
        )
    return Sentence(
        "Not on this computer any more: {models}, so the numbers are of the others. Add the folder or the model again, or "
        "choose another model group on Models and runs.",
        models=models,
    )


def _unusable_sentence(fleet: OpenFleet, models: str) -> str:
    if fleet.instead:
        return Sentence(
            "{models} cannot be used, so the numbers are of {group} instead: see why on Models and runs.",
            models=models,
            group=fleet_label(fleet.name),
        )
    if not fleet.checkpoints:
        return Sentence(
            "{models} cannot be used, so this model group has no numbers: see why on Models and runs.",
            models=models,
        )
    return Sentence(
        "{models} cannot be used, so the numbers are of the others: see why on Models and runs.",
        models=models,
    )
