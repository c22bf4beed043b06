"""The stacked bars: segments end to end, intervals where they belong, published ones with their sources."""

import pandas as pd
import pytest
from coloraide import Color

from e2lm_core.analysis.score import parts as score_parts
from e2lm_core.analysis.score import published
from e2lm_core.base.records import Value
from e2lm_core.charts import score as score_charts
from e2lm_core.charts.palette import DARK, LIGHT
from e2lm_core.scores.set_scores import Scores


def scores(sq, rc, cs, total):
    return Scores.model_construct(
        sq=sq,
        cs=cs,
        rc_reading="all_models",
        rc_readings={"all_models": rc},
        score_readings={"all_models": total},
    )


FULL = scores(
    Value(value=0.9, interval=(0.8, 1.0)),
    Value(value=0.5),
    Value(value=0.25, interval=(0.0, 0.5)),
    Value(value=0.6, interval=(0.5, 0.7)),
)
NO_TWIN = scores(Value(value=0.9), Value(value=0.5), Value(value=None, why="no"), Value(value=None, why="no"))


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("narrow", [False, True])
def test_segments_stand_end_to_end(theme, narrow):
    bars = pd.concat([score_parts.bar_frame("mine", FULL), score_parts.bar_frame("other", NO_TWIN)])
    figure = score_charts.score_bars(bars, theme, narrow)
    segments = {trace.name: trace for trace in figure.data if trace.type == "bar"}
    assert list(segments["SQ"].x) == pytest.approx([0.45, 0.45])
    assert list(segments["RC"].base) == pytest.approx([0.45, 0.45])
    assert list(segments["CS"].base) == pytest.approx([0.5])
    assert {a.text for a in figure.layout.annotations} == {"<b>mine</b>", "<b>other</b>"}
    # A set without a Score has no end mark; the intervals of SQ, CS and the whole of the other are drawn.
    assert sum(trace.mode == "markers" for trace in figure.data if trace.type == "scatter") == 1
    spans = [trace for trace in figure.data if trace.type == "scatter" and len(trace.x) == 2]
    assert [list(span.x) for span in spans] == [
        pytest.approx(s) for s in ([0.4, 0.5], [0.5, 0.7], [0.5, 0.7])
    ]
    assert [span.line.width for span in spans] == [1.6, 1.6, 3]  # the whole's stands out


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_what_stands_in_a_segment_can_be_read_on_it(theme):
    bars = score_parts.bar_frame("mine", FULL)
    random = bars.assign(set="like random answers", random=True)
    figure = score_charts.score_bars(pd.concat([bars.assign(random=False), random]), theme)
    segments = [trace for trace in figure.data if trace.type == "bar"]
    assert len(segments) == 3
    for trace in segments:
        inks = trace.textfont.color
        inks = [inks] * len(trace.x) if isinstance(inks, str) else inks
        for fill, ink in zip(trace.marker.color, inks, strict=True):
            over = Color(fill)
            ground = Color(theme.background).mix(over.clone().set("alpha", 1), over.alpha(), space="srgb")
            assert Color(ink).contrast(ground, method="wcag21") >= 4.5, (trace.name, fill, ink)


def test_published_figures_are_named_and_hatched():
    frame = score_charts.published_frame(published.published_figures())
    row = frame.iloc[0]
    assert (row["benchmark"], row["total"], row["SQ"]) == ("mmlu-var", 0.717, 0.959)
    assert row["from SQ"] + row["from RC and CS"] == pytest.approx(0.717)
    assert frame["total"].notna().sum() == 1  # no other total is published
    assert frame["source"].str.len().min() > 20
    figure = score_charts.published_bars(frame, LIGHT)
    assert all(trace.marker.pattern.shape for trace in figure.data)
    assert "0.717 in all, SQ 0.959" in {a.text for a in figure.layout.annotations}
