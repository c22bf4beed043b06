"""An edit's gain beside that of its new word alone: what is called cue words, what beyond one word, and what neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.questions.cue_words import EditControl, control_sentences, edit_control
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.measurements import Measurements
from tests.support.simulation import answered


def with_gold(own: Measurements, lead: float, spread: float = 0.0, seed: int = 0) -> Measurements:
    """The first question's right answer ahead of the others by so many nats at every model's last checkpoint."""
    rng = np.random.default_rng(seed)
    curves = []
    for curve in own.curves:
        ll = curve.ll.copy()
        ll[-1, 0] = 0.0
        ll[-1, 0, own.gold[0]] = lead + spread * rng.normal()
        curves.append(replace(curve, ll=ll))
    return replace(own, curves=tuple(curves))


@pytest.fixture
def own() -> Measurements:
    return answered(5)


def told(own: Measurements, before: float, after: float, word: float, **spread: float) -> EditControl:
    sides = [
        with_gold(own, lead, seed=seed, **spread) for seed, lead in enumerate((before, after, word), start=1)
    ]
    found = edit_control(*sides, "q0", "koala")
    assert found is not None
    return found


def test_a_word_that_gives_as_much_as_the_edit_is_a_cue(own: Measurements) -> None:
    found = told(own, 0.0, 3.0, 3.0, spread=0.3)
    assert found.verdict == "cue words"
    assert "the new word koala alone" in found.sentence
    by_hand = np.exp(3) / (np.exp(3) + 3) - 0.25
    assert found.gain.value == pytest.approx(by_hand, abs=0.05)
    assert found.difference.value == pytest.approx(found.gain.value - found.control.value)


def test_a_word_that_gives_less_is_none(own: Measurements) -> None:
    found = told(own, 0.0, 3.0, 0.0, spread=0.3)
    assert found.verdict == "beyond one word"
    assert "not one new word's" in found.sentence
    assert (
        f"probability by **{found.difference.value:.2f}** more than the new word koala alone"
        in found.sentence
    )


def test_an_edit_that_raises_nothing_or_that_models_disagree_on_is_not_judged(own: Measurements) -> None:
    assert told(own, 2.0, 2.0, 3.0).verdict is None
    assert told(own, 3.0, 0.0, 3.0).verdict is None
    assert told(own, 0.0, 0.3, 0.3, spread=4.0).verdict is None


def test_of_edits_that_change_nothing_few_are_judged(own: Measurements) -> None:
    """Two wordings of one question and a word of it, each moved by chance alone: at most a few in a hundred."""
    judged = []
    for seed in range(200):
        sides = [with_gold(own, 1.0, 0.8, 3 * seed + k) for k in range(3)]
        judged.append(edit_control(*sides, "q0", "koala").verdict)
    assert sum(verdict is not None for verdict in judged) <= 16


def test_an_edit_that_added_no_word_has_a_control_of_nothing(own: Measurements) -> None:
    found = edit_control(with_gold(own, 0.0), with_gold(own, 3.0, 0.1), None, "q0", "")
    assert (found.control.value, found.control.low, found.control.high) == (0.0, 0.0, 0.0)
    assert found.verdict == "beyond one word"
    assert found.sentence is None  # no word to compare the edit with
    assert control_sentences([found]) == []


def test_nothing_is_said_without_the_word_s_results_or_with_two_models(own: Measurements) -> None:
    before, after = with_gold(own, 0.0), with_gold(own, 3.0)
    missing = replace(after, curves=tuple(replace(c, ll=np.full_like(c.ll, np.nan)) for c in after.curves))
    assert edit_control(before, after, missing, "q0", "koala") is None
    assert (
        edit_control(
            before, after, replace(after, question_ids=("x", *after.question_ids[1:])), "q0", "koala"
        )
        is None
    )
    two = [replace(one, curves=one.curves[:2]) for one in (before, after)]
    assert edit_control(*two, two[1], "q0", "koala") is None


def test_the_web_only_twin_is_no_witness(own: Measurements) -> None:
    before, after = with_gold(own, 0.0), with_gold(own, 3.0, 0.1)
    twin = after.curves[-1]
    assert twin.model.twin_of is not None
    fallen = replace(twin, ll=before.curves[-1].ll - 50.0)
    found = edit_control(before, replace(after, curves=(*after.curves[:-1], fallen)), after, "q0", "koala")
    assert found == edit_control(before, after, after, "q0", "koala")


def test_of_several_edits_the_cue_words_alone_are_named(own: Measurements) -> None:
    cue, beyond = told(own, 0.0, 3.0, 3.0, spread=0.2), told(own, 0.0, 3.0, 0.0, spread=0.2)
    assert control_sentences([beyond]) == [beyond.sentence]
    assert all(isinstance(said, Sentence) for said in control_sentences([beyond]))
    assert all(isinstance(said, Sentence) for said in control_sentences([cue, beyond]))
    assert control_sentences([cue, beyond]) == [f"q0: {cue.sentence}"]
