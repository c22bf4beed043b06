"""Two halves of a set's models: one chooses an alternative, the other judges it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from e2lm_core.base.records import ModelInfo
from e2lm_core.base.sentences import Sentence

NOT_JUDGED = Sentence(
    "There is one kind of model, so none is left to judge the choice: run a second architecture or size."
)


class Halves(NamedTuple):
    """Names of the models that choose, and of those that judge."""

    choosing: tuple[str, ...]
    judging: tuple[str, ...]


def split_models(models: Sequence[ModelInfo]) -> Halves:
    """Split models into two halves that share no model, seed or web-only twin.

    Models of the first architecture choose and those of the others judge. Models of one architecture are split by
    size, every other one; of these, models without a size count by themselves. Web-only twins take no part.

    Args:
        models: The models.

    Returns:
        The halves; nobody judges if all models are of one kind.
    """
    own = [model for model in models if model.twin_of is None]
    by_name = {model.name: model for model in own}

    def base(model: ModelInfo) -> ModelInfo:
        return by_name.get(model.seed_of or "", model)

    shapes = list(dict.fromkeys(base(model).arch for model in own))
    if len(shapes) > 1:
        first = {model.name for model in own if base(model).arch == shapes[0]}
    else:
        kinds = list(dict.fromkeys(base(model).size or base(model).name for model in own))
        first = {model.name for model in own if (base(model).size or base(model).name) in kinds[::2]}
    names = [model.name for model in own]
    return Halves(tuple(n for n in names if n in first), tuple(n for n in names if n not in first))


def grown_models(final: dict[str, float]) -> tuple[str, ...]:
    """The better half of some models by their last value on the set, at least one.

    Args:
        final: Last value by model, higher is better.
    """
    order = sorted(final, key=lambda name: -final[name])
    return tuple(order[: max(1, (len(order) + 1) // 2)])
