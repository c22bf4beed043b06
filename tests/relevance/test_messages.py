"""The sentences about a set's relevance: how much is accepted, how true that is, how far two embedders agree."""

from __future__ import annotations

import numpy as np

from e2lm_core.relevance import messages
from e2lm_core.relevance.embeddings import WORDS
from tests.relevance.made import judged


def test_relevance_counts_what_would_be_accepted() -> None:
    some = judged([0.9, 0.5, 0.1], ["physics", "physics", "none"])
    assert "(2 of 3)" in messages.headline(some)
    assert "no questions" in messages.headline(judged([], []))
    assert "(0 of 1)" in messages.headline(judged([0.1], ["none"]))


def test_wrong_answers_that_turn_a_verdict_are_counted() -> None:
    two = judged([0.9, 0.1], ["physics", "none"], whole_probability=np.array([0.2, 0.3]))
    assert messages.headline(two).endswith("Wrong answers would turn **1 verdict**: read it first.")
    assert "Wrong answers" not in messages.headline(judged([0.9], ["physics"]))
    assert messages.turned_note(two) == ("Wrong answers do not count; with them 0% would be accepted.")


def test_how_true_the_probabilities_are() -> None:
    said = messages.reliability_sentence(judged([0.9], ["physics"]))
    assert "AUROC **1.000**, balanced accuracy 1.000, calibration error 0.250" in said


def test_two_embedders_agree_on_a_share() -> None:
    one = judged([0.9, 0.8, 0.1, 0.2], ["physics", "physics", "none", "none"])
    other = judged([0.9, 0.1, 0.1, 0.2], ["physics", "none", "none", "none"], embedder=WORDS)
    assert messages.agreement_sentence(one, other) == (
        "all-MiniLM-L6-v2 + universal-sentence-encoder accepts **50%** of the questions and words **25%**; they agree on 75%."
    )
    assert "no questions" in messages.agreement_sentence(judged([], []), judged([], []))


def test_how_far_the_embedding_is() -> None:
    assert messages.progress_sentence(32, 1_200).startswith("Embedding texts: 32 of 1,200 texts.")
    assert "being judged" in messages.progress_sentence(1_200, 1_200)
