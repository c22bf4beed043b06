"""Folds, gains and their resamples: a choice judged on models not used for it."""

from __future__ import annotations

import numpy as np
import pytest

from e2lm_core.analysis.questions import heldout
from e2lm_core.analysis.questions import rules as question_rules
from e2lm_core.analysis.questions.heldout import Fold
from e2lm_core.base.records import ModelInfo
from e2lm_core.scores import signal
from tests.support.measured import sample


def model(name: str, size: str | None = None, arch: str | None = None) -> ModelInfo:
    return ModelInfo(name=name, family="f", size=size, arch=arch)


GRID = [model(f"{s}-{a}", s, a) for s in ("small", "large") for a in ("arch1", "arch2")]


def test_every_size_and_every_shape_is_left_out_once() -> None:
    found, why = heldout.leave_out_folds(GRID)
    assert why is None
    assert [(f.label, f.judges) for f in found] == [
        ("size small", (0, 1)),
        ("size large", (2, 3)),
        ("shape arch1", (0, 2)),
        ("shape arch2", (1, 3)),
    ]


def test_the_same_models_are_not_left_out_twice() -> None:
    found, _ = heldout.leave_out_folds([model("a", "small", "arch1"), model("b", "large", "arch2")])
    assert [f.judges for f in found] == [(0,), (1,)]


def test_models_of_no_known_size_are_their_own_family() -> None:
    found, why = heldout.leave_out_folds([model("a"), model("b")])
    assert [f.label for f in found] == ["size a", "size b"]
    assert why is None


def test_one_family_and_one_model_say_what_they_cannot() -> None:
    found, why = heldout.leave_out_folds([model("a", "small", "arch1"), model("b", "small", "arch1")])
    assert [f.judges for f in found] == [(0,), (1,)]
    assert why is not None
    assert "one size and one shape" in why
    found, why = heldout.leave_out_folds(GRID[:1])
    assert found == ()
    assert why is not None
    assert "one model" in why


def test_gains_by_hand() -> None:
    """Two questions, one model a fold: what one model finds easier the other finds harder."""
    margin = np.zeros((2, 1, 2))
    margin[0, 0] = [1.0, -1.0]
    margin[1, 0] = [-1.0, 1.0]
    (one,) = heldout.evaluate_rule(sample(margin), question_rules.Easiest(), [Fold("a", (1,))], "acc")
    assert one.mask.tolist() == [True, False]
    assert int(one.size) == 1
    assert [float(v) for v in one.in_sample["final"]] == [
        1.0,
        0.5,
    ]  # the first answers it, of all it answers half
    assert [float(v) for v in one.held_out["final"]] == [0.0, -0.5]
    assert np.isnan(one.held_out["snr"][0])  # one model has no spread


def test_the_whole_set_gains_nothing_in_any_score() -> None:
    given = sample(np.random.default_rng(0).normal(size=(4, 12, 30)))
    (one,) = heldout.evaluate_rule(given, question_rules.Easiest(share=1.0), [Fold("a", (0, 1))], "norm_prob")
    for side in (one.in_sample, one.held_out):
        for score in heldout.SCORES:
            assert float(side[score][1]) == pytest.approx(0, abs=1e-9)


def test_scores_are_those_of_the_library() -> None:
    given = sample(np.random.default_rng(1).normal(size=(3, 12, 30)), early=10)
    curves = heldout.selected_curves(given.values["acc"], np.ones((1, 30), bool))
    found = heldout.selection_scores(curves, given.early, "acc")
    plain = given.values["acc"].mean(axis=-1)
    assert float(found["final"][0]) == pytest.approx(plain[:, -1].mean())
    assert float(found["sq"][0]) == pytest.approx(np.mean([signal.signal_quality(c[:10]).sq for c in plain]))
    assert float(found["snr"][0]) == pytest.approx(signal.snr(plain).value)
    assert np.isnan(heldout.selection_scores(curves, given.early, "margin")["snr"]).all()


def test_lower_is_better_gains_when_it_falls() -> None:
    given = sample(np.zeros((2, 1, 2)))
    given.values["bpb"] = np.array([[[1.0, 3.0]], [[1.0, 3.0]]])
    given.values["margin"][..., 0] = 1.0
    (one,) = heldout.evaluate_rule(given, question_rules.Easiest(), [Fold("a", (1,))], "bpb")
    assert [float(v) for v in one.held_out["final"]] == [-1.0, 1.0]


def test_the_models_held_out_never_enter_the_rule() -> None:
    margin = np.random.default_rng(2).normal(size=(4, 8, 40))
    changed = margin.copy()
    changed[[0, 1]] = np.random.default_rng(3).normal(size=(2, 8, 40))
    for rule in (
        question_rules.Easiest(),
        question_rules.Rising(),
        question_rules.OneSource(np.arange(40) % 4),
        question_rules.SnrGreedy(),
    ):
        masks = [
            heldout.evaluate_rule(sample(own), rule, [Fold("a", (0, 1))], "acc")[0].mask
            for own in (margin, changed)
        ]
        assert masks[0].tolist() == masks[1].tolist()


