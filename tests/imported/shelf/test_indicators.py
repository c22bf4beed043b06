"""Decision accuracy, SNR and slope: by hand on made curves, and by plain lists on the shelf's own."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from e2lm_core.base.records import ModelInfo
from e2lm_core.imported.records import Curve
from e2lm_core.imported.shelf import indicators, library
from e2lm_core.imported.shelf.library import Shelved

TOKENS = tuple(1_000 * 2**k for k in range(6))


def curve(
    scores: Sequence[float],
    tokens: Sequence[int | None],
    name: str = "m",
    size: int | None = None,
    errors: Sequence[float | None] = (),
    metric: str = "acc",
    questions: int | None = 2_000,
) -> Curve:
    return Curve(
        model=ModelInfo(name=name, family="imported", parameters=size),
        task="t",
        metric=metric,
        num_fewshot=0,
        questions=questions,
        lower_is_better=metric == "ppl",
        steps=tuple(range(len(scores))),
        tokens_seen=tuple(tokens),
        early=(None,) * len(scores),
        scores=tuple(scores),
        stderr=tuple(errors),
    )


def shelved(name: str, source: str, shots: int | None = None) -> Shelved:
    (found,) = library.find_benchmarks(name, source, shots)
    return found


def test_decision_accuracy_by_hand() -> None:
    """Early is 2,000 of 10,000 tokens, the last point in the first fifth; two of three pairs keep their order."""
    tokens = (1_000, 2_000, 3_000, 10_000)
    curves = [
        curve((0.9, 0.30, 0.1, 0.50), tokens, "a", 300),
        curve((0.0, 0.20, 0.9, 0.60), tokens, "b", 200),
        curve((0.0, 0.10, 0.5, 0.40), tokens, "c", 200),
    ]
    found = indicators.late_order(curves)
    assert found.accuracy.value == pytest.approx(2 / 3)
    assert found.accuracy.why == indicators.MEANS_ALONE
    # a below b, a above c, and b and c are of one size.
    assert found.larger_ahead == pytest.approx((0 + 1 + 0.5) / 3)
    assert (found.early, found.late) == (2_000, 10_000)


def test_a_pair_of_lower_perplexity_is_ahead() -> None:
    tokens = (1_000, 2_000, 10_000)
    curves = [curve((9, 8, 3), tokens, "a", 2, metric="ppl"), curve((9, 9, 4), tokens, "b", 1, metric="ppl")]
    found = indicators.late_order(curves)
    assert (found.accuracy.value, found.larger_ahead) == (1, 1)


def test_no_order_where_there_is_none() -> None:
    tokens = (1_000, 2_000, 10_000)
    late = [curve((0.1, 0.2), (5_000, 10_000), name) for name in "ab"]
    assert indicators.late_order(late).accuracy.why == indicators.NO_EARLY_POINT
    assert indicators.late_order(late[:1]).accuracy.why == indicators.ONE_MODEL
    tied = [curve((0.1, end, 0.25), tokens, name) for name, end in (("a", 0.2), ("b", 0.2), ("c", 0.2))]
    found = indicators.late_order(tied).accuracy
    assert (found.value, found.why) == (None, indicators.TIED)
    assert indicators.late_order(tied).larger_ahead is None, "sizes are unknown"


@pytest.mark.parametrize("name", ["mmluvar", "musr", "arc_challenge"])
def test_the_competitions_decision_accuracy_by_plain_lists(name: str) -> None:
    """Early is iteration 56,000 (206 B tokens), the last of the competition's points; the end is 64,000 (240 B)."""
    curves = library.open_curves(shelved(name, "e2lm"))
    of = [dict(zip(c.steps, c.scores, strict=True)) for c in curves]
    same = [
        (a[56_000] > b[56_000]) - (a[56_000] < b[56_000]) == (a[64_000] > b[64_000]) - (a[64_000] < b[64_000])
        for a, b in combinations(of, 2)
    ]
    found = indicators.late_order(curves)
    assert found.accuracy.value == pytest.approx(sum(same) / 15)
    assert found.early == pytest.approx(206e9, rel=1e-3)
    sizes = [{"500m": 1, "1b": 2, "3b": 3}[str(c.model.size)] for c in curves]
    ends = [scores[64_000] for scores in of]
    points = [
        0.5 if a[0] == b[0] or a[1] == b[1] else float((a[0] > b[0]) == (a[1] > b[1]))
        for a, b in combinations(list(zip(sizes, ends, strict=True)), 2)
    ]
    assert found.larger_ahead == pytest.approx(statistics.fmean(points))


def test_pythias_early_point_is_the_last_in_a_fifth_of_its_training() -> None:
    found = indicators.late_order(library.open_curves(shelved("piqa", "pythia", 0), "acc"))
    assert found.early == 23_000 * 2_097_152
    assert found.accuracy.interval is not None
    low, high = found.accuracy.interval
    assert low < (found.accuracy.value or 0) <= high <= 1


