"""Charts of who is ahead at the end: what is known is drawn, and levels stand where they belong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from e2lm_core.analysis.decisions import messages, probability
from e2lm_core.analysis.decisions.outlook import Certainty, Outlook, Stop
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts import decisions as charts
from e2lm_core.charts.palette import DARK, LIGHT, Theme, assign_looks

MODEL = ModelInfo(name="f-big", family="f", size="large", arch="arch1")


def frame(*probabilities: float | None) -> pd.DataFrame:
    points = []
    for number, p in enumerate(probabilities, start=1):
        told = {} if p is None else {"probability": p, "is_second_ahead": True, "interval": (p - 0.1, 0.99)}
        points.append(
            Outlook(
                step=number,
                tokens_seen=number * 1e6,
                share=number / 10,
                first_score=0.3,
                second_score=0.4,
                why="none" if p is None else None,
                **told,
            )
        )
    return messages.outlook_frame(points, second=True)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("narrow", [False, True])
def test_the_probability_has_its_band_and_a_gap_where_it_is_not_known(theme: Theme, narrow: bool) -> None:
    look = assign_looks([MODEL])[MODEL.name]
    figure = charts.outlook_curve(frame(None, 0.7, 0.9), MODEL, look, theme, narrow)
    band, line = figure.data
    assert np.isnan(line.y[0])
    assert list(line.y[1:]) == [0.7, 0.9]
    assert band.y == pytest.approx((0.99, 0.99, 0.8, 0.6))
    assert [a.text for a in figure.layout.annotations] == ["50%", "80%", "90%"]
    assert figure.layout.yaxis.title.text == "big ahead at the end"


def test_the_other_models_probability_is_what_is_left() -> None:
    mirrored = messages.outlook_frame(
        [
            Outlook(
                step=1,
                tokens_seen=1e6,
                share=0.1,
                first_score=0.3,
                second_score=0.4,
                probability=0.7,
                is_second_ahead=True,
                interval=(0.6, 0.9),
            )
        ],
        second=False,
    )
    assert mirrored[["probability", "low", "high"]].iloc[0].tolist() == pytest.approx([0.3, 0.1, 0.4])


def test_a_set_has_a_diamond_at_each_level_that_it_reaches() -> None:
    stops = (Stop(level=0.8, tokens_seen=2.0, share=0.2), Stop(level=0.9, tokens_seen=None, share=None))
    found = Certainty(
        tokens_seen=(1.0, 2.0), shares=(0.1, 0.2), means=(0.5, 0.85), known=(0, 3), pairs=4, stops=stops
    )
    line, diamonds = charts.certainty_curve(found, LIGHT).data
    assert list(line.y) == [0.5, 0.85]
    assert (list(diamonds.x), list(diamonds.y)) == ([0.2], [0.85])
    figure = charts.certainty_curve(found, LIGHT, beside={"piqa": found, "sciq": found})
    assert [trace.name for trace in figure.data if trace.showlegend] == ["piqa", "sciq", "this set"]
    assert len({trace.line.color for trace in figure.data[:2]}) == 2


@pytest.mark.parametrize("narrow", [False, True])
def test_reliability_has_a_line_for_each_family_and_the_diagonal(narrow: bool) -> None:
    bands = probability.load_coefficients().reliability
    figure = charts.reliability(bands, LIGHT, narrow)
    families = list(dict.fromkeys(of.left_out for of in bands))
    assert [trace.name for trace in figure.data] == ["right as stated", *families]
    for trace in figure.data[1:]:
        own = [of for of in bands if of.left_out == trace.name]
        assert list(trace.y) == [of.right for of in own]
        for of, up, down in zip(own, trace.error_y.array, trace.error_y.arrayminus, strict=True):
            assert of.right + up <= 1 + 1e-9
            assert of.right - down >= 0
