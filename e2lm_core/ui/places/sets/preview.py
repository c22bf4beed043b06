"""Pictures of the home page: the example's curves, and beside them a known benchmark's over real models.

Tested in tests/pages/test_shelf.py and tests/ui/browser/test_views.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.records import TaskSet
from e2lm_core.charts.marks import lines
from e2lm_core.charts.palette import Theme, assign_looks, css_theme
from e2lm_core.export.picture.drawing import Chart, draw, model_line, point_texts
from e2lm_core.imported.scores import models
from e2lm_core.imported.shelf import library, messages
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.ui import session
from e2lm_core.ui.app import svg_chart
from e2lm_core.ui.base import page_cache
from e2lm_core.ui.cache import shelf as remembered
from e2lm_core.ui.places import shelf_panel
from e2lm_core.ui.places.result import overview


def previews(task: TaskSet) -> None:
    """Draw the example's curves, and second those of a real benchmark."""
    example, real = st.columns(2, gap="large")
    with example:
        overview.static_preview(task)
    with real:
        _real_benchmark()


def _real_benchmark() -> None:
    shelved = next(one for one in library.benchmarks() if one.key == shelf_panel.FIRST)
    theme = session.current_theme()
    st.subheader("A real benchmark", anchor=False)
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
        f"Score of each model on {shelved.label} against tokens seen",
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
