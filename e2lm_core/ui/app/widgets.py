"""Shared widgets: headline, chart, table, score card, empty state.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NoReturn

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from e2lm_core.analysis import reasons
from e2lm_core.analysis.score import messages as score_words
from e2lm_core.base import formatting, json_values, labels
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS, TaskSet, Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import ENGLISH
from e2lm_core.charts import canvas
from e2lm_core.charts import curves as curve_charts
from e2lm_core.charts.svg import figure as svg_figure
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import null
from e2lm_core.ui import run_launcher
from e2lm_core.ui.app import doors, table_words
from e2lm_core.ui.base import chart_mode, language, markdown, polling, urls, viewport
from e2lm_core.ui.cache import element_replay, results
from e2lm_core.ui.session import current_set_name, current_theme, file_name


def headline(sentence: str) -> None:
    """Draw the headline: the computed sentence that answers a view's question."""
    markdown.markdown(sentence)


def explained_lines(words: Mapping[str, str]) -> markdown.SafeMarkdown:
    """Names in bold with their explanations, as Markdown for a hover text."""
    return markdown.safe_sentence(
        "\n\n".join(f"**{name}**: {language.translate(meaning)}" for name, meaning in words.items())
    )


def chart(
    figure: go.Figure | Callable[[], go.Figure], key: str, alt: str, inputs: tuple[object, ...] | None = None
) -> None:
    """Draw a figure in its own colours: as a picture until the visitor's first touch of a chart, then as Plotly's.

    Args:
        figure: The figure, or a function that makes it.
        key: Key of the element, and name of its picture's file.
        alt: Description for screen readers.
        inputs: Everything that the figure depends on; if given, it is made once for all sessions, see
            `element_replay.once`.
    """

    def draw() -> None:
        made = _prepared(figure() if callable(figure) else figure)
        if not _drew_picture(made, key, alt):
            st.plotly_chart(made, theme=None, key=key, config=canvas.config(key), alt=alt)

    if inputs is None:
        draw()
    else:
        element_replay.once(("chart", key, alt, *inputs), draw)


def _prepared(figure: go.Figure) -> go.Figure:
    """The figure in the visitor's language with fixed margins, without others' tags."""
    said = canvas.without_links(figure, language.translate)
    svg_figure.fix_sizes(said, viewport.is_narrow())
    return said


def _drew_picture(figure: go.Figure, key: str, alt: str) -> bool:
    """Draw the figure's picture, unless the visitor has touched a chart; whether it was drawn."""
    if chart_mode.is_interactive():
        return False
    picture = svg_figure.draw_figure(figure, alt, viewport.is_narrow())
    chart_mode.show_picture(picture, key, int(figure._layout["height"]))
    return True


def selectable_chart(figure: go.Figure, key: str, name: str, alt: str) -> dict[str, list[int]]:
    """Draw a figure whose points are selected by a click, a box or a lasso; the selected points of each trace.

    As with `chart`, a picture stands first; nothing is selected in it.

    Args:
        figure: The figure; another one needs another key.
        key: Key of the element.
        name: Name of its picture's file.
        alt: Description for screen readers.

    Returns:
        Indices of the selected points, by the name of their trace.
    """
    if _drew_picture(_prepared(figure), key, alt):
        return {}
    drawn = st.plotly_chart(
        figure,
        theme=None,
        key=key,
        config=canvas.config(name, selecting=True),
        alt=alt,
        on_select="rerun",
        selection_mode=("points", "box", "lasso"),
    )
    found: dict[str, list[int]] = {}
    for point in drawn.selection.points:
        if (number := point.get("curve_number", -1)) < len(figure.data) and "point_index" in point:
            found.setdefault(figure.data[number].name, []).append(int(point["point_index"]))
    return found


def curve_chart(
    measurements: Measurements,
    frame: pd.DataFrame,
    metric: str,
    key: str,
    alt: str,
    chance: float | None,
    before: pd.DataFrame | None = None,
    height: int = 420,
    title: str | None = None,
) -> None:
    """Draw learning curves of all models over tokens seen.

    Args:
        measurements: Results with the models and the early window.
        frame: Table of `tables.curve_frame`.
        metric: Metric of the curves.
        key: Key of the element.
        alt: Description for screen readers.
        chance: Chance level; None without one.
        before: Older curves, drawn faint behind.
        height: Height in pixels.
        title: Title of the y axis; None for the metric's.
    """
    plot = curve_charts.CurvePlot(
        frame,
        [curve.model for curve in measurements.curves],
        metric,
        current_theme(),
        chance=chance,
        early_end=set_scores.early_end(measurements),
        before=before,
        height=height,
        narrow=viewport.is_narrow(),
        title=title,
    )
    chart(curve_charts.learning_curves(plot), key, alt)


