"""Learning curves: what is always drawn, in which colours, and what stays in view."""

from __future__ import annotations

from collections import Counter

import numpy as np
import plotly.graph_objects as go
import pytest

from e2lm_core.analysis import tables
from e2lm_core.base.records import METRICS, ModelInfo
from e2lm_core.charts import curves as curve_charts
from e2lm_core.charts import palette
from e2lm_core.charts.palette import DARK, LIGHT, Theme
from e2lm_core.runs import evaluate, results
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets import collection
from tests.support import studios

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measurements:
    studio = studios.studio(tmp_path_factory.mktemp("charts"))
    task = collection.open_set(studio.settings, "little")
    evaluate.evaluate(studio, task, studio.catalogue.checkpoints)
    return results.load_measurements(studio, task, studio.catalogue.checkpoints)


def models(measured: Measurements) -> list[ModelInfo]:
    return [curve.model for curve in measured.curves]


def texts(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


@THEMES
@pytest.mark.parametrize("metric", METRICS)
def test_curves_with_chance_and_window(measured: Measurements, theme: Theme, metric: str) -> None:
    frame = tables.curve_frame(measured)
    figure = curve_charts.learning_curves(
        curve_charts.CurvePlot(
            frame, models(measured), metric, theme, chance=0.25, early_end=set_scores.early_end(measured)
        )
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
    figure = curve_charts.learning_curves(
        curve_charts.CurvePlot(tables.curve_frame(measured), models(measured), "acc", LIGHT)
    )
    drawn = {trace.name: (trace.line.color, trace.line.dash) for trace in figure.data}
    assert drawn["small-arch1"] == (LIGHT.line["orange"], "solid")
    assert drawn["large-arch1"] == (LIGHT.line["blue"], "solid")
    assert drawn["small-arch1-web"] == (LIGHT.line["grey"], "dot")
    assert drawn["small-arch1-seed2"][0] == LIGHT.line["orange"]
    other = ModelInfo(name="ladder-large-arch2", family="ladder", size="large", arch="arch2")
    look = palette.assign_looks([other])[other.name]
    assert (look.hue, look.dash, look.symbol) == ("blue", "dash", "square")


def test_a_further_seed_is_named_only_where_its_first_is_not_drawn(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    every = curve_charts.CurvePlot(frame, models(measured), "acc", LIGHT)
    named = texts(curve_charts.learning_curves(every))
    assert "small-arch1" in named
    assert "small-arch1-seed2" not in named
    alone = [model for model in models(measured) if model.seed_of or model.size == "large"]
    assert "small-arch1-seed2" in texts(
        curve_charts.learning_curves(curve_charts.CurvePlot(frame, alone, "acc", LIGHT))
    )


def test_every_line_belongs_to_a_name_that_can_be_clicked(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    banded = frame.assign(low=frame["value"] - 0.1, high=frame["value"] + 0.1)
    smooth = frame[frame["metric"] == "acc"]
    plot = curve_charts.CurvePlot(banded, models(measured), "acc", LIGHT, 0.25, before=frame, smooth=smooth)
    figure = curve_charts.learning_curves(plot)
    names = [note.text for note in figure.layout.annotations if note.captureevents]
    assert set(names) < set(texts(figure)), "the chance line's name is none"
    assert len(names) == len(set(names)) == 3
    belongs = Counter(trace.meta or trace.name for trace in figure.data)
    assert set(belongs) == set(names)
    assert sorted(belongs.values()) == [4, 4, 8], "a further seed goes with its first"


def test_a_models_colour_does_not_depend_on_what_else_is_drawn(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    together = curve_charts.learning_curves(curve_charts.CurvePlot(frame, models(measured), "acc", DARK))
    for model in models(measured):
        alone = curve_charts.learning_curves(
            curve_charts.CurvePlot(frame[frame["model"] == model.name], [model], "acc", DARK)
        )
        assert alone.data[0].line.color in {
            trace.line.color for trace in together.data if trace.name == alone.data[0].name
        }


def test_an_incomplete_checkpoint_has_no_marker(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    frame.loc[frame["step"] == 500, "value"] = np.nan
    figure = curve_charts.learning_curves(curve_charts.CurvePlot(frame, models(measured), "acc", LIGHT))
    assert 0.5 not in figure.data[0].x


def test_a_family_without_tokens_is_drawn_by_step(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    frame["tokens_seen"] = np.nan
    figure = curve_charts.learning_curves(curve_charts.CurvePlot(frame, models(measured), "acc", LIGHT))
    assert "step" in figure.layout.xaxis.title.text
    assert figure.data[0].x.tolist() == list(studios.STEPS)


def test_what_was_before_an_edit_stays_faint_behind(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    figure = curve_charts.learning_curves(
        curve_charts.CurvePlot(frame, models(measured), "acc", LIGHT, before=frame)
    )
    assert len(figure.data) == 8
    assert [trace.opacity < 0.5 for trace in figure.data] == [True] * 4 + [False] * 4


def test_on_a_narrow_screen_a_legend_stands_for_the_names(measured: Measurements) -> None:
    frame = tables.curve_frame(measured)
    figure = curve_charts.learning_curves(
        curve_charts.CurvePlot(frame, models(measured), "acc", LIGHT, before=frame, narrow=True)
    )
    assert figure.layout.showlegend
    assert sum(bool(trace.showlegend) for trace in figure.data) == 3  # of four, one a further seed
    assert not {"small-arch1", "large-arch1"} & set(texts(figure))
    assert figure.layout.margin.r < 30


def test_a_legend_names_a_further_seed_only_where_its_first_is_not_drawn(measured: Measurements) -> None:
    frame, every = tables.curve_frame(measured), models(measured)
    (seed,) = [model for model in every if model.seed_of]

    def named(drawn: list[ModelInfo]) -> list[str]:
        plot = curve_charts.CurvePlot(frame, drawn, "acc", LIGHT, narrow=True)
        return [trace.name for trace in curve_charts.learning_curves(plot).data if trace.showlegend]

    assert named(every) == [model.short_name for model in every if model is not seed]
    assert seed.short_name in named([model for model in every if model.name != seed.seed_of])


@THEMES
def test_bands_are_areas_and_stay_out_of_the_legend(measured: Measurements, theme: Theme) -> None:
    frame = tables.curve_frame(measured, ("acc",))
    frame = frame.assign(low=frame["value"] - 0.05, high=frame["value"] + 0.05)
    figure = curve_charts.learning_curves(
        curve_charts.CurvePlot(frame, models(measured), "acc", theme, narrow=True)
    )
    areas = [trace for trace in figure.data if trace.fill == "toself"]
    assert len(areas) == 4
    assert all("0.15" in area.fillcolor and not area.showlegend for area in areas)
    low, high = figure.layout.yaxis.range
    assert low <= frame["low"].min()
    assert high >= frame["high"].max()


@THEMES
@pytest.mark.parametrize("narrow", [False, True])
def test_an_empty_frame_draws(theme: Theme, narrow: bool) -> None:
    empty = tables.curve_frame(Measurements("x", (), (), np.empty(0, int), np.empty((0, 0)), np.empty(0), ()))
    figure = curve_charts.learning_curves(
        curve_charts.CurvePlot(empty, [], "acc", theme, chance=0.25, early_end=1e6, narrow=narrow)
    )
    assert "NaN" not in figure.to_json()
