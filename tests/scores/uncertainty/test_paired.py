"""Two sets on the same resamples: what is shared cancels, what is not does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.scores import metrics, set_scores
from e2lm_core.scores.layout import Layout, Run
from e2lm_core.scores.uncertainty import paired
from e2lm_core.scores.uncertainty.paired import Side, match_questions
from e2lm_core.scores.uncertainty.rules import IntervalRule
from tests.support import simulation


def side(runs, count):
    return Side(runs, np.full(count, 4))


def simple(values):
    """One model at two checkpoints."""
    array = np.asarray(values, float)
    return {"m": Run({"acc": np.stack([array, array])}, np.array([1, 2]), np.array([True, False]))}


@pytest.fixture(scope="module")
def fleet():
    return simulation.fleet("slow", 4)


def test_pairing_by_hand():
    got = match_questions(["a", "b", "c"], ["c", "a", "d"])
    assert got.first.tolist() == [0, 1, 2, -1]
    assert got.second.tolist() == [1, -1, 0, 2]
    assert got.shared == 2


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(0, 12)), st.sets(st.integers(0, 12)))
def test_every_question_has_its_place_once(old, new):
    first, second = [str(i) for i in old], [str(i) for i in new]
    got = match_questions(first, second)
    assert len(got.first) == len(old | new)
    assert got.shared == len(old & new)
    assert sorted(got.first[got.first >= 0]) == list(range(len(first)))
    assert sorted(got.second[got.second >= 0]) == list(range(len(second)))


def test_a_set_against_itself_differs_by_nothing_in_every_resample():
    runs = simple([1, 0, 1, 1, 0, 0, 1, 0])
    names = [f"q{i}" for i in range(8)]
    first, second = paired.resample(
        side(runs, 8), side(runs, 8), match_questions(names, names), ("acc",), 200
    )
    found = paired.mean_difference(first, second, "acc", [("m", 1, 1)])
    assert found.value == 0
    assert found.changed == 0
    assert found.bounds[0] == -found.bounds[1] < 0  # 0 of 8 changed: others might
    assert found.share == 0.5


def test_what_both_share_cancels():
    """One question of twenty is new: the paired interval is far narrower than that of unrelated sets."""
    rng = np.random.default_rng(1)
    old = rng.integers(0, 2, 40)
    new = np.append(old, [1.0])
    names = [f"q{i}" for i in range(41)]
    widths = []
    for second in (names, [f"r{i}" for i in range(41)]):
        given_ = paired.resample(
            side(simple(old), 40), side(simple(new), 41), match_questions(names[:40], second), ("acc",), 400
        )
        found = paired.mean_difference(*given_, "acc", [("m", 1, 1)])
        assert found.value == pytest.approx(new.mean() - old.mean())
        widths.append(found.bounds[1] - found.bounds[0])
    assert widths[0] < widths[1] / 5


def test_unrelated_sets_are_drawn_whole():
    rng = np.random.default_rng(2)
    old, new = rng.integers(0, 2, 30), rng.integers(0, 2, 50)
    first, second = paired.resample(
        side(simple(old), 30),
        side(simple(new), 50),
        match_questions([f"a{i}" for i in range(30)], [f"b{i}" for i in range(50)]),
        ("acc",),
        300,
    )
    for drawn, count in ((first, 30), (second, 50)):  # every resample's mean is a count of its own questions
        means = drawn.curves["acc"]["m"][:, 0] * count
        np.testing.assert_allclose(means, np.rint(means), atol=1e-6)


def test_score_differences_are_those_of_the_scores(fleet):
    sides = []
    for seed in (1, 2):
        runs = simulation.runs(fleet, simulation.draw(fleet, 60, seed))
        sides.append(side(runs, 60))
    pairing = match_questions([f"a{i}" for i in range(60)], [f"b{i}" for i in range(60)])
    given_ = paired.resample(*sides, pairing, ("acc",), 100)
    rules = {"sq": IntervalRule("normal", 0.9), "rc": IntervalRule(None, why="not here")}
    found = paired.score_differences(*given_, "acc", rules)
    alone = []
    for own in sides:
        curves = {n: metrics.curve(r.per_question["acc"]) for n, r in own.runs.items()}
        layout = Layout.from_runs(own.runs, curves)
        against = set_scores.chance_floor(own.runs, layout, "acc", 0.25, 60)
        alone.append(set_scores.curve_scores(layout, curves, "acc", against).whole)
    for score, (value, _) in found.items():
        if score in set_scores.OF_READINGS:  # the fleet has one shape of each size
            assert value is None
            continue
        assert value == pytest.approx(float(alone[1][score] - alone[0][score]))
    low, high = found["sq"][1].bounds
    assert low < found["sq"][0] < high
    assert found["sq"][1].coverage == 0.9
    assert found["rc"][1].why == "not here"
    assert "no method" in found["cs"][1].why


def test_one_question_has_no_interval():
    runs = simple([1])
    given_ = paired.resample(side(runs, 1), side(runs, 1), match_questions(["q"], ["q"]), ("acc",), 20)
    assert paired.mean_difference(*given_, "acc", [("m", 1, 1)]).bounds is None


@pytest.mark.parametrize("turned", [False, True])
def test_one_group_has_no_interval_in_either_order(turned):
    lone = Side(simple([1]), np.array([4]), [None])
    three = Side(simple([0, 1, 1]), np.full(3, 4), ["g"] * 3)
    one, other = (three, lone) if turned else (lone, three)
    names = (["a", "b", "c"], ["a"]) if turned else (["a"], ["a", "b", "c"])
    first, second = paired.resample(one, other, match_questions(*names), ("acc",), 200)
    found = paired.mean_difference(first, second, "acc", [("m", 1, 1)])
    assert found.value == pytest.approx(1 / 3 if turned else -1 / 3)
    assert (found.bounds, found.p, found.share) == (None, None, None)
    assert "in groups" in found.why


def test_groups_of_unrelated_sets_stay_apart():
    runs = simple([1, 0, 1, 0])
    grouped = Side(runs, np.full(4, 4), ["g", "g", None, None])
    names = ["a", "b", "c", "d"]
    first, _ = paired.resample(grouped, grouped, match_questions(names, ["w", "x", "y", "z"]), ("acc",), 20)
    assert first.clusters == 3


@pytest.mark.parametrize(
    ("old", "new", "clusters"),
    [
        ("ggg-", "p---", 2),  # a, b, c of one group, of which the second has a, in another group
        ("ggg-", "----", 2),  # and without a group
        ("gghh", "pp--", 2),
        ("----", "pp--", 4),
    ],
)
def test_a_group_that_the_second_set_has_in_part_stays_together(old, new, clusters):
    names = {"p": "p", "g": "g", "h": "h", "-": None}
    first = Side(simple([1, 0, 1, 0]), np.full(4, 4), [names[letter] for letter in old])
    second = Side(simple([1, 0]), np.full(2, 4), [names[letter] for letter in (new[0], new[-1])])
    got, _ = paired.resample(first, second, match_questions(["a", "b", "c", "d"], ["a", "d"]), ("acc",), 20)
    assert got.clusters == clusters


def test_a_resample_without_a_sets_questions_is_undefined():
    """Values with a rounding error, divided by a share of 0, were infinite."""
    values = np.array([0.1, 0.7, 0.35, 0.2])
    first = Side(simple(values), np.array([4, 3, 5, 4]), ["g", "g", None, None])
    second = Side(simple(values[:2]), np.array([4, 3]), ["g", "g"])
    with np.errstate(all="raise"):
        _, drawn = paired.resample(first, second, match_questions("abcd", "ab"), ("acc",), 200)
    assert not np.isinf(drawn.curves["acc"]["m"]).any()
    assert np.isnan(drawn.curves["acc"]["m"]).any()


@pytest.mark.slow
def test_the_interval_of_a_mean_difference_covers(fleet):
    """Half of the questions shared; over 300 pairs the 95% interval holds the true difference (0) in 92 to 98%."""
    held = []
    rng = np.random.default_rng(5)
    source = simulation.draw(fleet, 4000, 9)["norm_prob"][2][-2:].astype(float)
    for _ in range(300):
        at = rng.integers(0, 4000, 150)
        sides = [
            side({"m": Run({"norm_prob": source[:, own]}, np.array([1, 2]), np.array([True, False]))}, 100)
            for own in (at[:100], at[50:])
        ]
        names = [f"q{i}" for i in range(150)]
        given_ = paired.resample(*sides, match_questions(names[:100], names[50:]), ("norm_prob",), 300)
        low, high = paired.mean_difference(*given_, "norm_prob", [("m", 1, 1)]).bounds
        held.append(low <= 0 <= high)
    assert 0.92 <= np.mean(held) <= 0.98