_NUMBER = st.column_config.NumberColumn


def _columns() -> dict[str, object]:
    """Settings of the columns that many tables have, in the visitor's language."""
    return {
        "SQ": _NUMBER("SQ", format="%.3f", help=language.translate(labels.SCORE_HELP["SQ"])),
        "SQ, 95% from": _NUMBER(
            "SQ, 95% from", format="%.3f", help=language.translate(labels.PART_HELP["interval"])
        ),
        "to": _NUMBER(language.translate("to"), format="%.3f", width="small"),
        "ρ": _NUMBER("ρ", format="%.3f", help=language.translate(labels.PART_HELP["ρ"])),
        "AC": _NUMBER("AC", format="%.3f", help=language.translate(labels.PART_HELP["AC"])),
        "Spearman": _NUMBER("Spearman", format="%.3f", help=language.translate(labels.PART_HELP["Spearman"])),
        "signed AC": _NUMBER(
            "signed AC", format="%.3f", help=language.translate(labels.PART_HELP["signed AC"])
        ),
        "counts": st.column_config.CheckboxColumn(
            language.translate("counts"), help=language.translate(labels.PART_HELP["counts"]), width="small"
        ),
        "points": _NUMBER(
            language.translate("points"), help=language.translate(labels.PART_HELP["points"]), width="small"
        ),
        "tokens_seen": _NUMBER(language.translate("tokens seen"), format="compact"),
        "early": st.column_config.CheckboxColumn(language.translate("early window"), width="small"),
        "value": _NUMBER(language.translate("value"), format="%.4f"),
        "step": _NUMBER(language.translate("step"), format="localized"),
        "n": _NUMBER(language.translate("questions"), width="small"),
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
    undefined: Mapping[str, str | None] | None = None,
    words: Sequence[str] = (),
) -> None:
    """Draw the numbers behind a chart, why some are missing, and a button that downloads them as CSV.

    Below the table stand the reasons for missing values: those of its column `why`, where a narrow window leaves
    that column out, and those of `undefined`.

    Args:
        frame: The table, or a function that makes it.
        name: Name of the table in the download's file name.
        key: Key of the elements.
        height: Height in pixels.
        phone_columns: Columns that a narrow window shows; all if empty.
        percent: Columns of shares in [0, 1], shown in percent.
        column_config: Further column settings for Streamlit.
        inputs: Everything that the table depends on; if given, it is drawn once for all sessions, see
            `element_replay.once`.
        undefined: Reason for missing values by column.
        words: Columns whose cells are words of the studio, beside those that are so in every table.
    """

    def made() -> pd.DataFrame:
        return frame() if callable(frame) else frame

    def draw() -> None:
        whole = made()
        shown = whole.dropna(axis=1, how="all") if len(whole) else whole
        shown = shown.assign(**{column: shown[column] * 100 for column in percent if column in shown})
        config = _columns() | {column: _NUMBER(format="%.1f%%") for column in percent} | (column_config or {})
        st.dataframe(
            _said(shown, words),
            hide_index=True,
            height=height,
            key=f"{key}_table",
            placeholder=formatting.DASH,
            column_order=list(phone_columns) if phone_columns and viewport.is_narrow() else None,
            column_config=headings(shown.columns, config),
        )
        cells = reasons.undefined_columns(whole, undefined or {})
        if phone_columns and viewport.is_narrow() and "why" not in phone_columns:
            cells += reasons.undefined_rows(whole, whole.columns[0])
        for note in reasons.undefined_notes(cells):
            markdown.caption(markdown.safe_sentence(note))

    if inputs is None:
        draw()
    else:
        element_replay.once(("table", key, name, *inputs), draw)
    csv_button(made, f"{file_name(current_set_name() or '')}-{name}.csv", key)


