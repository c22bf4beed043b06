"""Imported curves are drawn in colours that differ, one point and many models included."""

from __future__ import annotations

import pytest

from e2lm_core.base.records import ModelInfo
from e2lm_core.charts import imported as imported_charts
from e2lm_core.charts import palette
from e2lm_core.imported import scores
from e2lm_core.imported.records import Imported
from tests.support import harness_files


def table(models: int, steps: int = 3, metric: str = "acc", tokens: bool = True) -> Imported:
    rows = ["model,task,metric,step,tokens_seen,score"]
    rows += [
        f"m{m},t,{metric},{k},{k * 10**9 if tokens else ''},{0.2 + 0.1 * k / (m + 1)}"
        for m in range(models)
        for k in range(1, steps + 1)
    ]
    return harness_files.import_files({"x.csv": "\n".join(rows).encode()}, (), "x")


def draw(imported: Imported, **options):
    curves = list(imported.curves)
    looks = imported_charts.curve_styles(scores.models(curves))
    figure = imported_charts.imported_curves(
        scores.curve_frame(curves), looks, curves[0].metric, palette.theme("dark"), **options
    )
    return figure, looks


def test_no_two_unknown_models_look_alike():
    _, looks = draw(table(12))
    assert len({(look.hue, look.dash) for look in looks.values()}) == 12
    assert len({look.hue for look in list(looks.values())[:4]}) == 4


def test_models_of_the_palette_keep_their_colours():
    ladder = ModelInfo(name="ladder-large-arch2", family="ladder", size="large", arch="arch2")
    other = ModelInfo(name="other", family="imported")
    looks = imported_charts.curve_styles([other, ladder], [("studio: large-arch2", ladder)])
    assert (looks[ladder.name].hue, looks[ladder.name].dash) == ("blue", "dash")
    assert looks["studio: large-arch2"] == imported_charts.CurveStyle("blue", "dash", "square", studio=True)
    assert (looks["other"].hue, looks["other"].dash) != ("blue", "dash")


def test_the_axis_has_the_unit_of_the_tokens():
    figure, _ = draw(table(2))
    assert figure.layout.xaxis.title.text == "tokens seen (billions)"
    assert list(figure.data[0].x) == [1, 2, 3]
    figure, _ = draw(table(2, tokens=False))
    assert figure.layout.xaxis.title.text == "training step"


def test_names_stand_at_the_lines_ends_until_they_no_longer_fit():
    figure, _ = draw(table(5))
    assert {a.text for a in figure.layout.annotations} == {f"m{k}" for k in range(5)}
    figure, _ = draw(table(40))
    assert not figure.layout.annotations
    assert figure.layout.showlegend
    narrow, _ = draw(table(3), narrow=True)
    assert narrow.layout.showlegend


def test_one_point_draws():
    imported = table(1, steps=1)
    figure, _ = draw(imported, chance=0.25)
    assert len(figure.data) == 1
    low, high = figure.layout.yaxis.range
    assert low < 0.25 < high


def test_metrics_of_others_have_a_title():
    assert imported_charts.metric_axis_title("acc_raw") == "accuracy"
    assert imported_charts.metric_axis_title("acc_per_byte") == "acc_per_byte"
    assert imported_charts.metric_axis_title("bits_per_byte_corr") == "bits_per_byte_corr (lower is better)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_bands_are_drawn_where_samples_are(theme):
    imported = harness_files.import_files(harness_files.folder(), (), "x")
    curves = imported.curves_of("metals", "acc")
    bands = scores.bands(imported, "metals", "acc")
    assert bands is not None
    frame = scores.curve_frame(curves).merge(bands, on=["model", "step"])
    figure = imported_charts.imported_curves(
        frame, imported_charts.curve_styles(scores.models(curves)), "acc", palette.theme(theme), 1 / 3
    )
    assert [trace.fill for trace in figure.data] == ["toself", None]
