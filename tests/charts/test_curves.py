"""The figures: what is always drawn, that names never overlap, and that colours can be told apart."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.analysis import tables
from e2lm_core.base.records import METRICS, ModelInfo
from e2lm_core.charts import canvas, palette, ranks, relevance
from e2lm_core.charts import curves as curve_charts
from e2lm_core.charts.canvas import LABEL_GAP_PX, spread
from e2lm_core.charts.palette import DARK, LIGHT, Theme
from e2lm_core.runs import evaluate, measure
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets import collection
from tests.conftest import ROOT
from tests.support import studios

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measurements:
    studio = studios.studio(tmp_path_factory.mktemp("charts"))
    task = collection.open_set(studio.settings, "little")
    evaluate.evaluate(studio, task, studio.catalogue.checkpoints)
    return measure.measure(studio, task, studio.catalogue.checkpoints)


def models(measured: Measurements) -> list[ModelInfo]:
    return [curve.model for curve in measured.curves]


def texts(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def label_pixels(figure: go.Figure, names: list[str]) -> list[float]:
    """Where the names stand, in pixels from the plot's top."""
    low, high = figure.layout.yaxis.range
    height = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    return [
        height * (high - a.y) / (high - low) - (a.yshift or 0)
        for a in figure.layout.annotations
        if a.text in names
    ]


# --- what is drawn -------------------------------------------------------------------------------------


@THEMES
@pytest.mark.parametrize("metric", METRICS)
def test_curves_with_chance_and_window(measured: Measurements, theme: Theme, metric: str) -> None:
    frame = tables.curve_frame(measured)
    figure = curve_charts.learning_curves(
        frame, models(measured), metric, theme, chance=0.25, early_end=set_scores.early_end(measured)
    )
    assert len(figure.data) == 4
    assert figure.data[0].x.tolist() == [s / 1000 for s in studios.STEPS]  # in millions of tokens
    own = frame[(frame["metric"] == metric) & (frame["model"] == figure.data[0].customdata[0][0])]
    assert len(own) in (0, 10)
    assert any("chance" in text for text in texts(figure))
    assert any("early window" in text for text in texts(figure))
    kinds = {shape.type for shape in figure.layout.shapes}
    assert {"line", "rect"} <= kinds
    (window,) = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert (window.x0, window.x1) == (0, 0.8)
    figure.to_json()


def test_size_is_hue_shape_is_dash_and_a_twin_is_grey(measured: Measurements) -> None:
    figure = curve_charts.learning_curves(tables.curve_frame(measured), models(measured), "acc", LIGHT)
    drawn = {trace.name: (trace.line.color, trace.line.dash) for trace in figure.data}
    assert drawn["small-arch1"] == (LIGHT.line["orange"], "solid")
    assert drawn["large-arch1"] == (LIGHT.line["blue"], "solid")
    assert drawn["small-arch1-web"] == (LIGHT.line["grey"], "dot")
    assert drawn["small-arch1-seed2"][0] == LIGHT.line["orange"]
    other = ModelInfo(name="ladder-large-arch2", family="ladder", size="large", arch="arch2")
    assert (palette.hue(other), palette.dash(other)) == ("blue", "dash")


