"""Figures of ranks: what is drawn, in both themes, wide and narrow, full and empty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from e2lm_core.analysis.ranks import stability
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts import ranks as rank_charts
from e2lm_core.charts.palette import DARK, LIGHT, Theme
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import set_intervals
from tests.support.measured import noisy

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
NARROW = pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])


@pytest.fixture(scope="module")
def ranked() -> tuple[Measurements, stability.RankStability]:
    own = noisy()
    found = stability.rank_stability(own, set_intervals.resample(own, ("acc",)), "acc")
    assert found is not None
    return own, found


def texts(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


@THEMES
@NARROW
def test_the_area_of_a_dot_is_the_share(
    ranked: tuple[Measurements, stability.RankStability], theme: Theme, narrow: bool
) -> None:
    own, found = ranked
    bump = stability.bump_frame(found)
    models = [c.model for c in own.curves]
    figure = rank_charts.bump(bump, models, theme, set_scores.early_end(own), narrow=narrow)
    lines, dots = figure.data[0], figure.data[1]
    assert len(figure.data) == 4  # a line and dots of both models that count
    low, high = figure.layout.yaxis.range
    assert low > high  # the best on top
    assert len(lines.x) == 16
    one = bump[bump["model"] == bump["model"].iloc[0]].sort_values("step")
    sizes = np.array(dots.marker.size)
    expected = sizes.max() ** 2 * one["share"] / one["share"].max()
    np.testing.assert_allclose(sizes**2, np.maximum(4.0, expected), rtol=1e-6)
    if narrow:
        assert [bool(t.showlegend) for t in figure.data] == [True, False, True, False]
    else:
        assert {"small-arch1", "large-arch1"} <= set(texts(figure))


@THEMES
def test_shares_are_written_into_their_cells(
    ranked: tuple[Measurements, stability.RankStability], theme: Theme
) -> None:
    own, found = ranked
    models = [c.model for c in own.curves]
    wins = stability.win_table(found, 15)
    figure = rank_charts.share_heatmap(wins, models, theme, "diverging", "", "")
    cells, numbers = figure.data
    assert len(numbers.text) == len(numbers.textfont.color) == 2  # no model against itself
    assert set(numbers.y) == set(cells.y)
    assert numbers.hoverinfo == "skip"  # what is said of a cell is said over its number as well
    assert not figure.layout.annotations  # hundreds of them took the browser a third of a second
    assert list(figure.data[0].y) == [name.removeprefix("ladder-") for name in wins["model"]]
    shares = rank_charts.share_heatmap(stability.share_table(found, 15), models, theme, "rising", "", "")
    assert list(shares.data[0].x) == ["rank 1", "rank 2"]
    assert "0%" not in shares.data[1].text


def test_of_many_dots_the_largest_are_drawn(
    ranked: tuple[Measurements, stability.RankStability], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, found = ranked
    bump, models = stability.bump_frame(found), [c.model for c in own.curves]
    whole = rank_charts.bump(bump, models, LIGHT)
    monkeypatch.setattr(rank_charts, "MAX_DOTS", len(bump) - 3)
    some = rank_charts.bump(bump, models, LIGHT)
    dots = [sum(len(trace.x) for trace in figure.data[1::2]) for figure in (whole, some)]
    assert dots[0] == len(bump)
    assert dots[1] >= len(bump) - 3  # of equal ones none is chosen
    least = min(min(trace.marker.size) for trace in some.data[1::2])
    assert least >= max(2.0, 22 * np.sqrt(np.sort(bump["share"])[3])) - 1e-9
    assert [len(t.x) for t in some.data[::2]] == [len(t.x) for t in whole.data[::2]]  # every line is whole


def test_many_cells_have_no_numbers_that_would_cover_each_other() -> None:
    models = [
        ModelInfo(name=f"ladder-m{n}", family="ladder", size=f"{n}m", arch="arch1", parameters=n * 10**6)
        for n in range(1, 13)
    ]
    names = [model.name for model in models]
    ranks = pd.DataFrame(np.full((12, 12), 0.25), columns=[f"rank {n}" for n in range(1, 13)])
    wins = pd.DataFrame(np.full((12, 12), 0.25), columns=names)
    for table, heads in ((ranks, [str(n) for n in range(1, 13)]), (wins, [m.short_name for m in models])):
        table.insert(0, "model", names)
        figure = rank_charts.share_heatmap(table, models, LIGHT, "rising", "", "")
        assert [trace.type for trace in figure.data] == ["heatmap"]
        assert list(figure.layout.xaxis.ticktext) == heads
        few = rank_charts.share_heatmap(table.iloc[:10, :11], models[:10], LIGHT, "rising", "", "")
        assert [trace.type for trace in few.data] == ["heatmap", "scatter"]


@THEMES
def test_numbers_over_tokens_have_their_band(
    ranked: tuple[Measurements, stability.RankStability], theme: Theme
) -> None:
    _, found = ranked
    figure = rank_charts.over_tokens(
        stability.decision_table(found),
        "pairs as at the end",
        theme,
        (0.0, 1.0),
        (0.5, "a coin"),
        percent=True,
        early_end=12_000,
    )
    assert "a coin" in texts(figure)
    assert figure.data[0].fill == "toself"
    assert figure.layout.yaxis.range[1] > 1  # room above the highest point
    later = rank_charts.over_tokens(stability.tau_table(found), "τ_b", theme, (-1.0, 1.0))
    assert later.layout.xaxis.range[0] > 0  # no empty early window


@THEMES
def test_nothing_draws_as_well(theme: Theme) -> None:
    columns = ["model", "step", "tokens_seen", "early", "at rank", "share", "rank", "value"]
    figures = [
        rank_charts.bump(pd.DataFrame(columns=columns), [], theme, early_end=1e6),
        rank_charts.over_tokens(
            pd.DataFrame(columns=["step", "tokens_seen", "v", "resamples from", "to"]), "v", theme, (0, 1)
        ),
        rank_charts.tau_heatmap(np.empty((0, 0)), [], theme),
    ]
    for figure in figures:
        assert "NaN" not in figure.to_json()


def test_undefined_agreement_stays_empty() -> None:
    tau = np.array([[1.0, np.nan], [np.nan, 1.0]])
    figure = rank_charts.tau_heatmap(tau, [1e6, 2e6], LIGHT)
    assert list(figure.data[0].x) == ["1.0 M", "2.0 M"]
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-1, 1)
