"""Conditions of the wording control: what each keeps of the distance to chance, and when that is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.questions.suspects import conditions, messages
from e2lm_core.analysis.questions.suspects.wrong_question_control import (
    WrongQuestionControl,
    evaluate_control,
)
from e2lm_core.scores.measurements import Measurements
from tests.support.simulation import answered

KINDS = ("0", "1", "2", "shuffled", "word", "negated")


def controlled(own: Measurements, seed: int = 5, **knows: float) -> Measurements:
    """Results of a control under whose conditions the right answer wins in so large a share of the questions.

    Elsewhere, and in conditions that are not named, the answers have nothing to do with the key.
    """
    rng = np.random.default_rng(seed)
    number, width = own.chars.shape
    curves = []
    given = {name: rng.random(number) < share for name, share in knows.items()}
    for curve in own.curves:
        ll = rng.normal(size=(len(KINDS), number, width))
        for variant, kind in enumerate(KINDS):
            name = {"0": "nothing", "1": "other", "2": "other"}.get(kind, kind)
            for q in np.flatnonzero(given.get(name, np.zeros(number, bool))):
                ll[variant, q, own.gold[q]] += 20
        curves.append(replace(curve, checkpoints=curve.checkpoints[-1:], ll=ll.reshape(1, -1, width)))
    ids = tuple(f"{kind} {name}" for kind in KINDS for name in own.question_ids)
    return replace(
        own, question_ids=ids, chars=np.tile(own.chars, (len(KINDS), 1)), curves=tuple(curves), keys=()
    )


def evaluated(own: Measurements, **knows: float) -> WrongQuestionControl:
    found = evaluate_control(own, controlled(own, **knows))
    assert found is not None
    return found


def test_a_share_kept_is_that_of_the_distance_to_chance() -> None:
    own = answered(200, taught=1.0)
    found = evaluated(own, word=0.5, shuffled=1.0)
    word, shuffled = found.condition("word"), found.condition("shuffled")
    assert word is not None
    assert shuffled is not None
    by_hand = (word.accuracy - 0.25) / (word.written - 0.25)
    assert word.kept == pytest.approx(by_hand)
    assert word.accuracy == pytest.approx(0.5 + 0.5 * 0.25, abs=0.06)
    low, high = word.kept_interval
    assert low < word.kept < high
    assert shuffled.keeps_nearly_all
    assert not word.keeps_nearly_all
    assert found.answered_from is None
    said = messages.wording_sentences(found)
    assert said[0].startswith("One word of each question alone answers")
    assert said[1].startswith("Word order is not read")
    assert len(said) == 2


@pytest.mark.parametrize(
    ("knows", "condition", "says"),
    [
        ({"word": 0.98}, "word", "from one word of each question"),
        ({"nothing": 0.98, "other": 0.98, "word": 0.98}, "nothing", "without any question"),
        ({"other": 0.98, "word": 0.98}, "other", "under another question's text"),
    ],
)
def test_a_set_answered_without_being_understood_is_called_so(
    knows: dict[str, float], condition: str, says: str
) -> None:
    found = evaluated(answered(120, taught=1.0), **knows)
    assert found.answered_from is not None
    assert found.answered_from.condition == condition
    said = messages.cue_sentence(found)
    assert said is not None
    assert says in said
    assert "does not measure whether the question is understood" in said
    assert messages.control_document(found)["cue_words"] == said.replace("**", "")


def test_nothing_is_said_of_sets_that_are_not_above_chance() -> None:
    """Random keys, an untaught set: a share of no distance means nothing, and none of 60 gets a verdict."""
    rng = np.random.default_rng(1)
    own = answered(60)
    control = controlled(own, word=0.0)
    for _ in range(60):
        drawn = replace(own, gold=rng.integers(0, 4, 60))
        found = evaluate_control(drawn, control)
        assert found.answered_from is None
        assert not any(one.keeps_nearly_all for one in found.conditions)
    assert found.condition("word").why == "The set itself is not above chance."


def test_one_word_known_in_half_of_the_questions_is_never_a_verdict_and_in_nearly_all_always() -> None:
    own = answered(60, taught=1.0)
    half = [evaluate_control(own, controlled(own, seed=s, word=0.5)).answered_from for s in range(30)]
    most = [evaluate_control(own, controlled(own, seed=s, word=0.98)).answered_from for s in range(30)]
    assert half == [None] * 30
    assert all(most)


def test_few_questions_have_no_verdict() -> None:
    found = evaluated(answered(15, taught=1.0), word=1.0)
    assert found.answered_from is None
    assert found.condition("word").why == (
        "A wording is judged on at least 20 questions, and half of the set, whose prompt it changes."
    )


def test_a_prompt_that_a_condition_leaves_as_it_is_is_no_evidence_but_for_one_word() -> None:
    """Bare nouns: shuffled they are the same, so that says nothing of word order; one word is all of them."""
    own = answered(80, taught=1.0)
    own = replace(own, keys=tuple((f"q{q}".encode(),) for q in range(80)))
    control = controlled(own, shuffled=1.0, word=1.0)
    same = {"shuffled", "word"}
    keys = tuple(
        (f"q{q}".encode() if kind in same else f"{kind} q{q}".encode(),) for kind in KINDS for q in range(80)
    )
    found = evaluate_control(own, replace(control, keys=keys))
    assert found.condition("shuffled") is None
    assert found.answered_from.condition == "word"
    assert not any("order" in sentence for sentence in messages.wording_sentences(found))


def test_groups_are_drawn_whole_and_widen_the_interval() -> None:
    own = answered(120, taught=1.0)
    alone = evaluated(own, word=0.5).condition("word")
    grouped = replace(own, groups=tuple(f"g{q // 12}" for q in range(120)))
    control = controlled(own, word=0.0)
    for curve in control.curves:
        ll = curve.ll.reshape(len(KINDS), 120, -1)
        for q in range(60):  # whole groups
            ll[4, q, own.gold[q]] += 20
    together = evaluate_control(grouped, control).condition("word")
    width = [high - low for low, high in (alone.interval, together.interval)]
    assert width[1] > 1.5 * width[0]


def test_an_edited_question_is_left_out_and_the_others_stand() -> None:
    own = answered(40, taught=1.0)
    control = controlled(own, word=1.0)
    for curve in control.curves:
        curve.ll.reshape(len(KINDS), 40, -1)[:, 7] = np.nan
    found = evaluate_control(own, control)
    assert found.left_out == 1
    assert found.condition("word").questions == 39
    assert found.answered_from is not None
    shares = conditions.question_conditions(own, control)
    assert np.isnan(shares["word"][7])
    assert np.isfinite(shares["written"]).all()


def test_results_of_the_guessing_test_alone_are_read_as_before() -> None:
    own = answered(40, taught=1.0)
    control = controlled(own)
    for curve in control.curves:
        curve.ll.reshape(len(KINDS), 40, -1)[3:] = np.nan
    found = evaluate_control(own, control)
    assert found.left_out == 0
    assert [one.condition for one in found.conditions] == ["nothing", "other"]
    assert messages.wording_sentences(found) == []


def test_curves_have_a_row_for_each_checkpoint_that_was_run() -> None:
    own = answered(30, taught=1.0)
    control = controlled(own, word=1.0)
    every = tuple(
        replace(c, checkpoints=o.checkpoints, ll=np.repeat(c.ll, len(o.checkpoints), axis=0))
        for c, o in zip(control.curves, own.curves, strict=True)
    )
    every[0].ll[3] = np.nan
    rows = conditions.condition_curves(own, replace(control, curves=every))
    assert len(rows) == sum(len(curve.checkpoints) for curve in own.curves) - 1
    assert {row["word"] for row in rows} == {1.0}
    last = next(row for row in rows if row["model"] == "large-arch1" and row["step"] == 16)
    assert last["written"] == pytest.approx(own.values("large-arch1", "acc")[-1])
    frame = messages.condition_curve_frame(own, replace(control, curves=every))
    assert len(frame) == 15  # the step that one model lacks is left out
    assert (frame["rarest word alone"] == 1.0).all()
