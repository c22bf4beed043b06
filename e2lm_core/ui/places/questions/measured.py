"""Tab Measured.

Tested in tests/pages/test_questions.py.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from e2lm_core.analysis.questions import item_correlations
from e2lm_core.analysis.questions import messages as choice_words
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.rules import OF_MODELS
from e2lm_core.base import formatting
from e2lm_core.base.records import BOUNDED_METRICS, SHARES, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts import questions as question_charts
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls, viewport
from e2lm_core.ui.cache import questions as remembered
from e2lm_core.ui.editor import question_view

# Small curves are sent to the browser for at most this number of rows.
SPARK_ROWS = 1000
RANGES = (
    *("slope", "acc", "margin", "norm_prob", "discrimination", *item_correlations.COLUMNS, "contrast"),
    *("length", "gold_ratio"),
)
ORDER = ("id", "curve", *OF_MODELS, "subject", "question", "length")
PHONE_COLUMNS = ("id", "slope", "acc", "margin")
_HIDDEN = ("early_margin",)
_TICKS = ("digits", "taught")
_FORMATS = {
    "acc": "%.1f%%",
    "length": "%d",
    "choices": "%d",
    "gold_ratio": "%.2f",
    "slope": "%.2f",
    "margin": "%.2f",
}


def measured_tab(task: TaskSet, measurements: Measurements, pool: Pool, frame: pd.DataFrame) -> None:
    """Draw the tab: filters, the table of the questions, and curves of the selection against the rest.

    Args:
        task: The set.
        measurements: Its results.
        pool: Its question pool.
        frame: Table of `question_pool.question_frame`, a row for each question.
    """
    left = _filters(frame)
    rows = np.flatnonzero(left)
    selected = np.zeros(len(frame), bool)
    picked = _rows(pool, frame, rows)
    selected[rows[picked]] = True
    if not picked and len(rows) < len(frame):
        # A filter counts as a selection too: nobody clicks half of 15,000 rows.
        selected = left
    _notes(pool, rows)
    if len(pool.ids) > 1:
        markdown.caption(choice_words.reliability_sentence(remembered.reliability(pool, measurements)))
    _relevance(task)
    if picked:
        question_view.show_selected(task, list(frame["id"][selected]), "questions", pool.models)
    if selected.any():
        _selection(task, measurements, pool, frame, selected, bool(picked))
    else:
        st.caption(
            language.translate(
                "Select or filter questions to compare them with the rest and to keep them as a copy."
            )
        )


def _filters(frame: pd.DataFrame) -> np.ndarray:
    """Rows that pass the filters, bool [Q]."""
    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="small"):
        subjects, chosen = sorted(s for s in frame["subject"].unique() if s), []
        if subjects:
            key = urls.HELD["subject"]
            if unknown := set(st.session_state.get(key, ())) - set(subjects):
                st.session_state[key] = [one for one in st.session_state[key] if one not in unknown]
            chosen = st.multiselect(
                language.translate("Subjects"),
                subjects,
                key=key,
                width=320,
                placeholder=language.translate("all"),
                persist_state="session",
            )
        text = st.text_input(
            language.translate("Find"),
            key=urls.HELD["find"],
            width=220,
            placeholder=language.translate("in id and text"),
            persist_state="session",
        )
        with st.popover(language.translate("Ranges"), icon=":material/tune:"):
            ranges = {column: limits for column in RANGES if (limits := _range(frame[column], column))}
    return question_pool.filter_rows(frame, chosen, text, ranges)


def _range(values: pd.Series, column: str) -> tuple[float, float] | None:
    """Range selected with a column's slider; None if it keeps every row."""
    known = values.dropna()
    if not len(known) or known.min() >= known.max():
        return None
    low, high = _rounded(known.min(), known.max())
    limits = st.slider(
        language.translate(choice_words.COLUMN_LABEL[column]),
        low,
        high,
        (low, high),
        key=f"questions_range_{column}",
        help=language.translate(choice_words.COLUMN_HELP[column]),
    )
    return limits if limits != (low, high) else None


def _rounded(low: float, high: float) -> tuple[float, float]:
    """A range rounded outwards to hundredths, so that a slider's ends include every value."""
    return float(np.floor(low * 100) / 100), float(np.ceil(high * 100) / 100)


def _rows(pool: Pool, frame: pd.DataFrame, rows: np.ndarray) -> list[int]:
    """Draw the table of these rows; positions of the selected ones among them."""
    view = _view(pool, frame, rows)
    picked = st.dataframe(
        view,
        hide_index=True,
        height=420 if len(rows) > 10 else "auto",
        placeholder=formatting.DASH,
        column_order=PHONE_COLUMNS if viewport.is_narrow() else None,
        on_select="rerun",
        selection_mode="multi-row",
        # Rows are selected by position: other rows need a table with another key.
        key=f"questions_table_{pool.task}_{hash(rows.tobytes())}",
        column_config=_config(view),
    )
    widgets.csv_button(lambda: frame.iloc[rows], f"{pool.task}-questions.csv", "questions")
    return list(picked.selection.rows)


