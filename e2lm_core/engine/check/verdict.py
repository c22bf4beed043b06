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

# The engine's forward, that of several at once, transformers' layers with the tree's attention, transformers' forward from the state
# after a context, or as it is.
Way = Literal["engine", "stacked", "library", "state", "plain"]


@dataclass(frozen=True)
class Verdict:
    """How a configuration is scored, in a sentence for the run's record, with its rotary frequencies.

    `reach`: tokens of the longest text that may be packed, None for any. `alone`: plainly, and one text a
    batch, since a text's numbers depend on what stands beside or behind it; `cached`: with the model's cache.
    `placed` and `singly` are how it goes on from a state (see `StateBody`). `stacks`: few tokens are computed for
    several checkpoints at once (see `StackedDecoder`).
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
        """Whether rows of a prefix tree are scored, by whichever forward."""
        return self.way in ("engine", "library")

    @contextmanager
    def body(self, model: LoadedModel, plan: Plan) -> Iterator[forward.Body | StateBody]:
        """The model as this way computes it, for batches of `plan` and as long as the context is open.

        Raises `NoRecipeError` where the engine has no forward for it, `UnsupportedError` where it keeps no state.
        """
        if self.way == "engine":
            yield Decoder(model, self.rotary, plan)
        elif self.way == "stacked":
            yield StackedDecoder([model], self.rotary)
        elif self.way == "state":
            with model.module() as module:
                yield StateBody(module, self.placed, self.singly)
        else:
            with model.module(attention.NAME) as module:
                yield forward.LibraryBody(module)
