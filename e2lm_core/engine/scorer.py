"""Scores requests under one loaded model: chunk by chunk, batches halved where memory runs out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import Cancelled, LimitError
from ..records import Loglikelihood
from . import forward
from .device import batch_tokens, is_out_of_memory
from .models import LoadedModel
from .plan import Chunk, Plan, Row, plan_plain
from .tokenise import Encoded

Scored = list[tuple[int, Loglikelihood]]
_PLAIN_LOGIT_BYTES = 256 * 2**20


class Scorer:
    """Computes on one device; remembers how large a batch its memory can take."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._most_tokens: dict[str, int] = {}  # by configuration, learnt from running out of memory
        self._lock = threading.Lock()

    def plan_key(self, model: LoadedModel) -> tuple[object, ...]:
        """Models with the same key can share a plan."""
        return (self._budget(model),)

    def plan(self, model: LoadedModel, encoded: Sequence[Encoded]) -> Plan:
        return plan_plain(encoded, self._budget(model))

    def notes(self) -> list[str]:
        """What a run's record should say, one sentence each."""
        return [
            f"Batches are cut to {tokens:,} tokens, since memory of {self.device} ran out."
            for tokens in self._most_tokens.values()
        ]

    def _budget(self, model: LoadedModel) -> int:
        vocabulary = model.plain.config.get_text_config().vocab_size
        return min(batch_tokens(self.device, model.parameters), _PLAIN_LOGIT_BYTES // (4 * vocabulary))

    def score(
        self,
        model: LoadedModel,
        plan: Plan,
        skip: Collection[int] = (),
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[Scored]:
        """Yields each chunk's results as it is done; chunks whose requests are all in `skip` are left out.

        Raises `Cancelled` before the next batch once `cancelled` says so, `LimitError` where not even one
        row fits into memory.
        """
        done = frozenset(skip)
        for chunk in plan.chunks:
            if done and done.issuperset(chunk.requests):
                continue
            if cancelled is not None and cancelled():
                raise Cancelled("The run was cancelled; what it had computed is kept.")
            yield collect(chunk.rows, self._run(model, chunk))

    def _run(self, model: LoadedModel, chunk: Chunk) -> NDArray[np.float32]:
        return self._halving(model, chunk.rows)

    def _halving(self, model: LoadedModel, rows: Sequence[Row]) -> NDArray[np.float32]:
        most = self._most_tokens.get(model.config_digest)
        tokens = len(rows) * max(map(len, rows))
        if most is None or tokens <= most or len(rows) == 1:
            try:
                return forward.plain(model.plain, rows, self.device)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(rows) == 1:
                    raise LimitError(
                        f"A prompt of {tokens} tokens does not fit into the memory of {self.device} under "
                        f"{model.directory.name}; use a smaller model, a smaller dtype or another device."
                    ) from error
                with self._lock:
                    self._most_tokens[model.config_digest] = tokens // 2
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
        half = (len(rows) + 1) // 2
        return np.concatenate([self._halving(model, rows[:half]), self._halving(model, rows[half:])])


def collect(rows: Sequence[Row], log_probabilities: NDArray[np.float32]) -> Scored:
    """Sum a chunk's log-probabilities by request: ll_nats = Σ log p(target), in float64."""
    requests = np.concatenate([row.requests for row in rows])
    distinct, slot = np.unique(requests, return_inverse=True)
    sums = np.bincount(slot, weights=log_probabilities.astype(np.float64))
    counts = np.bincount(slot)
    return [
        (int(index), Loglikelihood(float(total), int(count)))
        for index, total, count in zip(distinct, sums, counts, strict=True)
    ]
