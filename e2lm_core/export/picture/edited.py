"""SVG charts of an edit: before and after.

Tested in tests/export/test_edited.py.
"""

from __future__ import annotations

import re

import numpy as np

from e2lm_core.analysis.questions import edits
from e2lm_core.base import formatting
from e2lm_core.base.records import BOUNDED_METRICS
from e2lm_core.charts import palette
from e2lm_core.export.picture.drawing import Chart, Layout, Line, draw, model_line, point_texts
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements, ModelCurve

_HEIGHT, _TICKS = 180, (5, 5)
BESIDE = Layout(740, _HEIGHT, ticks=_TICKS, is_fluid=True)
BELOW = Layout(360, _HEIGHT, right=16, legend=2, ticks=_TICKS, is_fluid=True)
OF_QUESTION = Layout(740, _HEIGHT, right=62, ticks=_TICKS, is_fluid=True)
QUESTION_BOX = (OF_QUESTION.plot_width, OF_QUESTION.height)  # box of the lines of a question's chart
_POLYLINE = re.compile(r'<polyline data-name="(before|now)" points="([^"]*)"')
OLD, BEHIND = 0.45, 0.28  # opacities of earlier lines: of a single one, and among many


def chart_of_set(before: Measurements, after: Measurements, metric: str, narrow: bool, theme: str) -> str:
    """SVG of the whole set's curves, with those before the edit faint.

    Models of another seed are left out: the chart is small and should not wait for them.

    Args:
        before: Measurements before the edit.
        after: Measurements after it.
        metric: Metric of the curves.
        narrow: Whether names stand in a legend below.
        theme: Name of the theme.
    """
    own = [curve for curve in after.curves if curve.model.seed_of is None]
    drawn = {curve.model.name for curve in own}
    old = [curve for curve in before.curves if curve.model.name in drawn]
    by_tokens = all(np.isfinite(curve.tokens_seen).all() for curve in (*old, *own))
    colours = palette.css_theme(palette.theme(theme))
    questions = f", n = {formatting.count(len(after.question_ids), 'question')}"
    looks = palette.assign_looks(curve.model for curve in after.curves)
    lines = [_of_model(curve, before, looks, metric, colours, by_tokens) for curve in old]
    lines += [_of_model(curve, after, looks, metric, colours, by_tokens, questions) for curve in own]
    chance = after.chance if metric in BOUNDED_METRICS else None
    window = set_scores.early_end(after) if by_tokens else None
    chart = Chart(f"{metric}, the whole set", lines, by_tokens, chance, window, metric)
    return draw(chart, BELOW if narrow else BESIDE, colours)


def question_chart(before: Measurements, after: Measurements, name: str, metric: str, theme: str) -> str:
    """SVG of one question's mean over models before and after the edit.

    Args:
        before: Measurements before the edit.
        after: Measurements after it.
        name: Id of the question.
        metric: Metric of the mean.
        theme: Name of the theme.
    """
    frames = [("now", edits.mean_frame(after, name, metric))]
    if name in before.question_ids:
        frames.insert(0, ("before", edits.mean_frame(before, name, metric)))
    frames = [(side, frame.dropna(subset=["value"])) for side, frame in frames]
    by_tokens = all(frame["tokens_seen"].notna().all() for _, frame in frames)
    mean = f", mean of {formatting.count(len(edits.scored_models(after)), 'model')}"
    colours = palette.css_theme(palette.theme(theme))
    lines = []
    for side, frame in frames:
        xs, ys = frame["tokens_seen" if by_tokens else "step"].to_numpy(), frame["value"].to_numpy()
        texts = point_texts(side, ys, frame["step"], frame["tokens_seen"], metric)
        said = [text + mean for text in texts]
        line = Line(side, xs, ys, colours.accent, colours.accent, width=2.4, said=said)
        lines.append(line._replace(dash="dot", faint=OLD) if side == "before" else line)
    title = f"{metric} of question {name}, before and after the edit"
    window = set_scores.early_end(after) if by_tokens else None
    chart = Chart(title, lines, by_tokens, question_chance(after, name, metric), window, metric)
    return draw(chart, OF_QUESTION, colours)


def lines_of_chart(drawn: str) -> list[tuple[str, str]]:
    """Name and points of each line of `question_chart`, for a small curve of the same size."""
    return _POLYLINE.findall(drawn)


def _of_model(
    curve: ModelCurve,
    measured: Measurements,
    looks: palette.Looks,
    metric: str,
    theme: palette.Theme,
    by_tokens: bool,
    more: str | None = None,
) -> Line:
    """Line of a model; faint and without marks if there is no text `more` for its points."""
    values = measured.values(curve.model.name, metric)
    there = np.isfinite(values)
    ys, steps, seen = values[there], curve.steps[there], curve.tokens_seen[there]
    xs = seen if by_tokens else steps
    if more is None:
        return model_line(curve.model, looks[curve.model.name], theme, xs, ys, faint=BEHIND, shown=False)
    texts = point_texts(curve.model.short_name, ys, steps, seen, metric)
    return model_line(
        curve.model, looks[curve.model.name], theme, xs, ys, said=[text + more for text in texts]
    )


def question_chance(measurements: Measurements, name: str, metric: str) -> float | None:
    """Accuracy of blind guessing on one question; None for a metric without a bound."""
    choices = int(measurements.choice_counts[measurements.question_ids.index(name)])
    return 1 / choices if metric in BOUNDED_METRICS else None
