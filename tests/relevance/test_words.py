"""The sentence about a set's relevance."""

from __future__ import annotations

import numpy as np

from e2lm_core.relevance import words
from e2lm_core.relevance.judge import Relevance


def judged(probability: list[float], fields: list[str]) -> Relevance:
    return Relevance(
        ids=tuple(f"q{n}" for n in range(len(fields))),
        probability=np.array(probability),
        fields=tuple(fields),
        map=np.zeros((len(fields), 2)),
        exemplar_map=np.zeros((0, 2)),
        exemplars=(),
    )


def test_relevance_counts_what_would_be_accepted() -> None:
    some = judged([0.9, 0.5, 0.1], ["physics", "physics", "none"])
    assert "**2 of 3**" in words.relevance(some)
    assert "physics" in words.relevance(some)
    assert "no questions" in words.relevance(judged([], []))
    assert "**0 of 1**" in words.relevance(judged([0.1], ["none"]))
