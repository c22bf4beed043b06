"""Groups of questions with nearly the same meaning, by cosine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Question
from e2lm_core.relevance.embedders.packaged import MINILM
from e2lm_core.relevance.embeddings import Embedder

MODEL = MINILM  # made to find paraphrases, and what `NEAR` is of
NEAR = 0.75  # cosine; two questions of one subject in other words lie below


def group_by_meaning(
    questions: Sequence[Question], embedder: Embedder, min_cosine: float = NEAR
) -> tuple[str | None, ...]:
    """The first question of each group, a label a question; None where it has no neighbour."""
    leaders = group_vectors(
        embedder.embed([f"{q.question} {q.choices[q.answer]}" for q in questions]), min_cosine
    )
    alone = {leader for leader in leaders if leaders.count(leader) == 1}
    return tuple(None if at in alone else f"like {quote(questions[at].id)}" for at in leaders)


def group_vectors(vectors: NDArray[np.float32], min_cosine: float) -> list[int]:
    """For each row (of length 1): the first row, in order, whose cosine with it is at least `near` and that leads a
    group; itself where there is none."""
    leaders: list[int] = []
    of: list[int] = []
    for at, vector in enumerate(vectors):
        close = np.flatnonzero(vectors[leaders] @ vector >= min_cosine) if leaders else np.empty(0, int)
        if close.size:
            of.append(leaders[int(close[0])])
        else:
            leaders.append(at)
            of.append(at)
    return of