def test_random_subsets_are_drawn_once_for_every_size_that_is_chosen(monkeypatch) -> None:
    given = sample(np.random.default_rng(5).normal(size=(4, 8, 40)))
    folds = [Fold(name, (place,)) for place, name in enumerate("abcd")]
    alone = [heldout.evaluate_rule(given, question_rules.Easiest(), [fold], "acc")[0] for fold in folds]
    drawn: list[int] = []
    original = heldout.selected_curves

    def curves(values: np.ndarray, masks: np.ndarray) -> np.ndarray:
        drawn.append(masks.shape[-2])
        return original(values, masks)

    monkeypatch.setattr(heldout, "selected_curves", curves)
    together = heldout.evaluate_rule(given, question_rules.Easiest(), folds, "acc")
    assert sorted(drawn) == [1, 1, 1, 1, heldout.DRAWS]
    for one, other in zip(alone, together, strict=True):
        assert repr(one.held_out) == repr(other.held_out)
        assert repr(one.in_sample) == repr(other.in_sample)
    sizes = [int(j.size) for j in heldout.evaluate_rule(given, question_rules.Rising(), folds, "acc")]
    drawn.clear()
    heldout.evaluate_rule(given, question_rules.Rising(), folds, "acc")
    assert drawn.count(heldout.DRAWS) == len(set(sizes))


def test_a_choice_of_nothing_has_no_score() -> None:
    given = sample(np.full((2, 10, 5), -1.0))
    (one,) = heldout.evaluate_rule(given, question_rules.Rising(), [Fold("a", (1,))], "acc")
    assert int(one.size) == 0
    assert np.isnan(one.held_out["final"]).all()


def test_resampled_gains_choose_anew_and_have_the_observed_gain_where_every_question_is_drawn_once() -> None:
    given = sample(np.random.default_rng(4).normal(size=(4, 8, 50)))
    folds, _ = heldout.leave_out_folds(GRID)
    judged = heldout.evaluate_rule(given, question_rules.Easiest(), folds, "acc")
    once = heldout.resampled_gains(given, question_rules.Easiest(), folds, "acc", np.ones((1, 50)))
    assert once[0] == pytest.approx(np.mean([float(j.held_out["final"][1]) for j in judged]))
    drawn = np.random.default_rng(5).multinomial(50, np.full(50, 1 / 50), size=200).astype(float)
    many = heldout.resampled_gains(given, question_rules.Easiest(), folds, "acc", drawn)
    assert abs(many.mean() - once[0]) < 0.05


def test_resampled_gains_are_those_of_a_set_with_the_drawn_questions_in_it() -> None:
    margin = np.random.default_rng(6).normal(size=(2, 8, 12))
    drawn = np.random.default_rng(7).integers(0, 12, 12)
    folds = [Fold("a", (1,))]
    weights = np.bincount(drawn, minlength=12).astype(float)[None]
    found = heldout.resampled_gains(sample(margin), question_rules.Rising(), folds, "acc", weights)
    (written_out,) = heldout.evaluate_rule(sample(margin[..., drawn]), question_rules.Rising(), folds, "acc")
    assert found[0] == pytest.approx(float(written_out.held_out["final"][1]))


def test_what_flatters_itself() -> None:
    assert heldout.gain_vanishes(0.12, -0.01)
    assert heldout.gain_vanishes(0.12, 0.02)
    assert not heldout.gain_vanishes(0.12, 0.06)
    assert not heldout.gain_vanishes(0.005, -0.2)  # it promised nothing
    assert heldout.gain_vanishes(0.12, float("nan"))


def test_what_a_choice_resolves_by_hand() -> None:
    """Two models that differ on the first half of the questions alone: that half stretches differences twice."""
    values = np.zeros((3, 1, 8))
    values[1, 0, :4] = [1, 1, 1, 0]
    made = sample(values)
    judged = heldout.FoldResult(heldout.Fold("the rest", (0, 1)), np.arange(8) < 4, np.intp(4), {}, {})
    chosen, random = heldout.resolvable_difference(made, [judged], "margin")
    assert random == pytest.approx(0.8416 * np.std([1, 1, 1] + [0] * 5, ddof=1) / 2, abs=1e-3)
    assert chosen == pytest.approx(0.8416 * np.std([1, 1, 1, 0], ddof=1) / 2 / 2, abs=1e-3)
    alone = heldout.FoldResult(heldout.Fold("one", (0,)), np.arange(8) < 4, np.intp(4), {}, {})
    assert heldout.resolvable_difference(made, [alone], "margin") is None
    turned = heldout.FoldResult(heldout.Fold("equal", (0, 2)), np.arange(8) < 4, np.intp(4), {}, {})
    assert heldout.resolvable_difference(made, [turned], "margin") is None


def test_chances_of_a_false_find_are_shared_out_and_sum_to_five_percent() -> None:
    levels = [heldout.adjusted_level(k) for k in range(1, 2001)]
    assert levels[:2] == [pytest.approx(0.975), pytest.approx(1 - 0.05 / 6)]
    assert sum(1 - level for level in levels) == pytest.approx(0.05, abs=1e-4)
    gains = np.random.default_rng(0).normal(0.1, 0.02, 1000)
    usual, later = (
        heldout.gain_interval(gains, 100, 0.95),
        heldout.gain_interval(gains, 100, heldout.adjusted_level(20)),
    )
    assert usual == (pytest.approx(0.06, abs=0.005), pytest.approx(0.14, abs=0.005))
    assert later[0] < usual[0] < usual[1] < later[1]