def _view(pool: Pool, frame: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Columns with content, the most informative first; small curves for up to `SPARK_ROWS` rows."""
    empty = question_pool.undefined_reasons(pool)
    view = frame.iloc[rows].drop(columns=[*_HIDDEN, *(c for c in empty if c in frame)])
    if 0 < len(rows) <= SPARK_ROWS and len(pool.steps) > 1:
        view["curve"] = question_pool.sparkline_rows(pool, rows)
    ahead = [c for c in ORDER if c in view]
    view = view[[*ahead, *(c for c in view if c not in ahead)]]
    view = view.drop(columns=[c for c in ("subject", "source") if not (frame[c] != "").any()])
    return view.assign(acc=view["acc"] * 100)


def _config(view: pd.DataFrame) -> dict:
    numbers = {
        name: st.column_config.NumberColumn(
            language.translate(name if viewport.is_narrow() else choice_words.COLUMN_LABEL[name]),
            format=_FORMATS.get(name, "%.3f"),
            help=language.translate(choice_words.COLUMN_HELP[name]),
        )
        for name in view.columns
        if name in choice_words.COLUMN_LABEL and name not in _TICKS
    }
    ticks = {
        name: st.column_config.CheckboxColumn(
            language.translate(name), help=language.translate(choice_words.COLUMN_HELP[name]), width="small"
        )
        for name in _TICKS
    }
    return {
        **widgets.headings(view.columns),
        **numbers,
        **ticks,
        "curve": st.column_config.LineChartColumn(
            "norm_prob",
            y_min=0,
            y_max=1,
            help=language.translate("Mean over models at the shared checkpoints, first to last."),
        ),
        "question": st.column_config.TextColumn(language.translate("question"), width="medium"),
    }


def _notes(pool: Pool, rows: np.ndarray) -> None:
    notes = [
        language.translate_count(
            "{number} question of {all}. A click on a column's head sorts.",
            "{number} questions of {all}. A click on a column's head sorts.",
            len(rows),
            all=language.whole_number(len(pool.ids)),
        )
    ]
    if len(rows) > SPARK_ROWS:
        notes.append(
            language.translate(
                "The small curves are drawn for at most {number} rows: narrow the table down to see them.",
                number=language.whole_number(SPARK_ROWS),
            )
        )
    notes += [
        language.translate(
            "No {column}: {why}", column=language.translate(choice_words.COLUMN_LABEL[c]), why=why
        )
        for c, why in question_pool.undefined_reasons(pool).items()
        if c != "relevance" and c not in item_correlations.COLUMNS
    ]
    notes.append(language.translate("Results for a single question are noisy. Treat them as hints."))
    markdown.caption(" ".join(notes))


def _relevance(task: TaskSet) -> None:
    asked = remembered.relevance_asked(task)
    if asked is False:
        st.caption(language.translate("Relevance cannot be computed here; the tab Relevance says why."))
    elif asked is None and st.button(
        language.translate("Add relevance"),
        icon=":material/science:",
        type="tertiary",
        key="questions_add_relevance",
        help=language.translate("Embeds the questions; new ones take a few seconds."),
    ):
        remembered.add_relevance(task)
        st.rerun()


def _selection(
    task: TaskSet,
    measurements: Measurements,
    pool: Pool,
    frame: pd.DataFrame,
    selected: np.ndarray,
    by_hand: bool,
) -> None:
    kept, rest = int(selected.sum()), int((~selected).sum())
    st.header(language.translate("Selected questions compared with the rest"), anchor=False)
    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="medium"):
        metric = widgets.metric_control("questions_metric")
        ids = list(frame["id"][selected])
        question_view.copy_selection(
            task.address,
            ids,
            "questions_keep",
            partial(question_view.origin_of_rows, task, ids, pool.models),
        )
    curves = question_pool.compared_frame(pool, selected, metric)
    widgets.chart(
        question_charts.compared(
            curves,
            metric,
            (kept, rest),
            session.current_theme(),
            measurements.chance if metric in BOUNDED_METRICS else None,
            set_scores.early_end(measurements),
            narrow=viewport.is_narrow(),
        ),
        "questions_compared",
        language.translate(
            "{metric} of the selected questions and of the rest against tokens seen", metric=metric
        ),
    )
    markdown.caption(
        Sentence(
            "Mean over {models}; {questions} selected by hand, {rest} others. No interval is drawn: these questions were "
            "picked by what is drawn. Choosing tells what of a difference other models confirm."
            if by_hand
            else "Mean over {models}; {questions} that the filters leave, {rest} others. No interval is drawn: these "
            "questions were picked by what is drawn. Choosing tells what of a difference other models confirm.",
            models=formatting.count(len(pool.models), "model"),
            questions=formatting.count(kept, "question"),
            rest=rest,
        )
    )
    widgets.table(
        curves,
        f"selection-{metric}",
        "questions_compared",
        height=240,
        phone_columns=("tokens_seen", "selection", "rest"),
        percent=("selection", "rest", "difference") if metric in SHARES else (),
    )
