"""The null of every score: golds drawn as they may be, curves as the metrics give them, p by hand, calibration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.memory import mapped
from e2lm_core.base.records import METRICS, SHARES
from e2lm_core.scores import compliance, metrics, set_scores
from e2lm_core.scores.uncertainty import null
from tests.support.simulation import answered as noise

# --- golds --------------------------------------------------------------------------------------------


def test_gold_is_uniform_among_a_questions_own_choices():
    drawn = null.random_golds([0, 1, 0], [2, 4, 3], draws=6000)
    for question, count in enumerate((2, 4, 3)):
        shares = np.bincount(drawn[:, question], minlength=count) / 6000
        assert shares == pytest.approx(np.full(count, 1 / count), abs=0.03)


def test_letters_keep_how_often_each_is_right():
    gold, counts = [0, 0, 0, 1, 3, 2, 1], [4, 4, 4, 4, 4, 3, 3]
    drawn = null.random_golds(gold, counts, letters=True, draws=50)
    assert (np.sort(drawn[:, :5], axis=1) == sorted(gold[:5])).all()
    assert (np.sort(drawn[:, 5:], axis=1) == sorted(gold[5:])).all()
    assert (drawn[:, :5] != gold[:5]).any()


def test_rewordings_of_a_fact_stay_right_or_wrong_together():
    texts = [[7, 8, 9], [9, 7, 8], [1, 2, 3], [7, 8, 9]]
    drawn = null.random_golds([0, 1, 0, 0], [3] * 4, texts=texts, groups=("a", "a", "a", ""), draws=300)
    text = np.array(texts)[np.arange(4), drawn]
    assert (text[:, 0] == text[:, 1]).all()  # both ask for 7
    assert (text[:, 0] == text[:, 3]).all()  # the same choices, though of no group
    assert np.bincount(drawn[:, 0]) / 300 == pytest.approx(np.full(3, 1 / 3), abs=0.1)


def test_two_facts_on_the_same_choices_never_share_an_answer():
    drawn = null.random_golds([0, 1], [3, 3], texts=[[1, 2, 3], [1, 2, 3]], groups=("a", "a"), draws=200)
    assert (drawn[:, 0] != drawn[:, 1]).all()


def test_copies_that_nobody_declared_stay_right_or_wrong_together():
    texts = np.array([[7, 8, 9], [9, 7, 8], [1, 2, 3], [4, 5, 6], [7, 8, 5]])
    drawn = null.random_golds(
        [0, 1, 0, 0, 0], [3] * 5, texts=texts, draws=300, question_texts=[1, 2, 3, 3, 4]
    )
    text = texts[np.arange(5), drawn]
    assert (text[:, 0] == text[:, 1]).all()  # the same choices
    assert ((drawn[:, 2] == 0) == (drawn[:, 3] == 0)).all()  # the same question with other wrong choices
    for one, other in ((0, 2), (0, 4), (2, 4)):
        assert ((drawn[:, one] == 0) != (drawn[:, other] == 0)).any()
    assert np.bincount(drawn[:, 1]) / 300 == pytest.approx(np.full(3, 1 / 3), abs=0.1)


def test_a_scale_or_a_frame_of_a_whole_set_makes_no_copies():
    texts = np.tile([1, 2], (20, 1))
    drawn = null.random_golds([0] * 20, [2] * 20, texts=texts, draws=50, question_texts=range(20))
    assert len({tuple(row) for row in drawn}) > 40
    texts = np.arange(80).reshape(20, 4)
    drawn = null.random_golds([0] * 20, [4] * 20, texts=texts, draws=50, question_texts=[0] * 20)
    assert len({tuple(row) for row in drawn}) > 40
    texts = np.tile([1, 2], (20, 1))  # true and false, each question twice
    asked = np.repeat(np.arange(10), 2)
    drawn = null.random_golds([0] * 20, [2] * 20, texts=texts, draws=50, question_texts=asked)
    assert (drawn[:, ::2] == drawn[:, 1::2]).all()
    assert len({tuple(row) for row in drawn}) > 40


def copies(measured, times):
    """The same questions and results several times over, as a set of its own."""
    number = len(measured.gold)
    at = np.tile(np.arange(number), times)
    gold = np.random.default_rng(number).integers(0, 4, number)[at]
    return replace(
        measured,
        question_ids=tuple(f"q{n}" for n in range(len(at))),
        subjects=("",) * len(at),
        gold=gold,
        chars=measured.chars[at],
        gold_bytes=measured.gold_bytes[at],
        choice_bytes=measured.choice_bytes[at],
        choice_texts=np.arange(number * 4).reshape(number, 4)[at],
        question_texts=at,
        curves=tuple(replace(curve, ll=curve.ll[:, at]) for curve in measured.curves),
    )


@pytest.mark.slow
def test_of_copied_questions_without_meaning_few_stand_out():
    """80 questions that are 20 four times, or 10 eight times: p <= .05 as often as of 80 of their own."""
    for number in (20, 10):
        out = dict.fromkeys(("sq", "cs", "score"), 0)
        for seed in range(100):
            measured = copies(noise(questions=number, seed=seed), 80 // number)
            drawn = null.null_scores(measured, "norm_prob", draws=199, seed=seed).whole
            scores = set_scores.scores(measured, "norm_prob", "all_models")
            for name in out:
                found = null.null_distribution(getattr(scores, name).value, drawn[name])
                out[name] += found is not None and found.p <= null.LEVEL
        assert all(count <= 11 for count in out.values()), out  # what a true 5% stays below in 99%


def test_the_same_seed_draws_the_same():
    assert (null.random_golds([0] * 9, [4] * 9) == null.random_golds([0] * 9, [4] * 9)).all()
    assert (null.random_golds([0] * 9, [4] * 9) != null.random_golds([0] * 9, [4] * 9, seed=1)).any()


# --- scores under them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
def test_every_draw_is_the_score_of_the_set_with_that_gold(metric):
    measured = noise(questions=12, choices=3)
    drawn = null.random_golds(measured.gold, measured.choice_counts, draws=4)
    whole = null.null_scores(measured, metric, draws=4).whole
    for draw in range(4):
        there = replace(measured, gold=drawn[draw])
        scores = set_scores.scores(there, metric, "all_models")
        for name in ("sq", "rc", "cs", "score", "snr", "decision_accuracy"):
            value, why = getattr(scores, name).value, getattr(scores, name).why or ""
            if "does not rise" in why:
                continue  # a draw's CS counts all the same, else the null would be of the rising draws alone
            assert whole[name][draw] == pytest.approx(np.nan if value is None else value, nan_ok=True), name


def test_the_error_of_above_chance_is_the_draws_own():
    measured = noise(questions=12)
    drawn = null.random_golds(measured.gold, measured.choice_counts, draws=2)
    curve = measured.curve_of("large-arch1")
    values = null.values_of_every_choice(measured, curve.ll, "norm_prob")
    _, errors = null._curves([("m", values)], drawn, {"m"}, "norm_prob")
    there = metrics.per_question(curve.ll, drawn[1], measured.chars, measured.gold_bytes)["norm_prob"]
    assert errors["m"][1] == pytest.approx(compliance.sample_error(there, 12))


@pytest.mark.parametrize("questions_at_once", [1, 3, 10])
def test_blocks_change_nothing(monkeypatch, questions_at_once):
    measured = noise(questions=10)
    at_once = {metric: null.null_scores(measured, metric, draws=30).whole["sq"] for metric in METRICS}
    monkeypatch.setattr(null, "_BLOCK", 30 * 4 * questions_at_once)
    for metric, whole in at_once.items():
        got = null.null_scores(measured, metric, draws=30).whole["sq"]
        assert got == pytest.approx(whole, nan_ok=True)
        if metric in SHARES:
            np.testing.assert_array_equal(got, whole)


def test_a_checkpoint_that_is_not_complete_stays_so():
    measured = noise(questions=10)
    curve = measured.curves[0]
    holed = curve.ll.copy()
    holed[3, 2] = np.nan
    values = null.values_of_every_choice(measured, holed, "acc")
    curves, _ = null._curves(
        [("m", values)], null.random_golds(measured.gold, [4] * 10, draws=5), set(), "acc"
    )
    assert np.isnan(curves["m"][:, 3]).all()
    assert np.isfinite(np.delete(curves["m"], 3, axis=1)).all()


def test_bits_per_byte_need_the_lengthvalues_of_every_choice():
    assert null.null_scores(replace(noise(10), choice_bytes=None), "bpb") is None
    assert null.null_scores(replace(noise(10), choice_bytes=None), "acc", draws=3) is not None


# --- p ------------------------------------------------------------------------------------------------


def test_p_by_hand():
    found = null.null_distribution(0.5, [0.1, 0.5, 0.2, 0.9])
    assert found.p == pytest.approx((1 + 2) / 5)
    assert found.mean == pytest.approx(0.425)
    assert null.null_distribution(2.0, [0.1] * 999).p == pytest.approx(1 / 1000)


def test_what_is_undefined_has_none():
    assert null.null_distribution(None, [0.1, 0.2]) is None
    assert null.null_distribution(0.5, [np.nan, np.nan, 0.2]) is None
    assert null.null_distribution(0.5, [np.nan, 0.3, 0.2]).p == pytest.approx(1 / 3)


def test_a_taught_set_stands_above_its_null():
    measured = noise(questions=80, taught=0.4)
    scores = set_scores.scores(measured, "acc", "all_models")
    scores = null.attach_null(scores, null.null_scores(measured, "acc"))
    for name in ("sq", "cs", "score"):
        assert getattr(scores, name).null.p < 0.01, name
    assert scores.sq.null.mean < scores.sq.value


@pytest.mark.slow
def test_of_sets_that_mean_nothing_few_stand_out():
    """At p <= .05 at most 7% and a binomial's margin of them, whatever the score."""
    sets = 200
    names = ("sq", "rc", "cs", "score", "decision_accuracy")
    out = dict.fromkeys(names, 0)
    for seed in range(sets):
        measured = noise(questions=30, seed=seed)
        drawn = null.null_scores(measured, "acc", draws=199, seed=seed).whole
        scores = set_scores.scores(measured, "acc", "all_models")
        for name in names:
            found = null.null_distribution(getattr(scores, name).value, drawn[name])
            out[name] += found is not None and found.p <= null.LEVEL
    most = sets * 0.07 + 2 * np.sqrt(sets * 0.07 * 0.93)
    assert all(count <= most for count in out.values()), out


