"""Shared widgets: headline, chart, table, score card, empty state.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NoReturn

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from e2lm_core.base import formatting, json_values, labels
from e2lm_core.base.records import METRICS, TaskSet, Value
from e2lm_core.charts import canvas
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import null
from e2lm_core.ui import run_launcher
from e2lm_core.ui.app import markdown, polling, urls, viewport
from e2lm_core.ui.cache import element_replay, results
from e2lm_core.ui.session import file_name, set_name


def headline(sentence: str) -> None:
    """The one computed sentence that is a view's answer."""
    markdown.markdown(sentence)


def explained_lines(words: Mapping[str, str]) -> markdown.SafeMarkdown:
    """Names in bold, each with what it means, as the text that shows on hover."""
    return markdown.safe_sentence("\n\n".join(f"**{name}**: {meaning}" for name, meaning in words.items()))


def chart(
    figure: go.Figure | Callable[[], go.Figure], key: str, alt: str, inputs: tuple[object, ...] | None = None
) -> None:
    """Drawn as it is: the figure carries the theme's own colours, so Streamlit's are switched off.

    With `of`, all that it depends on, a figure that is made by a call is made once for all who look: `drawn.once`.
    """

    def draw() -> None:
        made = figure() if callable(figure) else figure
        st.plotly_chart(canvas.without_links(made), theme=None, key=key, config=canvas.CONFIG, alt=alt)

    if inputs is None:
        draw()
    else:
        element_replay.once(("chart", key, alt, *inputs), draw)


_NUMBER = st.column_config.NumberColumn
_COLUMNS = {
    "SQ": _NUMBER("SQ", format="%.3f", help=labels.SCORE_HELP["SQ"]),
    "SQ, 95% from": _NUMBER("SQ, 95% from", format="%.3f", help=labels.PART_HELP["interval"]),
    "to": _NUMBER("to", format="%.3f", width="small"),
    "ρ": _NUMBER("ρ", format="%.3f", help=labels.PART_HELP["ρ"]),
    "AC": _NUMBER("AC", format="%.3f", help=labels.PART_HELP["AC"]),
    "Spearman": _NUMBER("Spearman", format="%.3f", help=labels.PART_HELP["Spearman"]),
    "signed AC": _NUMBER("signed AC", format="%.3f", help=labels.PART_HELP["signed AC"]),
    "counts": st.column_config.CheckboxColumn("counts", help=labels.PART_HELP["counts"], width="small"),
    "points": _NUMBER("points", help=labels.PART_HELP["points"], width="small"),
    "tokens_seen": _NUMBER("tokens seen", format="compact"),
    "early": st.column_config.CheckboxColumn("early window", width="small"),
    "value": _NUMBER("value", format="%.4f"),
    "step": _NUMBER("step", format="localized"),
    "n": _NUMBER("questions", width="small"),
}