def test_the_signal_to_noise_ratio_by_hand() -> None:
    tails = {"a": (0.50, 0.52, 0.48, 0.50, 0.50), "b": (0.30, 0.31, 0.29, 0.30, 0.30)}
    curves = [curve((0.0, *tail), range(6), name) for name, tail in tails.items()]
    means = [statistics.fmean(tail) for tail in tails.values()]
    noise = statistics.fmean(statistics.pstdev(t) / m for t, m in zip(tails.values(), means, strict=True))
    wanted = (0.50 - 0.30) / statistics.fmean(means) / noise
    assert indicators.signal_to_noise(curves).value == pytest.approx(wanted)
    # Two standard normals lie 2 / sqrt(pi) apart on average; the error is that of a share of 2,000 questions.
    errors = [statistics.fmean(math.sqrt(s * (1 - s) / 2_000) for s in tail) for tail in tails.values()]
    luck = wanted * 2 / math.sqrt(math.pi) * statistics.fmean(errors) / 0.20
    assert indicators.luck_ratio(curves) == pytest.approx(luck, rel=0.01)
    assert indicators.luck_ratio([one.model_copy(update={"questions": None}) for one in curves]) is None
    short = [curve((0.1, 0.2), range(2), name) for name in "ab"]
    assert indicators.signal_to_noise(short).value is None
    assert "last 5 checkpoints, and there are 2" in str(indicators.signal_to_noise(short).why)


def test_models_at_chance_are_told_apart_no_more_than_by_luck() -> None:
    """LogiQA, which no Pythia knows: its ratio is high, and luck gives as much. Of PIQA it does not."""
    guessed = library.open_curves(shelved("logiqa", "pythia", 0), "acc")
    known = library.open_curves(shelved("piqa", "pythia", 0), "acc")
    assert (indicators.signal_to_noise(guessed).value or 0) < (indicators.luck_ratio(guessed) or 0)
    assert (indicators.signal_to_noise(known).value or 0) > 4 * (indicators.luck_ratio(known) or 0)


def test_luck_is_what_equally_good_models_get() -> None:
    """Models that differ by luck alone, drawn once and kept, get the ratio of luck on average."""
    rng = np.random.default_rng(3)
    ratios, lucks = [], []
    for _ in range(200):
        lasting = rng.normal(0, math.sqrt(0.25 * 0.75 / 2_000), (8, 1))
        scores = 0.25 + lasting + rng.normal(0, 0.002, (8, 5))
        curves = [curve(row.tolist(), range(5), str(k)) for k, row in enumerate(scores)]
        ratios.append(indicators.signal_to_noise(curves).value or 0)
        lucks.append(indicators.luck_ratio(curves) or 0)
    assert statistics.fmean(ratios) == pytest.approx(statistics.fmean(lucks), rel=0.06)


def test_the_slope_of_a_straight_curve_is_its_rise() -> None:
    rising = curve([0.2 + 0.03 * math.log2(t / 1_000) for t in TOKENS], TOKENS)
    assert indicators.mean_slope([rising]).value == pytest.approx(0.03)
    two = [rising, curve([0.2] * 6, TOKENS)]
    assert indicators.mean_slope(two).value == pytest.approx(0.015)
    falling = curve([9 - 0.5 * math.log2(t / 1_000) for t in TOKENS], TOKENS, metric="ppl")
    assert indicators.mean_slope([falling]).value == pytest.approx(0.5), "a lower perplexity is better"
    from_zero = curve((0.7, *rising.scores), (0, *TOKENS))
    assert indicators.mean_slope([from_zero]).value == pytest.approx(0.03), "0 tokens have no logarithm"
    unknown = curve((0.1, 0.2), (None, None))
    assert "tokens are unknown" in str(indicators.mean_slope([unknown]).why)


def test_the_slopes_interval_holds_for_models_that_err_together() -> None:
    """The same draw of errors for all models, as of questions that all of them answer."""
    rng, held = np.random.default_rng(1), 0
    errors = [0.01, 0.02, 0.01, 0.03, 0.01, 0.01]
    for _ in range(400):
        drawn = rng.normal(0.3, errors).tolist()
        found = indicators.mean_slope([curve(drawn, TOKENS, errors=errors)] * 3)
        assert found.interval is not None
        held += found.interval[0] <= 0 <= found.interval[1]
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_few_questions_many_models_and_missing_errors_have_no_interval() -> None:
    errors = [0.01] * 6
    good = curve([0.1] * 6, TOKENS, errors=errors)
    assert indicators.why_no_interval([good]) is None
    few = good.model_copy(update={"questions": 999})
    assert indicators.why_no_interval([few]) == indicators.TOO_FEW
    assert indicators.why_no_interval([good] * 101) == indicators.TOO_MANY
    holes = good.model_copy(update={"stderr": (None, *errors[1:])})
    assert indicators.why_no_interval([good, holes]) == indicators.MEANS_ALONE


def test_the_size_of_a_model_is_read_from_its_name() -> None:
    for size, wanted in (("500m", 5e8), ("1b", 1e9), ("1.4B", 1.4e9), ("large", None), (None, None)):
        assert indicators.model_size(ModelInfo(name="m", family="x", size=size)) == wanted
