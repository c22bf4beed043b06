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


def group_by_meaning(
    questions: Sequence[Question], embedder: Embedder, min_cosine: float = NEAR
) -> tuple[str | None, ...]:
    """Group label of each question, named after its group's first question; None for a question by itself.

    Args:
        questions: Questions of the set.
        embedder: Embedding model, `MODEL` for the default threshold.
        min_cosine: Cosine from which two questions are in one group.

    Raises:
        EmbeddingError: The embedding model or its cache is not usable.
    """
    leaders = group_vectors(
        embedder.embed([f"{q.question} {q.choices[q.answer]}" for q in questions]), min_cosine
    )
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