def test_a_models_colour_does_not_depend_on_what_else_is_drawn(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    together = curve_charts.learning_curves(frame, models(measured), "acc", DARK)
    for model in models(measured):
        alone = curve_charts.learning_curves(frame[frame["model"] == model.name], [model], "acc", DARK)
        assert alone.data[0].line.color in {
            trace.line.color for trace in together.data if trace.name == alone.data[0].name
        }


def test_an_incomplete_checkpoint_has_no_marker(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    frame.loc[frame["step"] == 500, "value"] = np.nan
    figure = curve_charts.learning_curves(frame, models(measured), "acc", LIGHT)
    assert 0.5 not in figure.data[0].x


def test_a_family_without_tokens_is_drawn_by_step(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    frame["tokens_seen"] = np.nan
    figure = curve_charts.learning_curves(frame, models(measured), "acc", LIGHT)
    assert "step" in figure.layout.xaxis.title.text
    assert figure.data[0].x.tolist() == list(studios.STEPS)


def test_what_was_before_an_edit_stays_faint_behind(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    figure = curve_charts.learning_curves(frame, models(measured), "acc", LIGHT, before=frame)
    assert len(figure.data) == 8
    assert [trace.opacity < 0.5 for trace in figure.data] == [True] * 4 + [False] * 4


@THEMES
@pytest.mark.parametrize("narrow", [False, True])
def test_an_empty_frame_draws(theme: Theme, narrow: bool) -> None:
    empty = tables.curve_frame(Measurements("x", (), (), np.empty(0, int), np.empty((0, 0)), np.empty(0), ()))
    for figure in (
        curve_charts.learning_curves(empty, [], "acc", theme, chance=0.25, early_end=1e6, narrow=narrow),
        ranks.tau_heatmap(np.empty((0, 0)), [], theme),
        relevance.probability_histogram(np.empty(0), theme),
        relevance.relevance_map(
            pd.DataFrame(columns=["x", "y", "probability", "label"]),
            pd.DataFrame(columns=["x", "y", "accepted", "label"]),
            theme,
        ),
    ):
        assert "NaN" not in figure.to_json()


def test_undefined_agreement_stays_empty() -> None:
    tau = np.array([[1.0, np.nan], [np.nan, 1.0]])
    figure = ranks.tau_heatmap(tau, [1e6, 2e6], LIGHT)
    assert list(figure.data[0].x) == ["1.0 M", "2.0 M"]
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-1, 1)


def test_the_histogram_counts_every_question() -> None:
    figure = relevance.probability_histogram(np.array([0.0, 0.04, 0.5, 0.97, 1.0]), LIGHT)
    counts = figure.data[0].y
    assert (counts.sum(), counts[0], counts[10], counts[19]) == (5, 2, 1, 2)


def test_on_a_narrow_screen_a_legend_stands_for_the_names(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    figure = curve_charts.learning_curves(frame, models(measured), "acc", LIGHT, before=frame, narrow=True)
    assert figure.layout.showlegend
    assert sum(bool(trace.showlegend) for trace in figure.data) == 4
    assert not {"small-arch1", "large-arch1"} & set(texts(figure))
    assert figure.layout.margin.r < 30


# --- names at the lines' ends --------------------------------------------------------------------------


@pytest.mark.parametrize("spacing", [0.0, 1e-9, 0.001, 0.05])
def test_names_never_overlap_however_close_the_curves_end(spacing: float) -> None:
    fleet = [
        ModelInfo(name=f"ladder-{size}-arch{a}-seed{s}", family="ladder", size=size, arch=f"arch{a}")
        for size in ("small", "medium", "large")
        for a in (1, 2)
        for s in (1, 2)
    ]
    rows = [
        {
            "model": model.name,
            "step": step,
            "tokens_seen": step * 1e4,
            "early": True,
            "metric": "acc",
            "value": 0.25 + 0.01 * step / 100 + spacing * place,
            "n": 10,
        }
        for place, model in enumerate(fleet)
        for step in (100, 200)
    ]
    figure = curve_charts.learning_curves(pd.DataFrame(rows), fleet, "acc", LIGHT, chance=0.25)
    names = [model.name.removeprefix("ladder-") for model in fleet]
    pixels = label_pixels(figure, names)
    assert len(pixels) == 12
    assert all(b - a >= LABEL_GAP_PX - 1e-6 for a, b in pairwise(sorted(pixels)))
    assert min(pixels) >= -1e-6
    assert max(pixels) <= figure.layout.height


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-50, 450), max_size=20), st.floats(1, 20))
def test_spread_keeps_order_gap_and_bounds(wanted: list[float], gap: float) -> None:
    length = 400.0
    placed = spread(wanted, gap, length)
    assert len(placed) == len(wanted)
    order = np.argsort(wanted, kind="stable")
    in_order = [placed[i] for i in order]
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(in_order))
    if (len(wanted) - 1) * gap <= length:
        assert not placed or (min(placed) >= -1e-6 and max(placed) <= length + 1e-6)


@given(st.lists(st.integers(0, 20), unique=True, max_size=12))
def test_spread_moves_nothing_that_has_room(places: list[int]) -> None:
    wanted = [20.0 * place for place in places]
    assert spread(wanted, 15, 400) == pytest.approx(wanted)


def test_spread_moves_a_pair_apart_evenly() -> None:
    assert spread([100, 100], 15, 400) == pytest.approx([92.5, 107.5])
    assert spread([5, 5], 15, 400) == pytest.approx([0, 15])
    assert spread([400, 395], 15, 400) == pytest.approx([400, 385])
    assert spread([], 15, 400) == []


# --- colours ------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_by_hand() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@THEMES
def test_every_hue_has_a_line_and_a_label(theme: Theme) -> None:
    assert theme.line.keys() == theme.label.keys()
    assert set(palette._HUES.values()) | set(palette._SPARE) | {"grey"} == set(theme.line)
    assert len(set(theme.line.values())) == len(theme.line)


def test_the_theme_of_the_app_is_the_theme_of_the_charts() -> None:
    config = ROOT / ".streamlit" / "config.toml"
    backgrounds = re.findall(r'^backgroundColor\s*=\s*"(#[0-9a-fA-F]{6})"', config.read_text(), re.M)
    shown = {colour.lower() for colour in backgrounds}
    for theme in (LIGHT, DARK):
        for background in shown:
            same = (luminance(background) > 0.5) == (luminance(theme.background) > 0.5)
            for colour in theme.label.values():
                assert not same or contrast(colour, background) >= 4.5


def test_models_of_unknown_size_keep_a_colour_of_their_own() -> None:
    own = [ModelInfo(name=name, family="local") for name in ("a", "b", "c", "d")]
    assert [palette.hue(m) for m in own] == [palette.hue(m) for m in own]
    assert len({palette.hue(m) for m in own}) == 4
    assert palette.theme(None) is LIGHT
    assert palette.theme("dark") is DARK


@THEMES
def test_bands_are_areas_and_stay_out_of_the_legend(measured: Measurements, theme: Theme) -> None:
    frame = tables.curve_frame(measured, ("acc",))
    frame = frame.assign(low=frame["value"] - 0.05, high=frame["value"] + 0.05)
    figure = curve_charts.learning_curves(frame, models(measured), "acc", theme, narrow=True)
    areas = [trace for trace in figure.data if trace.fill == "toself"]
    assert len(areas) == 4
    assert all("0.15" in area.fillcolor and not area.showlegend for area in areas)
    low, high = figure.layout.yaxis.range
    assert low <= frame["low"].min()
    assert high >= frame["high"].max()


def test_ticks_of_a_logarithmic_axis_are_written_out() -> None:
    ticks = canvas.log_ticks(0.4, 13.0)
    assert {"0.5", "1", "2", "5", "10"} <= set(ticks["ticktext"])
    assert canvas.log_ticks(1, 1e6)["ticktext"][-2:] == ["100,000", "1,000,000"]
    assert len(ticks["tickvals"]) == len(set(ticks["ticktext"]))
