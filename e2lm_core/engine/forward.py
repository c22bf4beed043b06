"""From rows of tokens to the log-probabilities of their targets.

    log p(target) = logit[target] − log Σ exp(logit)        in float32, natural log, scored positions only

`plain` goes through the model's own `forward` with its own attention: whatever the architecture does, it
does. It is the reference that the faster way in `tree` is checked against.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .plan import Row

_HEAD_ELEMENTS = 2**25  # logits at a time where the head is applied to chosen positions: 128 MB of float32


def plain(model: Any, rows: Sequence[Row], device: torch.device) -> NDArray[np.float32]:
    """Log-probabilities of all rows' targets, rows one after the other. Causal, padded on the right."""
    width = max(map(len, rows))
    ids = np.zeros((len(rows), width), dtype=np.int64)
    for line, row in enumerate(rows):
        ids[line, : len(row)] = row.tokens
    at = np.concatenate([row.at for row in rows])
    keep, column = np.unique(at, return_inverse=True)
    line_of = np.repeat(np.arange(len(rows)), [len(row.at) for row in rows])
    options: dict[str, Any] = {}
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        options["logits_to_keep"] = torch.from_numpy(keep.astype(np.int64)).to(device)
    else:
        column = at
    with torch.inference_mode():
        logits = model(input_ids=torch.from_numpy(ids).to(device), use_cache=False, **options).logits
        chosen = logits[
            torch.from_numpy(line_of).to(device), torch.from_numpy(column.astype(np.int64)).to(device)
        ]
        targets = torch.from_numpy(np.concatenate([row.targets for row in rows]).astype(np.int64)).to(device)
        return log_probabilities(chosen, targets).cpu().numpy()


def log_probabilities(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """logits [S, V], targets [S] → float32 [S]."""
    logits = logits.float()
    return logits.gather(1, targets[:, None])[:, 0] - logits.logsumexp(dim=1)