def headings(columns: Iterable[str], config: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Settings of a table's columns with their headings and explanations in the visitor's language.

    Args:
        columns: Names of the columns, in English; they are the headings of columns without a setting.
        config: Settings by column; a setting that is a text is the column's heading.
    """
    given: dict[str, Any] = {}
    for name in columns:
        own = (config or {}).get(name, name)
        if isinstance(own, dict):
            label, about = own.get("label") or name, own.get("help")
            words = {"label": language.translate(label), "help": about and language.translate(about)}
            given[name] = own | words
        else:
            given[name] = language.translate(own)
    return given


def _said(frame: pd.DataFrame, words: Sequence[str] = ()) -> pd.DataFrame:
    """A table with its sentences, and the texts of its columns of words, in the visitor's language."""
    if language.current() == ENGLISH:
        return frame
    of_words = table_words.COLUMNS_OF_WORDS | {*words}
    return frame.assign(
        **{
            name: [language.translate(cell) if isinstance(cell, str) else cell for cell in frame[name]]
            for name in of_words
            if name in frame
        },
        **{
            str(name): [
                language.translate(cell) if isinstance(cell, Sentence) else cell for cell in frame[name]
            ]
            for name, dtype in frame.dtypes.items()
            if pd.api.types.is_object_dtype(dtype)
            and name not in of_words
            and any(isinstance(cell, Sentence) for cell in frame[name])
        },
    )


def csv_button(frame: Callable[[], pd.DataFrame], name: str, key: str) -> None:
    """Draw a button that downloads a table as CSV.

    Args:
        frame: Makes the table on demand: as CSV, 15,000 rows take a tenth of a second.
        name: Name of the file.
        key: Key of the table, from which that of the button is made.
    """
    st.download_button(
        language.translate("Download CSV"),
        lambda: json_values.frame_to_csv(frame()),
        file_name=name,
        mime="text/csv",
        key=f"{key}_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def score_card(
    label: str,
    value: Value,
    curve: list[float] | None = None,
    silent: bool = False,
    by_design: bool = False,
) -> None:
    """Draw a score with its formula on hover; an undefined score is a dash with the reason on hover.

    Args:
        label: Name of the score, a key of `labels.SCORE_HELP`.
        value: The score.
        curve: Values of a small line below it; None for none.
        silent: The set's scores mean nothing; the headline says why.
        by_design: The score follows from how the models were made, not from the set.
    """
    silent = silent and value.value is not None
    help_text = language.translate(labels.SCORE_HELP[label])
    if value.value is None:
        help_text = f"{language.translate('Undefined here: {why}', why=value.why)}\n\n{help_text}"
    elif value.interval is None and value.why:
        help_text += f"\n\n{language.translate('No interval: {why}', why=value.why)}"
    elif value.coverage is not None:
        help_text += "\n\n" + language.translate(
            "In brackets, 95%: what a fresh set of as many questions would get; such intervals hold it in {share} of simulated sets{kind}.",
            share=f"{value.coverage:.0%}",
            kind=f" {language.translate(value.kind)}" if value.kind else "",
        )
    if null.is_within_null(value):
        help_text += "\n\n" + language.translate("No better than guessing.")
    elif silent:
        help_text += "\n\n" + language.translate("Means nothing here: the sentence above says why.")
    if by_design and value.value is not None:
        help_text += "\n\n" + language.translate(
            "By design: of each size of the built-in models one shape was made worse on purpose."
        )
    if value.null is not None:
        help_text += "\n\n" + language.translate(
            "Of the same questions and log-likelihoods, {baseline}.",
            baseline=formatting.random_baseline(value.null),
        )
    name = language.translate(labels.SCORE_NAMES[label])
    st.metric(
        markdown.fill_template(":gray[{name}]", name=name)
        if silent or null.is_within_null(value)
        else markdown.escape(name),
        formatting.percent(value.value) if label in labels.PERCENT_SCORES else formatting.score(value.value),
        delta=markdown.escape(_certainty(label, value, silent, by_design) or "") or None,
        delta_color="off",
        delta_arrow="off",
        help=markdown.safe_sentence(help_text),
        border=True,
        height="stretch",
        chart_data=curve if value.value is not None and curve and len(curve) > 1 else None,
        chart_type="line",
    )


def _certainty(label: str, value: Value, silent: bool, by_design: bool) -> str | None:
    if value.value is None:
        return language.translate("undefined")
    if null.is_within_null(value):
        return language.translate("like random")
    if silent:
        return language.translate("means nothing")
    if by_design:
        return language.translate("by design")
    if value.interval is None:
        return None
    return formatting.interval(*value.interval, share=label in labels.PERCENT_SCORES)


def seed_spread(scores: Scores) -> None:
    """Draw the SQ over the models' seeds, if any was run from several."""
    if clause := score_words.seed_clause(scores.sq_seeds):
        markdown.caption(
            markdown.fill_template(
                "SQ {clause}. The card is of the seeds that the others name in seed_of.", clause=clause
            )
        )


def assumption(measurements: Measurements) -> None:
    """Draw what the numbers assume: independent questions without groups, and models that are no seeds of one."""
    if asked := set_scores.undeclared_seeds(measurements.layout("acc")):
        markdown.caption(markdown.fill_template(":material/help: {asked}", asked=asked))
    if measurements.independence_note:
        markdown.caption(
            markdown.fill_template(
                ":material/info: {note} Check *Similar questions* on Questions.",
                note=markdown.safe_sentence(measurements.independence_note),
            )
        )


def how_computed(*sentences: object) -> None:
    """Draw the explanation of a view's method, folded."""
    with st.expander(language.translate("How this is computed"), icon=":material/info:"):
        for sentence in sentences:
            markdown.markdown(sentence)


def empty_state(sentence: str, icon: str = ":material/hourglass_empty:") -> None:
    """Draw an empty state: a sentence on the missing content; the caller draws the next step below."""
    markdown.info(sentence, icon=icon)


def run_first(sentence: str, task: TaskSet) -> NoReturn:
    """End a page that needs results, with a sentence on the content to come and a link to a run.

    While a run goes on, the page is redrawn with each new result. For a set without questions the link leads
    to writing.
    """
    state = results.state(task)
    if state.kind == "running":
        empty_state("Running. Results appear here automatically.")
        urls.link("run", "See the run", ":material/play_circle:")
        redraw_while_running(task, polling.PROGRESS_S)
    elif not task.questions:
        empty_state("Add questions first.")
        write_first()
    elif (found := results.doors(task)) is not None and found.first == "door":
        empty_state(found.sentence)
        doors.links(found)
    else:
        empty_state(sentence)
        urls.link("run", "Choose checkpoints", ":material/play_circle:")
    st.stop()


def run_poll_interval(task: TaskSet, base_s: float = polling.CHARTS_S) -> float | None:
    """Seconds between two drawings while a run of a set goes on; None without a run."""
    state = results.state(task)
    if state.kind != "running":
        return None
    return polling.poll_interval(base_s, run_launcher.is_own_run(state))


def redraw_while_running(task: TaskSet, pace_s: float = polling.CHARTS_S) -> None:
    """Redraw the whole page with each new result while a run goes on; for pages with little content yet."""
    if every_s := run_poll_interval(task, pace_s):
        st.fragment(_until_more, run_every=every_s)(task, results.measurements(task))


def _until_more(task: TaskSet, seen: Measurements) -> None:
    if results.measurements(task) is not seen or results.state(task).kind != "running":
        polling.redraw_page()


def set_control_value(key: str, value: object) -> bool:
    """Set the value of a control, before it is drawn, if it has another.

    A value that is set is sent to the browser. Sent with each drawing, it would take back a choice that is made
    while the drawing arrives.

    Args:
        key: Key of the control. If controls of two pages share it, the second page's has its own default, and
            not the value of the first.
        value: Value that the control should have.

    Returns:
        Whether the value was set.
    """
    if key in st.session_state and st.session_state[key] == value:
        return False
    st.session_state[key] = value
    return True


def selector(
    label: str,
    options: Sequence[str],
    selected: str | None,
    select: Callable[[str], None],
    *,
    key: str,
    format_func: Callable[[str], str],
    placeholder: str | None = None,
    label_visibility: Literal["visible", "collapsed"] = "collapsed",
    width: int,
) -> None:
    """Draw a list to select from that always shows what is selected now.

    A value is selected by its user alone, in a callback: a list that compared its own value with the selected
    one took an old value of itself for a new one, and two lists went on correcting each other for good.
    """
    shown = selected if selected in options else None
    is_set = set_control_value(key, shown)

    def pick() -> None:
        if (picked := st.session_state.get(key)) is not None:
            select(picked)

    st.selectbox(
        markdown.escape(label),
        options,
        # Streamlit warns of a default beside a value that is set.
        index=None if shown is None else 0 if is_set else list(options).index(shown),
        placeholder=None if placeholder is None else markdown.escape(placeholder),
        format_func=format_func,
        label_visibility=label_visibility,
        width=width,
        key=key,
        on_change=pick,
    )


def perform_action(action: Callable[[], object], then: Callable[[], object] | None = None) -> None:
    """Perform an action and redraw the page; a refusal is shown.

    Args:
        action: The action; it may raise StudioError.
        then: Called after the action, before the page is redrawn.
    """
    try:
        action()
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    if then is not None:
        then()
    st.rerun()


def write_first() -> NoReturn:
    """End the page of a set without questions, with a link to writing some."""
    urls.link("write", "Write questions", ":material/edit_note:")
    st.stop()


def current_metric() -> str:
    """Selected metric, from the link or the last control used; for elements above the control."""
    name = st.session_state.get(urls.HELD["metric"])
    return name if name in METRICS else METRICS[0]


def metric_control(key: str, explained: bool = False) -> str:
    """Draw the control that selects a metric, the same in all places, and return the metric.

    Args:
        key: Key of the control.
        explained: Explain each metric on hover.
    """
    set_control_value(key, current_metric())
    chosen = st.segmented_control(
        language.translate("Metric"),
        METRICS,
        required=True,
        key=key,
        on_change=urls.remember_choice,
        args=("metric", key),
        help=explained_lines(labels.METRIC_HELP) if explained else None,
    )
    return chosen or current_metric()
