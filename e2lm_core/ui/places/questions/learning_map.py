"""Tab Map: when each question is learnt, and difficulty against discrimination; both lead to the questions.

Tested in tests/pages/test_map.py.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.analysis.questions import learning_map as question_maps
from e2lm_core.analysis.questions import messages as choice_words
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.charts import learning_map as map_charts
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, viewport
from e2lm_core.ui.cache import questions as remembered
from e2lm_core.ui.editor import question_view
from e2lm_core.ui.editor.drafts import forms

LEARNT, SCATTER = language.mark("When learnt"), language.mark("Difficulty and discrimination")


def map_tab(
    task: TaskSet, measurements: Measurements, pool: Pool, frame: pd.DataFrame, head: DeltaGenerator
) -> None:
    """Draw the tab: one of its two charts with the table beside it, and what can be done to selected questions.

    Args:
        task: The set.
        measurements: Its results.
        pool: Its question pool.
        frame: Table of `question_pool.question_frame`, a row for each question.
        head: Place of the headline.
    """
    forms.show_queued()
    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="medium"):
        view = _view()
        model = _model(measurements) if view == LEARNT else None
    if view == LEARNT:
        _learnt(task, measurements, model, pool, head)
    else:
        _scatter(task, measurements, pool, frame, head)


def _view() -> str:
    if st.session_state.get("map_view") not in (LEARNT, SCATTER):
        st.session_state["map_view"] = LEARNT
    return str(
        st.segmented_control(
            language.translate("Chart"),
            [LEARNT, SCATTER],
            required=True,
            format_func=lambda view: markdown.escape(language.translate(view)),
            label_visibility="collapsed",
            key="map_view",
            persist_state="session",
        )
    )


def _model(measurements: Measurements) -> str | None:
    """Draw the choice of a model; None for all that count."""
    names = measurements.short_names
    if st.session_state.get("map_model") not in ("", *names):
        st.session_state["map_model"] = ""
    chosen = st.selectbox(
        language.translate("Model"),
        ["", *names],
        format_func=lambda name: names.get(name) or language.translate("all models (mean)"),
        key="map_model",
        width=260,
        persist_state="session",
    )
    return chosen or None


def _learnt(
    task: TaskSet, measurements: Measurements, model: str | None, pool: Pool, head: DeltaGenerator
) -> None:
    """Draw the learning map and its table, and the selected questions."""
    try:
        found = remembered.learning_map(measurements, model)
    except StudioError as error:
        with head:
            widgets.headline("Too little is computed yet to tell when questions are learnt.")
        widgets.empty_state(error.sentence)
        return
    with head:
        widgets.headline(choice_words.map_headline(found))
    frame = question_maps.map_frame(found, task.questions)
    ids = frame["id"].tolist()
    lines = question_maps.chart_lines(len(ids), map_charts.MAX_LINES)
    shown = pd.DataFrame(
        {
            "learnt": list(map(_place, frame["learnt_tokens"], frame["learnt_step"])),
            "question": frame["question"],
            "last": frame["last"],
            "id": ids,
        }
    )
    points, rows = _side_by_side(
        lambda: widgets.selectable_chart(
            map_charts.learning_map(found, ids, lines, session.current_theme(), viewport.is_narrow()),
            _key("map_learnt", task, model or "", ids),
            "map_learnt",
            language.translate(
                "Probability of the right answer by question and checkpoint, and the checkpoint at which each is learnt"
            ),
        ),
        lambda: _table(shown, _key("map_learnt_table", task, model or "", ids)),
    )
    picked = [lines[line] for line in points.get(map_charts.LEARNT, []) if line < len(lines)]
    _selected(task, pool, ids, {int(at) for line in picked for at in line} | set(rows))
    widgets.csv_button(
        lambda: pd.concat([frame, question_maps.probability_frame(found)], axis=1),
        f"{task.name}-map.csv",
        "map_learnt",
    )
    markdown.caption(
        markdown.fill_template(
            "A dot is where a question is learnt: from there on at least half of the models answer it rightly. Blue is "
            "above chance ({chance}), brown below. Select dots or rows to act on these questions.",
            chance=formatting.percent(float(found.chance.mean())),
        )
    )
    if len(lines) < len(ids):
        markdown.caption(
            markdown.fill_template(
                "A line is the mean of up to {number} neighbouring questions.", number=max(map(len, lines))
            )
        )


def _scatter(
    task: TaskSet, measurements: Measurements, pool: Pool, frame: pd.DataFrame, head: DeltaGenerator
) -> None:
    """Draw difficulty against discrimination and its table, and the selected questions."""
    with head:
        widgets.headline(choice_words.scatter_headline(pool, frame))
    known = frame[np.isfinite(frame["discrimination"])].sort_values("discrimination", ignore_index=True)
    if known.empty:
        return
    ids = known["id"].tolist()
    drawn = [int(line[0]) for line in question_maps.chart_lines(len(ids), map_charts.MAX_POINTS)]
    columns = known[["discrimination", "norm_prob", "question", "id"]]
    points, rows = _side_by_side(
        lambda: widgets.selectable_chart(
            map_charts.difficulty_scatter(
                known.iloc[drawn], measurements.chance, session.current_theme(), viewport.is_narrow()
            ),
            _key("map_scatter", task, "", ids),
            "map_scatter",
            language.translate("Discrimination of each question against the probability of its right answer"),
        ),
        lambda: _table(columns, _key("map_scatter_table", task, "", ids)),
    )
    picked = {drawn[at] for at in points.get(map_charts.POINTS, []) if at < len(drawn)}
    _selected(task, pool, ids, picked | set(rows))
    widgets.csv_button(lambda: columns, f"{task.name}-discrimination.csv", "map_scatter")
    markdown.caption(
        language.translate(
            "Orange diamonds lie below 0: better models do worse there. With few models this is a hint. Select points or "
            "rows to act on these questions."
        )
    )
    if len(drawn) < len(known):
        markdown.caption(
            markdown.fill_template(
                "Drawn are {number} questions, evenly along discrimination; the table has all.",
                number=language.whole_number(len(drawn)),
            )
        )


def _selected(task: TaskSet, pool: Pool, ids: list[str], picked: set[int]) -> None:
    """Draw the questions at these positions, with what can be done to them."""
    if chosen := [ids[at] for at in sorted(picked) if at < len(ids)]:
        question_view.show_selected(task, chosen, "map", pool.models)


def _side_by_side(
    chart: Callable[[], dict[str, list[int]]], table: Callable[[], list[int]]
) -> tuple[dict[str, list[int]], list[int]]:
    """Draw a chart with its table beside it, below it on a phone; what is selected in either."""
    if viewport.is_narrow():
        return chart(), table()
    left, right = st.columns([3, 2], gap="medium")
    with left:
        points = chart()
    with right:
        return points, table()


def _table(frame: pd.DataFrame, key: str) -> list[int]:
    """Draw a table whose rows can be selected; indices of the selected rows."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    drawn = st.dataframe(
        frame,
        hide_index=True,
        height=420 if len(frame) > 10 else "auto",
        placeholder=formatting.DASH,
        on_select="rerun",
        selection_mode="multi-row",
        key=key,
        column_config={
            "question": text(language.translate("question"), width="medium"),
            "learnt": text(
                language.translate("learnt"),
                help=language.translate(
                    "First checkpoint from which at least half of the models are right to the end."
                ),
            ),
            "last": number(
                language.translate("at the end"),
                format="%.3f",
                help=language.translate("Probability of the right answer at the last checkpoint."),
            ),
            "norm_prob": number(
                language.translate(choice_words.COLUMN_LABEL["norm_prob"]),
                format="%.3f",
                help=language.translate(choice_words.COLUMN_HELP["norm_prob"]),
            ),
            "discrimination": number(
                language.translate(choice_words.COLUMN_LABEL["discrimination"]),
                format="%.2f",
                help=language.translate(choice_words.COLUMN_HELP["discrimination"]),
            ),
        },
    )
    return list(drawn.selection.rows)


def _place(tokens_seen: float, step: float) -> str:
    """Checkpoint at which a question is learnt."""
    if np.isnan(step):
        return language.translate("never")
    if np.isnan(tokens_seen):
        return language.translate("step {step}", step=language.whole_number(int(step)))
    return formatting.tokens(tokens_seen)


def _key(name: str, task: TaskSet, model: str, ids: list[str]) -> str:
    """Key of an element whose selection is by position: other questions in it need another element."""
    return f"{name}_{task.address}_{model}_{hash(tuple(ids))}"
