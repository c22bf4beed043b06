"""What was read of results from elsewhere, before anything is joined: one model's checkpoint on one task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base.records import ModelInfo, Record

# Metrics of other tools that are the studio's own under another name (docs/results.md has what differs in others).
SAME_METRIC = {"acc_raw": "acc", "norm_correct_prob": "norm_prob"}
_LOWER = ("bpb", "bits_per_byte", "perplexity", "loss", "brier", "ppl", "wer", "ter")


def lower_is_better(metric: str) -> bool:
    """What a metric's name says, for files that do not say it themselves."""
    return any(part in metric.lower() for part in _LOWER)


@dataclass(frozen=True, eq=False)
class Questions:
    """A task's questions as the harness saw them; the same for every checkpoint that ran them.

    `gold` [Q], `chars` [Q, C] without the delimiter, NaN where there is no such choice, `gold_bytes` [Q].
    """

    ids: tuple[str, ...]
    subjects: tuple[str, ...]
    gold: NDArray[np.intp]
    chars: NDArray[np.float64]
    gold_bytes: NDArray[np.float64]

    def same_as(self, other: Questions) -> bool:
        return (
            self.ids == other.ids
            and np.array_equal(self.gold, other.gold)
            and np.array_equal(self.chars, other.chars, equal_nan=True)
        )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One checkpoint's scores on one task, from one file.

    `when` is the run's date in seconds since 1970 (0 unknown), `n` the number of questions, `lower` the metrics
    of which less is better. `questions` and `ll` [Q, C] (nats) are there where samples were logged.
    """

    model: ModelInfo
    step: int
    tokens_seen: int | None
    early: bool | None
    checkpoint: str
    task: str
    scores: Mapping[str, float]
    source: str
    num_fewshot: int | None = None
    n: int | None = None
    when: float = 0.0
    lower: frozenset[str] = field(default_factory=frozenset)
    questions: Questions | None = None
    ll: NDArray[np.float64] | None = None


class FileSeen(Record):
    """A file that was read: what it is and how many (checkpoint, task) results it gave, or why it was not."""

    file: str
    kind: str | None = None
    results: int = 0
    why: str | None = None
