"""Figures of questions, edits and choices: what is drawn, in which colours, where labels part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions import selection as question_choice
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.selection import Selection
from e2lm_core.charts import questions as question_charts
from e2lm_core.charts.palette import DARK, LIGHT, Theme
from tests.support.measured import fleet_measured, question_set

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


@pytest.fixture(scope="module")
def pool() -> Pool:
    return question_pool.build_pool(fleet_measured(), question_set())


@pytest.fixture(scope="module")
def choice(pool: Pool) -> Selection:
    return question_choice.select_questions(pool, "easiest-half")


@THEMES
def test_the_selection_stands_out_against_the_rest(pool: Pool, theme: Theme) -> None:
    chosen = np.arange(60) < 20
    frame = question_pool.compared_frame(pool, chosen, "acc")
    figure = question_charts.compared(frame, "acc", (20, 40), theme, chance=0.25, early_end=1_200_000)
    selected, rest = figure.data
    assert selected.line.color == theme.accent
    assert rest.line.color == theme.line["grey"]
    assert list(selected.y) == frame["selection"].tolist()
    texts = [a.text for a in figure.layout.annotations]
    assert {"selection (20)", "rest (40)", "chance 25%", "early window"} <= set(texts)
    assert figure.layout.xaxis.title.text == "tokens seen (millions)"


def test_labels_of_curves_that_end_together_part(pool: Pool) -> None:
    frame = question_pool.compared_frame(pool, np.arange(60) < 20, "acc")
    frame = frame.assign(rest=frame["selection"])
    figure = question_charts.compared(frame, "acc", (20, 40), LIGHT)
    shifts = [a.yshift for a in figure.layout.annotations if a.text.endswith(")")]
    assert abs(shifts[0] - shifts[1]) >= 15 - 1e-6


def test_a_side_without_questions_is_not_drawn(pool: Pool) -> None:
    frame = question_pool.compared_frame(pool, np.ones(60, bool), "margin")
    figure = question_charts.compared(frame, "margin", (60, 0), LIGHT, narrow=True)
    assert [t.name for t in figure.data] == ["selection (60)"]
    assert figure.layout.showlegend


@THEMES
@pytest.mark.parametrize("score", ["final", "sq", "snr"])
def test_every_fold_and_the_mean_stand_in_the_chart(choice: Selection, theme: Theme, score: str) -> None:
    figure = question_charts.gains(choice, score, theme)
    seen, held = (t for t in figure.data if t.mode == "markers")
    assert list(held.y) == [*(f.label for f in choice.folds), "mean"]
    assert held.x[-1] == choice.scores[score].held_out
    assert seen.x[-1] == choice.scores[score].in_sample
    assert held.marker.color == theme.accent
    low, high = figure.layout.xaxis.range
    drawn = [x for t in figure.data for x in t.x if x is not None]
    assert low < 0 < high
    assert low < min(drawn)
    assert max(drawn) < high


def test_undefined_gains_leave_their_row_empty(choice: Selection) -> None:
    nothing = {"final": None, "sq": None, "snr": None}
    folds = tuple(replace(f, in_sample=nothing, held_out=nothing) for f in choice.folds)
    gain = replace(choice.scores["final"], in_sample=None, held_out=None, interval=None)
    figure = question_charts.gains(replace(choice, folds=folds, scores={"final": gain}), "final", LIGHT)
    assert figure.layout.xaxis.range[0] < figure.layout.xaxis.range[1]
