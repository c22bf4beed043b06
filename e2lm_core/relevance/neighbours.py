"""Groups of questions with nearly the same meaning, by cosine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Question
from e2lm_core.relevance.embedders.packaged import MINILM
from e2lm_core.relevance.embeddings import Embedder

MODEL = MINILM  # trained to find paraphrases; `NEAR` is a cosine of this model
NEAR = 0.75  # cosine; two questions of one subject in other words lie below


def group_by_meaning(questions: Sequence[Question], embedder: Embedder) -> tuple[str | None, ...]:
    """Group label of each question, named after its group's first question; None for a question by itself.

    Args:
        questions: Questions of the set.
        embedder: The embedding model `MODEL`, in which two questions of one group have a cosine of `NEAR`.

    Raises:
        EmbeddingError: The embedding model or its cache is not usable.
    """
    vectors = embedder.embed([f"{q.question} {q.choices[q.answer]}" for q in questions])
    leaders = group_vectors(vectors, NEAR)
    alone = {leader for leader in leaders if leaders.count(leader) == 1}
    return tuple(None if at in alone else f"like {quote(questions[at].id)}" for at in leaders)


def group_vectors(vectors: NDArray[np.float32], min_cosine: float) -> list[int]:
    """Index of the first row of each row's group, by cosine.

    A row joins the first group, in order, whose leading row has a cosine with it of at least `min_cosine`; a
    row without such a group leads a new one.

    Args:
        vectors: Unit vectors float32 [Q, D].
        min_cosine: Cosine from which a row joins a group.

    Returns:
        Index of the leading row for each row, its own where it leads.
    """
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
