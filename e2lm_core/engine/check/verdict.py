"""Verdict of the self-check: the scoring method of a configuration and its limits.

Tested in tests/engine/check/test_selfcheck.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from e2lm_core.engine.batches.plan import Plan
from e2lm_core.engine.forward import attention, forward
from e2lm_core.engine.forward.decoder import Decoder, Rotary
from e2lm_core.engine.forward.stack import StackedDecoder
from e2lm_core.engine.forward.states import StateBody
from e2lm_core.engine.models import LoadedModel

# The engine's forward, that of several checkpoints at once, transformers' layers with the tree's attention,
# transformers' forward from the state after a context, and transformers' forward as it is.
Way = Literal["engine", "stacked", "library", "state", "plain"]


@dataclass(frozen=True)
class Verdict:
    """The way to score a configuration.

    Attributes:
        way: Forward pass that is used.
        sentence: Description for the run's record.
        rotary: Rotary frequencies of the engine's forward; None without one set for all layers.
        reach: Tokens of the longest text that may be packed; None for any.
        alone: Whether plain batches have one text each, because a text's results depend on the texts beside
            it or on padding.
        cached: Whether plain batches use the model's cache.
        placed: Whether a model that continues from a state is told positions, see `StateBody`.
        singly: Whether it takes one token at a time, see `StateBody`.
        stacks: Whether few tokens are computed for several checkpoints at once, see `StackedDecoder`.
    """

    way: Way
    sentence: str
    rotary: Rotary | None = None
    reach: int | None = None
    alone: bool = False
    cached: bool = False
    placed: bool = True
    singly: bool = False
    stacks: bool = False

    @property
    def packed(self) -> bool:
        """Whether rows of a prefix tree are scored, by the engine's forward or transformers'."""
        return self.way in ("engine", "library")

    @contextmanager
    def body(self, model: LoadedModel, plan: Plan) -> Iterator[forward.Body | StateBody]:
        """The model in the form that this way computes, for as long as the context is open.

        It is for batches of `plan`.

        Raises:
            NoRecipeError: The engine has no forward for the model.
            UnsupportedError: The model keeps no state.
        """
        if self.way == "engine":
            yield Decoder.for_plan(model, self.rotary, plan)
        elif self.way == "stacked":
            yield StackedDecoder([model], self.rotary)
        elif self.way == "state":
            with model.module() as module:
                yield StateBody(module, self.placed, self.singly)
        else:
            with model.module(attention.NAME) as module:
                yield forward.LibraryBody(module)
