"""SVG charts drawn on the server.

The chart is drawn for a wide and for a narrow page, of which the browser shows the fitting one, and in the
colours of both themes: it follows a change of the theme, after which Streamlit redraws no page. The value of
a point is shown on hover; the numbers are in a table beside the chart. Once the chart is there, the browser
fetches the chart script for the next page.

Tested in tests/pages/test_sets.py and tests/ui/browser/test_views.py.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from e2lm_core.base.records import ModelInfo
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.marks import lines
from e2lm_core.charts.palette import Look, Theme, assign_looks, css_theme, css_variables
from e2lm_core.export.picture.drawing import Chart, Layout, Line, draw, model_line, point_texts
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.app import svg_words
from e2lm_core.ui.base import page_cache
from e2lm_core.ui.base.streamlit_internals import STATIC_FOLDER
from e2lm_core.ui.requests.middleware.security_headers import charts_script

METRIC = "acc"
WIDE = Layout(940, 304, left=62, right=144, top=14)
NARROW = Layout(360, 228, left=36, right=12, top=24, legend=2, ticks=(3, 6))
_JS = """
export default function ({ data, parentElement }) {
  const read = new DOMParser();
  const drawn = data.drawn.map((one) => read.parseFromString(one, "image/svg+xml").documentElement);
  parentElement.querySelector(".studio-picture").replaceChildren(...drawn);
  const next = Object.assign(document.createElement("link"), { rel: "prefetch", href: data.next });
  const fetched = () => { if (data.next && !document.querySelector("link[rel=prefetch]")) document.head.append(next); };
  (window.requestIdleCallback ?? setTimeout)(fetched);
}
"""


_CSS = (
    f"""
@supports (color: light-dark(#fff, #000)) {{ .studio-picture {{ {css_variables()} }} }}
"""
    + """
.studio-picture { container-type: inline-size; }
.studio-picture > svg { display: block; width: 100%; font-variant-numeric: tabular-nums; }
.studio-picture > svg + svg { display: none; }
@container (max-width: 560px) {
  .studio-picture > svg:not(:only-child) { display: none; }
  .studio-picture > svg + svg:not(:only-child) { display: block; }
}
"""
)


@st.cache_resource(show_spinner=False)
def _component():
    return st.components.v2.component(
        "studio_picture", html='<div class="studio-picture"></div>', css=_CSS, js=_JS, isolate_styles=False
    )


def draw_curves(measurements: Measurements, frame: pd.DataFrame, about: str) -> None:
    """Draw the learning curves; `about` is their description in words for screen readers."""
    theme = session.current_theme()
    drawn = page_cache.get_or_compute(
        "picture of curves",
        (measurements, about, theme.name),
        lambda: render_svgs(measurements, frame, about, css_theme(theme)),
    )
    show_svg("home_picture", drawn, charts_script(STATIC_FOLDER))


def show_svg(key: str, drawn: list[str], fetched_next: str = "") -> None:
    """Draw one picture, or a pair of them for a wide and a narrow page.

    Args:
        key: Key of the element.
        drawn: The SVG texts, the wide page's first.
        fetched_next: Address of a script that the browser fetches afterwards for the next page; "" for none.
    """
    said = [svg_words.translated(one) for one in drawn]
    _component()(key=key, data={"drawn": said, "next": fetched_next})


def render_svgs(now: Measurements, frame: pd.DataFrame, about: str, theme: Theme) -> list[str]:
    """The picture for a wide page and for a narrow one, as SVG texts.

    Args:
        now: Measurements of the set.
        frame: Its learning curves.
        about: Description in words; `**` is removed.
        theme: Colours.
    """
    models = {curve.model.name: curve.model for curve in now.curves}
    looks = assign_looks(models.values())
    by_tokens = bool(frame["tokens_seen"].notna().all())
    chart = Chart(
        Sentence("Accuracy of each model against tokens seen"),
        [_line(models[name], looks[name], points, by_tokens, theme) for name, points in lines(frame, METRIC)],
        by_tokens,
        now.chance,
        set_scores.early_end(now) if by_tokens else None,
        METRIC,
        about.replace("**", ""),
    )
    return [draw(chart, WIDE, theme, "picture-wide"), draw(chart, NARROW, theme, "picture-narrow")]


def _line(model: ModelInfo, look: Look, points: pd.DataFrame, by_tokens: bool, theme: Theme) -> Line:
    xs = points["tokens_seen" if by_tokens else "step"].to_numpy(float)
    values, steps, seen = points["value"].to_numpy(float), points["step"], points["tokens_seen"]
    said = [] if model.seed_of else point_texts(model.short_name, values, steps, seen, METRIC)
    return model_line(model, look, theme, xs, values, said=said)