def table(
    frame: pd.DataFrame | Callable[[], pd.DataFrame],
    name: str,
    key: str,
    height: int | Literal["auto"] = "auto",
    phone_columns: Sequence[str] = (),
    percent: Sequence[str] = (),
    column_config: dict | None = None,
    inputs: tuple[object, ...] | None = None,
) -> None:
    """The numbers behind a chart, and their download.

    A narrow window shows the columns `few` alone; shares in the columns `percent` are said in percent. With `of`,
    all that it depends on, a frame that is made by a call is made once for all who look: `drawn.once`.
    """

    def made() -> pd.DataFrame:
        return frame() if callable(frame) else frame

    def draw() -> None:
        whole = made()
        shown = whole.dropna(axis=1, how="all") if len(whole) else whole
        shown = shown.assign(**{column: shown[column] * 100 for column in percent if column in shown})
        config = _COLUMNS | {column: _NUMBER(format="%.1f%%") for column in percent} | (column_config or {})
        st.dataframe(
            shown,
            hide_index=True,
            height=height,
            key=f"{key}_table",
            placeholder=formatting.DASH,
            column_order=list(phone_columns) if phone_columns and viewport.is_narrow() else None,
            column_config=config,
        )

    if inputs is None:
        draw()
    else:
        element_replay.once(("table", key, name, *inputs), draw)
    st.download_button(
        "Download CSV",
        # Made when asked for: 15,000 rows take a tenth of a second.
        lambda: json_values.frame_to_csv(made()),
        file_name=f"{file_name(set_name() or '')}-{name}.csv",
        mime="text/csv",
        key=f"{key}_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def score_card(label: str, value: Value, curve: list[float] | None = None) -> None:
    """A headline number with its formula on hover; undefined is a dash, and the hover says why."""
    help_text = labels.SCORE_HELP[label]
    if value.value is None:
        help_text = f"Undefined here: {value.why}\n\n{help_text}"
    elif value.interval is None and value.why:
        help_text += f"\n\nNo interval is shown: {value.why}"
    elif value.coverage is not None:
        help_text += f"\n\nIn brackets, 95%: what a fresh set of as many questions would get; such intervals hold it in {value.coverage:.0%} of simulated sets{f' {value.kind}' if value.kind else ''}."
    if null.is_within_null(value):
        help_text += "\n\nNot distinguishable from random answers."
    if value.null is not None:
        help_text += (
            f"\n\nOf the same questions and log-likelihoods, {formatting.random_baseline(value.null)}."
        )
    st.metric(
        markdown.fill_template(":gray[{label}]", label=label)
        if null.is_within_null(value)
        else markdown.escape(label),
        formatting.percent(value.value) if label in labels.PERCENT_SCORES else formatting.score(value.value),
        delta=markdown.escape(_certainty(label, value) or "") or None,
        delta_color="off",
        delta_arrow="off",
        help=markdown.safe_sentence(help_text),
        border=True,
        height="stretch",
        chart_data=curve if value.value is not None and curve and len(curve) > 1 else None,
        chart_type="line",
    )


def _certainty(label: str, value: Value) -> str | None:
    if value.value is None:
        return "undefined"
    if null.is_within_null(value):
        return "like random"
    if value.interval is None:
        return None
    return formatting.interval(*value.interval, share=label in labels.PERCENT_SCORES)


def assumption(measurements: Measurements) -> None:
    """At the end of a page with intervals: what they assume of the questions, where nobody has said it."""
    if measurements.independence_note:
        markdown.caption(
            f":material/info: {measurements.independence_note} Groups are proposed on Questions."
        )


def how_computed(*sentences: object) -> None:
    """What explains a view and is not its answer, folded."""
    with st.expander("How this is computed", icon=":material/info:"):
        for sentence in sentences:
            markdown.markdown(sentence)


def empty_state(sentence: str, icon: str = ":material/hourglass_empty:") -> None:
    """An empty state: what is missing, with what to do about it drawn below by the caller."""
    markdown.info(sentence, icon=icon)


def run_first(sentence: str, task: TaskSet) -> NoReturn:
    """End a page that has nothing to show before a run: what would appear here, and the way to a run.

    While one goes on the page is drawn again with each result that comes. A set without questions is led to writing some.
    """
    state = results.state(task)
    if state.kind == "running":
        empty_state("A run goes on. Nothing needs to be done: what it finds appears here by itself.")
        urls.link("run", "See the run", ":material/play_circle:")
        redraw_while_running(task, polling.PROGRESS_S)
    elif not task.questions:
        empty_state("Nothing can be run before there are questions: write or import some.")
        write_first()
    else:
        empty_state(sentence)
        urls.link("run", "Choose checkpoints", ":material/play_circle:")
    st.stop()


def redraw_while_running(task: TaskSet, pace_s: float = polling.CHARTS_S) -> None:
    """While a run of the set goes on, the whole page is drawn again with what it adds: for pages that say little yet."""
    state = results.state(task)
    if state.kind == "running":
        every_s = polling.poll_interval(pace_s, run_launcher.is_own_run(state))
        st.fragment(_until_more, run_every=every_s)(task, results.measurements(task))


def _until_more(task: TaskSet, seen: Measurements) -> None:
    if results.measurements(task) is not seen or results.state(task).kind != "running":
        st.rerun()


def write_first() -> NoReturn:
    """End a page that has nothing to show of a set without questions: the way to writing some."""
    urls.link("write", "Write questions", ":material/edit_note:")
    st.stop()


def current_metric() -> str:
    """The metric in hand, of the link or of the control on whatever tab, for what is drawn above that."""
    name = st.session_state.get(urls.HELD["metric"])
    return name if name in METRICS else METRICS[0]


def metric_control(key: str, explained: bool = False) -> str:
    """The control that chooses one of the metrics, for all places; what each means is on hover where it is to be explained."""
    if st.session_state.get(key) != current_metric():
        st.session_state[key] = current_metric()
    chosen = st.segmented_control(
        "Metric",
        METRICS,
        required=True,
        key=key,
        on_change=urls.remember_choice,
        args=("metric", key),
        help=explained_lines(labels.METRIC_HELP) if explained else None,
    )
    return chosen or current_metric()