def test_draws_of_many_questions_are_small_and_those_of_one_stream() -> None:
    counts = np.full(null._BLOCK // 2, 4)  # in blocks of two draws
    drawn = null.random_golds(np.zeros(len(counts), int), counts, draws=5, seed=3)
    assert drawn.dtype == np.uint8
    stream = np.random.default_rng(3)
    for row in drawn:
        np.testing.assert_array_equal(row, (stream.random(len(counts)) * 4).astype(int))
    assert null.random_golds([0], [300], draws=2).dtype == np.uint16


def test_of_a_large_set_it_is_made_in_a_file_and_the_same(tmp_path: Path) -> None:
    small = noise(questions=12)
    path = tmp_path / f"one{mapped.SUFFIX}"
    whole = mapped.written(path, [curve.ll for curve in small.curves], "<f8")
    assert whole is not None
    lls = np.split(whole, len(small.curves))
    curves = tuple(replace(curve, ll=ll) for curve, ll in zip(small.curves, lls, strict=True))
    large = replace(small, curves=curves)
    for metric in METRICS:
        one, other = null.null_scores(small, metric), null.null_scores(large, metric)
        assert (one is None) is (other is None)
        if one is not None and other is not None:
            for name, drawn in one.whole.items():
                np.testing.assert_array_equal(drawn, other.whole[name])
    assert not list(tmp_path.glob("*null*"))


def test_copies_of_a_question_count_once():
    measured = noise(questions=20)
    assert null.distinct_questions(measured) == 20  # of which no texts are known
    own = replace(
        measured,
        choice_texts=np.arange(80).reshape(20, 4),
        question_texts=np.arange(20),
    )
    assert null.distinct_questions(own) == 20
    assert null.distinct_questions(copies(own, 2)) == 20
