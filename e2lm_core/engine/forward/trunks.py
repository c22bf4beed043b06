"""States of shared prefixes, computed lazily and once.

Tested in tests/engine/test_scorer.py and tests/engine/forward/test_stack.py.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import torch

from e2lm_core.base.memory.memo import Memo
from e2lm_core.engine.batches.plan import Plan
from e2lm_core.engine.forward import forward


@dataclass
class Trunks:
    """States of a plan's trunks, each computed by one thread; only those above the last are kept.

    Attributes:
        body: The model.
        plan: The plan.
        device: Device to compute on.
        known: Cache that outlives the plan, by the body's key and all tokens up to a trunk's end; None for
            none.
        key: Key of the body in the cache.
        computed: Number of trunk tokens computed so far.
        states: States by trunk.
        lock: Held while states are computed.
    """

    body: forward.Trunked
    plan: Plan
    device: torch.device
    known: Memo[tuple[object, bytes], Any] | None = None
    key: object = None
    computed: int = 0  # tokens
    states: dict[int, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, index: int | None) -> Any:
        """States of a trunk by its index in the plan, computed if needed; None for no trunk."""
        if index is None:
            return None
        with self.lock:
            return self._get(index)

    def _get(self, index: int) -> Any:
        if index not in self.states:
            states = self._computed(index) if self.known is None else self._kept(self.known, index)
            above = self._above(index)
            self.states = {i: s for i, s in self.states.items() if i in above}
            self.states[index] = states
        return self.states[index]

    def _computed(self, index: int) -> Any:
        trunk = self.plan.trunks[index]
        parent = None if trunk.parent is None else self._get(trunk.parent)
        self.computed += len(trunk.tokens)
        return forward.trunk_states(self.body, trunk, parent, self.device)

    def _kept(self, known: Memo[tuple[object, bytes], Any], index: int) -> Any:
        line = sorted([*self._above(index), index])  # a parent comes before its children
        key = self.key, b"".join(self.plan.trunks[i].tokens.tobytes() for i in line)
        states = known.get(key)
        if states is None:
            states = self._computed(index)
            known.put(key, states)
        return states

    def _above(self, index: int) -> set[int]:
        above: set[int] = set()
        parent = self.plan.trunks[index].parent
        while parent is not None:
            above.add(parent)
            parent = self.plan.trunks[parent].parent
        return above
