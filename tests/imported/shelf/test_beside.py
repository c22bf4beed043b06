"""A benchmark beside a set: both over equally many points, a rank among the same models alone, and tables of figures."""

from __future__ import annotations

import statistics

import pandas as pd
import pytest

from e2lm_core.base.records import Value
from e2lm_core.imported.scores import quality
from e2lm_core.imported.shelf import beside, library, overview, tables
from e2lm_core.imported.shelf.beside import Side
from e2lm_core.imported.shelf.library import Shelved

# Of Pythia 0-shot by SQ on acc: all that is above PIQA.
ABOVE_PIQA = {"arc_easy", "lambada_openai", "mmlu"}


def one(name: str, source: str, shots: int | None = None) -> Shelved:
    (found,) = library.find_benchmarks(name, source, shots)
    return found


def own(points: int = 9, sq: float | None = 0.9) -> Side:
    value = Value(value=sq, why=None if sq is not None else "no curve")
    return beside.set_side("mine", "acc", 6, 400, points if sq is not None else 0, value)


def test_both_stand_over_the_sets_number_of_points() -> None:
    shelved = one("piqa", "pythia", 0)
    curves = library.open_curves(shelved, "acc")
    other = beside.shelf_side(shelved, curves, 9)
    assert other.thinned == pytest.approx(
        statistics.fmean(overview.thinned_quality(curve, 9) or 0 for curve in curves)
    )
    assert other.sq.value == pytest.approx(statistics.fmean(quality(curve).sq or 0 for curve in curves))
    assert other.noise == own().noise == overview.noise_quality(9)
    frame = tables.comparison_frame(own(), other)
    assert frame["SQ at 9"].tolist() == [0.9, other.thinned]
    assert frame["points"].tolist() == [9, 27]
    assert frame["SQ of noise at 9"].tolist() == [other.noise] * 2
    said = beside.sentence(shelved, own(), other, (4, 66))
    assert said == (
        f"**piqa (0-shot)** on 16 models of Pythia: SQ {other.thinned:.3f} over 9 points; this set 0.900; noise gets "
        f"{other.noise:.3f}. By SQ it ranks 4 of the 66 benchmarks that these models ran."
    )


@pytest.mark.parametrize(("points", "sq"), [(28, 0.9), (0, None)])
def test_a_set_with_more_points_or_without_sq_stands_beside_the_whole_benchmark(
    points: int, sq: float | None
) -> None:
    shelved = one("piqa", "pythia", 0)
    other = beside.shelf_side(shelved, library.open_curves(shelved, "acc"), points)
    assert (other.thinned, other.noise) == (None, overview.noise_quality(27))
    frame = tables.comparison_frame(own(points, sq), other)
    assert [column for column in frame.columns if column.startswith("SQ at")] == []
    assert f"SQ {other.sq.value:.3f} over 27 points; noise gets" in beside.sentence(
        shelved, own(points, sq), other, None
    )


def test_a_rank_is_told_among_benchmarks_of_the_same_models_alone() -> None:
    everything = library.benchmarks()
    piqa = one("piqa", "pythia", 0)
    of = {
        shelved.benchmark.name: overview.overview(shelved).sq.value or 0
        for shelved in library.benchmarks("pythia")
        if shelved.benchmark.num_fewshot == 0
    }
    higher = {name for name, value in of.items() if value > of["piqa"]}
    assert higher == ABOVE_PIQA
    assert beside.rank(piqa, everything, "acc") == (len(higher) + 1, len(of))
    with_score = one("piqa", "e2lm")
    assert beside.rank(with_score, everything, "score") == (
        beside.rank(with_score, library.benchmarks("e2lm"), "score")
    ), "benchmarks of other sources do not count"
    flat = one("wsc", "pythia", 5)
    assert beside.rank(flat, everything, "acc") is None, "its SQ is undefined"


def test_the_fast_mean_is_that_of_the_single_curves() -> None:
    for shelved in (one("arc_easy", "pythia", 0), one("mmluvar", "e2lm"), one("wsc", "pythia", 5)):
        curves = library.open_curves(shelved, shelved.main_metric)
        single = [quality(curve).sq for curve in curves]
        found = overview.mean_signal_quality(curves)
        if None in single:
            assert found.value is None
            assert found.why
        else:
            assert found.value == pytest.approx(statistics.fmean(sq or 0 for sq in single), abs=1e-12)


def test_bounds_of_points_are_two_errors_wide_and_shares_stay_shares() -> None:
    shelved = one("sciq", "pythia", 5)
    frame = tables.banded_frame(library.open_curves(shelved, "acc"))
    inside = frame[frame["high"] < 1]
    assert ((inside["high"] - inside["value"]) / inside["stderr"]).tolist() == pytest.approx(
        [1.959964] * len(inside), abs=1e-5
    )
    assert frame["high"].max() <= 1
    assert "low" not in tables.banded_frame(library.open_curves(one("sciq", "e2lm"))), "no errors, no bounds"


def test_the_table_of_all_has_the_overviews_figures() -> None:
    shown = [overview.overview(one(name, "pythia", 0)) for name in ("piqa", "logiqa")]
    frame = tables.overview_frame(shown).set_index("benchmark")
    assert frame.loc["piqa", "SQ"] == shown[0].sq.value
    low, high = shown[0].sq.interval or (0, 0)
    assert frame.loc["piqa", "SQ 95%"] == f"[{low:.3f}, {high:.3f}]"
    assert frame.loc["piqa", "slope 95%"].count(".") == 2
    assert pd.isna(frame.loc["logiqa", "SQ 95%"])
    assert frame.loc["piqa", "above chance"] == 16
    assert (frame.loc["logiqa", "above chance"], pd.isna(frame.loc["logiqa", "by"])) == (0, True)
    assert set(tables.INTERVALS) <= set(frame.columns)
