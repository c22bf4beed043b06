"""Checkpoint order of a run (coarse to fine) and thinned selections."""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.sentences import Sentence

COARSE = 3  # checkpoints that give a model's curve its shape: the last, the first and the middle


def coarse_to_fine(count: int) -> list[int]:
    """Indices 0 … count − 1: last, first, middle, then the middle of every gap, widest gaps first."""
    if count <= 2:
        return list(range(count))[::-1]
    order, gaps = [count - 1, 0], [(0, count - 1)]
    while gaps:
        halves = []
        for low, high in gaps:
            if high - low > 1:
                middle = (low + high) // 2
                order.append(middle)
                halves += [(low, middle), (middle, high)]
        gaps = sorted(halves, key=lambda gap: gap[0] - gap[1])
    return order


def plan_order(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Checkpoints in the order of a run: every model's last, every model's first, then middles of gaps.

    Within a model the order is `coarse_to_fine`. Checkpoints of replicates (other seeds) come after all
    others, since no curve waits for them.
    """
    curves: dict[str, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        curves.setdefault(checkpoint.model.name, []).append(checkpoint)
    ordered = [
        (curve[index].model.seed_of is not None, rank, position, curve[index])
        for position, curve in enumerate(sorted(c, key=lambda c: c.step) for c in curves.values())
        for rank, index in enumerate(coarse_to_fine(len(curve)))
    ]
    return [checkpoint for *_, checkpoint in sorted(ordered, key=lambda item: item[:3])]


def last_of_each(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Each model's last checkpoint, in the models' order."""
    by_model: dict[str, Checkpoint] = {}
    for checkpoint in checkpoints:
        before = by_model.get(checkpoint.model.name)
        by_model[checkpoint.model.name] = (
            checkpoint if before is None or checkpoint.step > before.step else before
        )
    return list(by_model.values())


DENSITIES = (Sentence("all"), Sentence("half"), Sentence("ends and middle"), Sentence("early window"))


def thin_out(checkpoints: Sequence[Checkpoint], density: str) -> list[Checkpoint]:
    """Fewer checkpoints of each model, by a named density.

    Args:
        checkpoints: Checkpoints of any number of models.
        density: One of `DENSITIES`: "all"; "half", every second one counted back from the last; "ends and
            middle", three of each model; "early window", all that are not known to lie after it.

    Returns:
        The chosen checkpoints; in step order within a model for "half" and "ends and middle".

    Raises:
        CheckpointError: `density` is not in `DENSITIES`.
    """
    if density not in DENSITIES:
        raise CheckpointError(
            Sentence(
                "The choice {density} does not exist: use one of {densities}.",
                density=repr(density),
                densities=", ".join(DENSITIES),
            )
        )
    if density == "early window":
        return [c for c in checkpoints if c.early is not False]
    kept = []
    for name in dict.fromkeys(c.model.name for c in checkpoints):
        curve = sorted((c for c in checkpoints if c.model.name == name), key=lambda c: c.step)
        if density == "half":
            curve = curve[::-1][::2][::-1]
        elif density == "ends and middle":
            curve = [curve[i] for i in sorted(coarse_to_fine(len(curve))[:COARSE])]
        kept += curve
    return kept
