"""Pictures of the home page: the example's curves, a known benchmark's over real models, small ones on cards.

Tested in tests/pages/test_shelf.py and tests/ui/browser/test_views.py.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.canvas import CHANCE_ROOM, axis_range
from e2lm_core.charts.marks import lines
from e2lm_core.charts.palette import Theme, assign_looks, css_theme
from e2lm_core.export.picture.drawing import Chart, draw, model_line, point_texts
from e2lm_core.imported.scores import models
from e2lm_core.imported.shelf import library, messages
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.app import svg_chart
from e2lm_core.ui.base import language, page_cache
from e2lm_core.ui.cache import results
from e2lm_core.ui.cache import shelf as remembered
from e2lm_core.ui.places import shelf_panel
from e2lm_core.ui.places.result import overview

THUMBNAIL = (240, 44)


def previews(task: TaskSet) -> None:
    """Draw the example's curves, and second those of a real benchmark."""
    example, real = st.columns(2, gap="large")
    with example:
        overview.static_preview(task)
    with real:
        _real_benchmark()


def card_curve(task: TaskSet) -> None:
    """Draw the accuracy curves small, without axes, where a set's results have been read; nothing elsewhere."""
    now = results.known_measurements(task)
    if now is None or not now.has_curve:
        return
    frame = page_cache.get_or_compute("first curves", (now,), lambda: tables.curve_frame(now, ("acc",)))
    theme = session.current_theme()
    drawn = page_cache.get_or_compute(
        "picture of a card", (now, theme.name), lambda: render_thumbnail(now, frame, css_theme(theme))
    )
    svg_chart.show_svg(f"card_curve_{session.file_name(task.address)}", [drawn])


def render_thumbnail(now: Measurements, frame: pd.DataFrame, theme: Theme) -> str:
    """The accuracy of each model against tokens seen, with the line of chance, as a small SVG text."""
    by_name = {curve.model.name: curve.model for curve in now.curves}
    looks = assign_looks(by_name.values())
    found = [(name, points) for name, points in lines(frame, "acc") if not by_name[name].seed_of]
    xs = "tokens_seen" if bool(frame["tokens_seen"].notna().all()) else "step"
    values = [float(value) for _, points in found for value in points["value"]]
    chance = now.chance or 0.0
    low, high = axis_range(values, chance, CHANCE_ROOM)
    most = max((float(points[xs].max()) for _, points in found), default=0.0) or 1.0

    def place(x: float, y: float) -> str:
        return f"{x / most * THUMBNAIL[0]:.1f},{(high - y) / (high - low) * (THUMBNAIL[1] - 2) + 1:.1f}"

    parts = []
    if now.chance is not None:
        ends = f"{place(0, now.chance)} {place(most, now.chance)}"
        parts.append(f'<polyline points="{ends}" stroke="{theme.muted}" stroke-dasharray="2 3"/>')
    for name, points in found:
        at = " ".join(place(x, y) for x, y in zip(points[xs], points["value"], strict=True))
        parts.append(f'<polyline points="{at}" stroke="{theme.line[looks[name].hue]}"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {THUMBNAIL[0]} {THUMBNAIL[1]}" role="img" '
        'aria-label="Accuracy of each model while it is trained">'
        f'<g fill="none" stroke-width="1.2" stroke-linejoin="round">{"".join(parts)}</g></svg>'
    )


def _real_benchmark() -> None:
    shelved = next(one for one in library.benchmarks() if one.key == shelf_panel.FIRST)
    theme = session.current_theme()
    st.header(language.translate("A real benchmark"), anchor=False)
    pictures = page_cache.get_or_compute(
        "picture of a benchmark", (shelved, theme.name), lambda: render_pictures(shelved, css_theme(theme))
    )
    svg_chart.show_svg("home_benchmark", pictures)


def render_pictures(shelved: Shelved, theme: Theme) -> list[str]:
    """The picture for a wide page and for a narrow one, as SVG texts; the scores are shares."""
    metric = shelved.main_metric
    curves = remembered.curves(shelved, metric)
    by_name = {model.name: model for model in models(curves)}
    looks = assign_looks(by_name.values())
    drawn = []
    for name, points in lines(remembered.frame(shelved, metric), metric):
        seen, values = points["tokens_seen"], points["value"].to_numpy(float)
        said = point_texts(by_name[name].short_name, values, points["step"], seen, "acc")
        drawn.append(model_line(by_name[name], looks[name], theme, seen.to_numpy(float), values, said=said))
    chart = Chart(
        Sentence("Score of each model on {benchmark} against tokens seen", benchmark=shelved.label),
        drawn,
        True,
        shelved.chance(metric),
        None,
        "acc",
        messages.preview_sentence(shelved),
        messages.preview_label(shelved),
    )
    return [
        draw(chart, svg_chart.WIDE, theme, "benchmark-wide"),
        draw(chart, svg_chart.NARROW, theme, "benchmark-narrow"),
    ]
