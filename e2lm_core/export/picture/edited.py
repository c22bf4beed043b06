"""SVG charts of an edit: before and after.

Tested in tests/export/test_edited.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from e2lm_core.analysis.questions import edits
from e2lm_core.base import formatting
from e2lm_core.base.labels import METRIC_LABEL
from e2lm_core.base.records import BOUNDED_METRICS, SHARES
from e2lm_core.charts import canvas, palette
from e2lm_core.export.picture.drawing import Chart, Line, draw
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements, ModelCurve

NAME_PX = 62  # for "now" and "before"
LEGEND_COLUMNS = 2
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
    by_tokens = _by_tokens([*old, *own])
    questions = formatting.count(len(after.question_ids), "question")
    lines = [
        _of_model(curve, before.values(curve.model.name, metric), metric, theme, by_tokens) for curve in old
    ]
    lines += [
        _of_model(
            curve, after.values(curve.model.name, metric), metric, theme, by_tokens, f", n = {questions}"
        )
        for curve in own
    ]
    chance = after.chance if metric in BOUNDED_METRICS else None
    legend = LEGEND_COLUMNS if narrow else 0
    return _picture(f"{metric}, the whole set", lines, after, metric, theme, by_tokens, chance, legend=legend)


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
    accent = palette.css_theme(palette.theme(theme)).accent
    lines = []
    for side, frame in frames:
        xs, ys = frame["tokens_seen" if by_tokens else "step"].to_numpy(), frame["value"].to_numpy()
        said = [one + mean for one in _said(side, ys, frame["step"], frame["tokens_seen"], metric)]
        line = Line(side, xs, ys, accent, accent, width=2.4, said=said)
        lines.append(line._replace(dash="dot", faint=OLD) if side == "before" else line)
    title, chance = (
        f"{metric} of question {name}, before and after the edit",
        question_chance(after, name, metric),
    )
    return _picture(title, lines, after, metric, theme, by_tokens, chance, right=NAME_PX)


def _of_model(
    curve: ModelCurve, values: np.ndarray, metric: str, theme: str, by_tokens: bool, more: str | None = None
) -> Line:
    """Line of a model; faint and without marks if there is no text `more` for its points."""
    colours, model, there = palette.css_theme(palette.theme(theme)), curve.model, np.isfinite(values)
    hue, steps, seen = palette.hue(model), curve.steps[there], curve.tokens_seen[there]
    said = (
        ()
        if more is None
        else [one + more for one in _said(model.short_name, values[there], steps, seen, metric)]
    )
    return Line(
        model.short_name,
        seen if by_tokens else steps,
        values[there],
        colours.line[hue],
        colours.label[hue],
        palette.width(model),
        palette.dash(model),
        palette.symbol(model),
        said,
        BEHIND if more is None else 1.0,
        more is not None,
    )


def _by_tokens(curves: Sequence[ModelCurve]) -> bool:
    return all(np.isfinite(curve.tokens_seen).all() for curve in curves)


def _said(
    name: str, values: Iterable[float], steps: Iterable[int], seen: Iterable[float], metric: str
) -> list[str]:
    """Text of each point of a line."""
    written = formatting.percent if metric in SHARES else "{:.3f}".format
    return [
        f"{name}: {written(value)}, {canvas.checkpoint_label(int(step), float(there))}"
        for value, step, there in zip(values, steps, seen, strict=True)
    ]


def _picture(
    title: str,
    lines: Sequence[Line],
    now: Measurements,
    metric: str,
    theme: str,
    by_tokens: bool,
    chance: float | None,
    **more: int,
) -> str:
    window = set_scores.early_end(now) if by_tokens else None
    chart = Chart(title, lines, by_tokens, METRIC_LABEL[metric], metric in SHARES, chance, window, **more)
    return draw(chart, palette.css_theme(palette.theme(theme)))


def question_chance(measurements: Measurements, name: str, metric: str) -> float | None:
    """Accuracy of blind guessing on one question; None for a metric without a bound."""
    choices = int(measurements.choice_counts[measurements.question_ids.index(name)])
    return 1 / choices if metric in BOUNDED_METRICS else None
