"""The overview: SQ by a computation written apart, onsets by hand, and what is said where the source has no errors."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np
import pytest

from e2lm_core.imported.scores import quality
from e2lm_core.imported.shelf import library, messages, overview
from e2lm_core.imported.shelf.indicators import MEANS_ALONE, TOO_FEW
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.imported.shelf.overview import Lasting

# The competition's 24, and as many of Pythia's.
OF_PYTHIA = ("arc_challenge", "arc_easy", "lambada_openai", "logiqa", "piqa", "sciq", "winogrande", "wsc")
SUBJECTS = ("virology", "sociology", "college_physics", "abstract_algebra")


def one(name: str, source: str, num_fewshot: int | None = None) -> Shelved:
    (found,) = library.find_benchmarks(name, source, num_fewshot)
    return found


def correlation(x: Sequence[float], y: Sequence[float]) -> float:
    try:
        return statistics.correlation(x, y)
    except statistics.StatisticsError:  # constant
        return math.nan


def plain_quality(y: Sequence[float]) -> float:
    """SQ with lists alone, after the organisers' definition: no code of the studio."""
    n = len(y)
    rank = {place: k for k, place in enumerate(sorted(range(n), key=lambda i: (y[i], i)))}
    rho = max(0.0, 1 - 6 * sum((i - rank[i]) ** 2 for i in range(n)) / (n * (n * n - 1)))
    lags = range(1, n // 4)
    return (rho + sum(abs(correlation(y[lag:], y[: n - lag])) for lag in lags) / len(lags)) / 2


def benchmarks() -> list[Shelved]:
    pythia = [one(name, "pythia", shots) for name in OF_PYTHIA for shots in (0, 5)]
    subjects = [one(f"hendrycksTest-{name}", "pythia", shots) for name in SUBJECTS for shots in (0, 5)]
    return [*library.benchmarks("e2lm"), *pythia, *subjects]


def test_signal_quality_is_that_of_an_independent_computation() -> None:
    compared = 0
    for shelved in benchmarks():
        values = []
        for curve in library.open_curves(shelved, shelved.main_metric):
            points = list(zip(curve.steps, curve.tokens_seen, curve.scores, strict=True))
            if shelved.source.key == "e2lm":
                points = [p for p in points if p[0] % 4_000 == 0 and p[1] <= 206e9]
                assert len(points) == 14
            values.append(plain_quality([score for _, _, score in points]))
        found = overview.overview(shelved).sq.value
        wanted = sum(values) / len(values)
        if math.isnan(wanted):
            assert found is None, shelved.label
        else:
            assert found == pytest.approx(wanted, abs=1e-10), shelved.label
            compared += 1
    assert compared >= 40


def test_the_competitions_figures_are_those_that_were_published() -> None:
    curves = library.open_curves(one("mmluvar", "e2lm"))
    of = {curve.model.name: quality(curve).sq for curve in curves}
    published = {"500m": 0.9354, "1b": 0.9814, "3b": 0.9601}
    for size, sq in published.items():
        assert of[f"dense-{size}-arch1"] == pytest.approx(sq, abs=5e-5)


def test_means_alone_are_said() -> None:
    found = overview.overview(one("hellaswag", "e2lm"))
    assert found.sq.interval is None
    assert found.sq.why == MEANS_ALONE
    assert found.above_chance is not None
    assert (found.above_chance.sure, found.above_chance.by) == (None, None)
    assert messages.count_cell(found.above_chance) == "6 of 6 (means)"
    assert messages.MEANS in messages.table_notes([found])
    assert messages.ERRORS not in messages.table_notes([found])


def test_a_benchmark_with_errors_has_an_interval_that_holds_its_score() -> None:
    found = overview.overview(one("arc_easy", "pythia", 0))
    assert found.sq.interval is not None
    low, high = found.sq.interval
    assert 0 < low < found.sq.value < high < 1  # type: ignore[operator]
    assert overview.overview(one("arc_easy", "pythia", 0)) == found, "the draws have a seed"
    few = overview.overview(one("logiqa", "pythia", 0))
    assert (few.sq.interval, few.sq.why) == (None, TOO_FEW)


def test_an_onset_above_chance_by_hand() -> None:
    """Of piqa 0-shot: each model's last checkpoints that are all above 0.5 beyond the error that guessing has."""
    shelved = one("piqa", "pythia", 0)
    found = overview.overview(shelved, "acc").above_chance
    assert found is not None
    curves = library.open_curves(shelved, "acc")
    error = math.sqrt(0.25 / 1_838)
    reached = []
    for curve in curves:
        normal = statistics.NormalDist()
        p = [2 * normal.cdf(-abs(s - 0.5) / error) if s > 0.5 else 1.0 for s in curve.scores]
        place = len(p)
        # Holm judges the last checkpoints; all 16 pass at the strictest level, which earlier ones need as well.
        while place and p[place - 1] <= 0.05 / len(curves):
            place -= 1
        reached.append(curve.tokens_seen[place] if place < len(p) else math.inf)
    assert (found.number, found.at_end) == (16, 16)
    assert found.sure == sum(t < math.inf for t in reached) == 16
    assert found.by == sorted(reached)[7]


def test_sizes_apart_by_hand() -> None:
    """Of lambada 5-shot, where every size is far ahead of the one below it."""
    found = overview.overview(one("lambada_openai", "pythia", 5), "acc").apart
    assert (found.number, found.at_end, found.sure) == (14, 14, 14)
    assert found.by is not None
    assert found.measured is not None
    assert found.by >= found.measured
    perplexity = overview.overview(one("lambada_openai", "pythia", 5), "ppl").apart
    assert perplexity.at_end == 14, "a lower perplexity is ahead"


def test_nothing_is_sure_about_a_benchmark_at_chance() -> None:
    found = overview.overview(one("logiqa", "pythia", 0))
    assert found.above_chance is not None
    assert (found.above_chance.sure, found.above_chance.by) == (0, None)
    assert messages.tokens_cell(found.above_chance) == "never"


def test_noise_has_the_score_that_its_length_gives() -> None:
    rng = np.random.default_rng(5)
    for points in (8, 14, 27):
        drawn = [plain_quality(rng.standard_normal(points).tolist()) for _ in range(1_500)]
        assert overview.noise_quality(points) == pytest.approx(statistics.fmean(drawn), abs=0.01)
    assert overview.noise_quality(7) is None


def test_a_thinned_curve_is_the_mean_over_all_offsets() -> None:
    curve = library.open_curves(one("arc_easy", "pythia", 0), "acc")[5]
    assert overview.thinned_quality(curve, 27) == pytest.approx(quality(curve).sq)
    halves = [curve.scores[0::3], curve.scores[1::3], curve.scores[2::3]]
    assert overview.thinned_quality(curve, 9) == pytest.approx(
        statistics.fmean(plain_quality(half) for half in halves)
    )
    assert overview.thinned_quality(curve, 28) is None
    found = overview.overview(one("arc_easy", "pythia", 0), "acc", 14)
    assert found.thinned is not None
    assert found.thinned != found.sq.value


def test_the_provisional_rc_by_hand() -> None:
    """Of each size: does the architecture that leads at 64,000 lead at 60,000; at 64,000 it does."""
    shelved = one("mmluvar", "e2lm")
    found = overview.overview(shelved)
    scores = {
        curve.model.name: dict(zip(curve.steps, curve.scores, strict=True))
        for curve in library.open_curves(shelved)
    }
    same = []
    for size in ("500m", "1b", "3b"):
        deep, wide = scores[f"dense-{size}-arch1"], scores[f"dense-{size}-arch2"]
        same.append((deep[60_000] > wide[60_000]) == (deep[64_000] > wide[64_000]))
    assert found.rc is not None
    assert found.rc.value == pytest.approx((1 + sum(same) / 3) / 2)
    assert (found.rc_points, found.rc_noise) == (2, pytest.approx(0.75, abs=0.01))
    assert any("provisional, over the 2 published points" in note for note in messages.table_notes([found]))
    assert overview.overview(one("piqa", "pythia", 0)).rc is None, "no early window, no later order"


def test_cells_of_what_has_no_meaning_are_dashes() -> None:
    assert messages.count_cell(None) == messages.tokens_cell(None) == "–"
    sure = Lasting(number=16, at_end=16, sure=12, by=2.1e9, measured=1e9)
    assert (messages.count_cell(sure), messages.tokens_cell(sure)) == ("12 of 16", "2.1 B")


def test_sources_are_told_apart_where_a_table_mixes_them() -> None:
    both = [overview.overview(one("piqa", "e2lm")), overview.overview(one("piqa", "pythia", 0))]
    notes = messages.table_notes(both)
    assert messages.COMPARABLE in notes
    assert sum("LICENSE" in note or "Apache-2.0" in note or "MIT" in note for note in notes) == 2
    assert messages.COMPARABLE not in messages.table_notes(both[:1])
