"""The two views of the page Questions: every question with its figures, and choosing among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.analysis.questions import choice
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions import words as choice_words
from e2lm_core.analysis.questions.choice import Choice
from e2lm_core.analysis.questions.heldout import SCORES
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.rules import COLUMNS, OF_MODELS
from e2lm_core.base import phrasing
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import BOUNDED_METRICS, METRICS, TaskSet
from e2lm_core.charts import questions as question_charts
from e2lm_core.checkpoints.ladder import taught
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets import authoring
from e2lm_core.ui import parts, session
from e2lm_core.ui.author import editor
from e2lm_core.ui.frame import window

VIEWS = ("Questions", "Choosing")
SPARK_ROWS = 1000  # a small curve a row is sent to the browser for so many rows at most
OWN = "a rule of my own"
BEST_SOURCE = "the one that rises most"
RANGES = ("slope", "acc", "margin", "norm_prob", "discrimination", "contrast", "length", "gold_ratio")
ORDER = ("id", "curve", *OF_MODELS, "subject", "question", "length")
FEW = ("id", "slope", "acc", "margin")
_HIDDEN = ("early_margin",)


def pool(task: TaskSet, measured: Measurements) -> tuple[Pool, pd.DataFrame]:
    """The pool and its table, made once for what was measured; with relevance where it was asked for."""
    probability = _probability(task)
    held = st.session_state.get("question_pool")
    if held is None or held[0] is not measured or held[1] is not probability:
        made = question_pool.pool(
            measured, task, taught.taught_answers(session.studio().catalogue.taught_file, task), probability
        )
        held = (measured, probability, made, question_pool.question_frame(made, task))
        st.session_state["question_pool"] = held
        st.session_state["question_choices"] = {}
    return held[2], held[3]


def _asked() -> dict[str, bool]:
    """{set: whether its relevance, which was asked for, can be computed}."""
    return st.session_state.setdefault("questions_relevance", {})


def _probability(task: TaskSet) -> np.ndarray | None:
    """Relevance of every question, None where nobody asked for it: embedding takes its time."""
    if not _asked().get(task.name):
        return None
    try:
        return session.relevance(task).probability
    except StudioError:
        _asked()[task.name] = False
        return None


# --- every question -------------------------------------------------------------------------------------


def table(task: TaskSet, measured: Measurements, given: Pool, frame: pd.DataFrame) -> None:
    """Filters, the table, and the curves of the selection against the rest."""
    shown = _filters(frame)
    rows = np.flatnonzero(shown)
    chosen = np.zeros(len(frame), bool)
    picked = _rows(given, frame, rows)
    chosen[rows[picked]] = True
    if not picked and len(rows) < len(frame):
        chosen = shown  # a filter is a selection too: of 15,000 rows nobody clicks half
    _notes(given, rows)
    _relevance(task)
    if chosen.any():
        _selection(task, measured, given, frame, chosen, bool(picked))
    else:
        st.caption(
            "Select rows, or narrow the table down, to see their curves against the rest and to keep them as a copy."
        )


def _filters(frame: pd.DataFrame) -> np.ndarray:
    with st.container(horizontal=not window.narrow(), vertical_alignment="bottom", gap="small"):
        subjects = sorted(s for s in frame["subject"].unique() if s)
        chosen = (
            st.multiselect("Subjects", subjects, key="questions_subjects", width=320, placeholder="all")
            if subjects
            else []
        )
        text = st.text_input("Find", key="questions_find", width=220, placeholder="in id and text")
        ranges = {}
        with st.popover("Ranges", icon=":material/tune:"):
            for column in RANGES:
                known = frame[column].dropna()
                if len(known) and known.min() < known.max():
                    low, high = _rounded(known.min(), known.max())
                    given = st.slider(
                        choice_words.COLUMN_LABEL[column], low, high, (low, high), key=f"questions_range_{column}",
                        help=choice_words.COLUMN_HELP[column],
                    )  # fmt: skip
                    if given != (low, high):
                        ranges[column] = given
    return question_pool.narrowed(frame, chosen, text, ranges)


def _rounded(low: float, high: float) -> tuple[float, float]:
    """Outwards to hundredths, so that the ends of a slider hold every value."""
    return float(np.floor(low * 100) / 100), float(np.ceil(high * 100) / 100)


def _rows(given: Pool, frame: pd.DataFrame, rows: np.ndarray) -> list[int]:
    """Draw the table of these rows; which of them are selected."""
    empty = question_pool.undefined(given)
    view = frame.iloc[rows].drop(columns=[*_HIDDEN, *(c for c in empty if c in frame)])
    if 0 < len(rows) <= SPARK_ROWS and len(given.steps) > 1:
        view["curve"] = question_pool.sparks(given, rows)
    ahead = [c for c in ORDER if c in view]
    view = view[[*ahead, *(c for c in view if c not in ahead)]]
    view = view.drop(columns=[c for c in ("subject", "source") if not (frame[c] != "").any()])
    view = view.assign(acc=view["acc"] * 100)
    number = st.column_config.NumberColumn
    formats = {
        "acc": "%.1f%%",
        "length": "%d",
        "choices": "%d",
        "gold_ratio": "%.2f",
        "slope": "%.2f",
        "margin": "%.2f",
    }
    narrow = window.narrow()
    config: dict = {
        name: number(
            name if narrow else choice_words.COLUMN_LABEL[name],
            format=formats.get(name, "%.3f"),
            help=choice_words.COLUMN_HELP[name],
        )
        for name in view.columns
        if name in choice_words.COLUMN_LABEL and name not in ("digits", "taught")
    }
    config |= {
        name: st.column_config.CheckboxColumn(name, help=choice_words.COLUMN_HELP[name], width="small")
        for name in ("digits", "taught")
    }
    config["curve"] = st.column_config.LineChartColumn(
        "norm_prob", y_min=0, y_max=1, help="Mean over models at the shared checkpoints, first to last."
    )
    config["question"] = st.column_config.TextColumn("question", width="medium")
    picked = st.dataframe(
        view,
        hide_index=True,
        height=420 if len(rows) > 10 else "auto",
        placeholder=phrasing.DASH,
        column_order=FEW if narrow else None,
        on_select="rerun",
        selection_mode="multi-row",
        # Rows are selected by their place: other rows must be another table.
        key=f"questions_table_{given.task}_{hash(rows.tobytes())}",
        column_config=config,
    )
    st.download_button(
        "Download CSV", lambda: frame.iloc[rows].to_csv(index=False).encode(), f"{given.task}-questions.csv", "text/csv",
        key="questions_csv", icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    return list(picked.selection.rows)


def _notes(given: Pool, rows: np.ndarray) -> None:
    said = [
        f"{phrasing.count(len(rows), 'question')} of {len(given.ids):,}. A click on a column's head sorts."
    ]
    if len(rows) > SPARK_ROWS:
        said.append(
            f"The small curves are drawn for at most {SPARK_ROWS:,} rows: narrow the table down to see them."
        )
    said += [
        f"No {choice_words.COLUMN_LABEL[c]}: {why}"
        for c, why in question_pool.undefined(given).items()
        if c != "relevance"
    ]
    said.append("Figures of one question are noisy: they hint where to look.")
    st.caption(" ".join(said))


def _relevance(task: TaskSet) -> None:
    asked = _asked().get(task.name)
    if asked is False:
        st.caption("Relevance cannot be computed here; the page Relevance says why.")
    elif asked is None and st.button(
        "Add relevance", icon=":material/science:", type="tertiary", key="questions_add_relevance",
        help="Embeds the questions; new ones take a few seconds.",
    ):  # fmt: skip
        _asked()[task.name] = True
        with st.spinner("Embedding the questions …", show_time=True):
            _probability(task)
        st.rerun()


def _selection(
    task: TaskSet, measured: Measurements, given: Pool, frame: pd.DataFrame, chosen: np.ndarray, by_hand: bool
) -> None:
    kept, rest = int(chosen.sum()), int((~chosen).sum())
    st.subheader("The selection against the rest", anchor=False)
    with st.container(horizontal=not window.narrow(), vertical_alignment="bottom", gap="medium"):
        metric = st.segmented_control("Metric", METRICS, default="acc", required=True, key="questions_metric")
        copy(task.name, list(frame["id"][chosen]), "questions_keep")
    curves = question_pool.compared_frame(given, chosen, metric)
    parts.chart(
        question_charts.compared(
            curves, metric, (kept, rest), session.current_theme(), measured.chance if metric in BOUNDED_METRICS else None,
            set_scores.early_end(measured), narrow=window.narrow(),
        ),
        "questions_compared",
        f"{metric} of the selected questions and of the rest against tokens seen",
    )  # fmt: skip
    st.caption(
        f"Mean over {phrasing.count(len(given.models), 'model')}; {phrasing.count(kept, 'question')} "
        f"{'selected by hand' if by_hand else 'that the filters leave'}, {rest:,} others. No interval is drawn: "
        "these questions were picked by what is drawn. Choosing tells what of a difference other models confirm."
    )
    parts.table(
        curves, f"selection-{metric}", "questions_compared", height=240, few=("tokens_seen", "selection", "rest"),
        percent=("selection", "rest", "difference") if metric in ("acc", "acc_norm") else (),
    )  # fmt: skip


# --- choosing -------------------------------------------------------------------------------------------


def choosing(task: TaskSet, given: Pool, head: DeltaGenerator) -> None:
    """A rule, what it gains in-sample and held out, and its choice as a copy. The finding is drawn in `head`."""
    with st.container(horizontal=not window.narrow(), vertical_alignment="bottom", gap="medium"):
        name = st.selectbox(
            "Rule", (*choice.PRESETS, OWN), key="choosing_rule", width=240,
            help="\n\n".join(f"**{preset}**: {what}" for preset, what in choice.PRESETS.items()),
        )  # fmt: skip
        text, source = name, None
        if name == OWN:
            text = st.text_input(
                "Keep questions where", "margin > 0 and slope > 0", key="choosing_own", width=340,
                help="Comparisons joined by `and`, of these columns: " + ", ".join(f"`{c}`" for c in COLUMNS) + '. Texts in quotes: `subject = "earth & space"`.',
            )  # fmt: skip
        elif name == "one-source" and given.has_sources:
            known = sorted({s for s in given.sample.traits["source"] if s})
            wish = st.selectbox("Source", (BEST_SOURCE, *known), key="choosing_source", width=280)
            source = None if wish == BEST_SOURCE else wish
        metric = st.segmented_control("Metric", METRICS, default="acc", required=True, key="choosing_metric")
    try:
        found = _choice(given, text, metric, source)
    except StudioError as error:
        with head:
            parts.header("Questions", "Nothing is chosen.")
        st.error(str(error), icon=":material/error:")
        return
    with head:
        parts.header("Questions", choice_words.choice(found, len(given.ids)))
    for sentence in choice_words.warnings(found):
        st.warning(sentence, icon=":material/warning:")
    if name in choice.PRESETS:
        st.caption(choice.PRESETS[name])
    if found.folds:
        _judgement(found)
    else:
        parts.empty(found.why or "", icon=":material/group_off:")
    copy(task.name, list(found.ids), "choosing_keep")
    if found.folds:
        st.caption(
            "The copy is what the rule chooses by all models, so no model is left that could judge it. What to "
            "expect of it on others is the held-out gain, not its own score."
        )


def _choice(given: Pool, text: str, metric: str, source: str | None) -> Choice:
    """Judged once for what was measured; dropped with the pool."""
    held: dict[tuple, Choice] = st.session_state.setdefault("question_choices", {})
    key = (text, metric, source)
    if key not in held:
        with st.spinner("Choosing on some models, judging on the others …"):
            held[key] = choice.choose(given, text, metric, source)
    return held[key]


def _judgement(found: Choice) -> None:
    score = st.segmented_control(
        "Score", SCORES, default="final", required=True, key="choosing_score",
        format_func=lambda s: choice.SCORE_LABEL[s], help=choice_words.GAIN_HELP,
    )  # fmt: skip
    gain = found.scores[score]
    if gain.in_sample is None or gain.held_out is None:
        parts.empty(
            f"The gain in {choice.SCORE_LABEL[score]} is undefined: {gain.why}", icon=":material/block:"
        )
    else:
        parts.chart(
            question_charts.gains(found, score, session.current_theme(), narrow=window.narrow()),
            "choosing_gains",
            f"Gain in {choice_words.score_label(score, found.metric)} of each fold, in-sample and held out",
        )
        bar = choice_words.INTERVAL_HELP[gain.covers] if gain.covers else ""
        st.caption(f"Each row leaves one family of models out of the choice and lets it judge. {bar}")
    if found.why:
        st.caption(found.why)
    frame = pd.DataFrame(choice.fold_rows(found))
    gains = [c for c in frame.columns if c.endswith((", in-sample", ", held out"))]
    parts.table(
        frame, f"choosing-{found.metric}", "choosing_folds",
        few=("held out", f"{choice.SCORE_LABEL[score]}, in-sample", f"{choice.SCORE_LABEL[score]}, held out"),
        column_config={
            c: st.column_config.NumberColumn(
                f"gain {c.split(', ')[1]}" if window.narrow() else c, format="%+.3f", help=choice_words.GAIN_HELP
            )
            for c in gains
        },
    )  # fmt: skip


# --- keeping --------------------------------------------------------------------------------------------


def copy(source: str, ids: Sequence[str], key: str) -> None:
    """A popover that copies the set with these questions alone; the set itself stays as it is."""
    settings = session.studio().settings
    with st.popover(
        f"Copy the set with {phrasing.count(len(ids), 'question')}", icon=":material/content_copy:"
    ):
        wish = st.text_input(
            "Name of the copy", authoring.free_name(settings, f"{source}_chosen"), key=f"{key}_name"
        )
        st.caption("The set itself stays as it is; undo in the copy brings the other questions back.")
        if st.button("Copy", type="primary", key=f"{key}_go"):
            try:
                authoring.keep(settings, source, wish, ids)
            except StudioError as error:
                st.error(str(error), icon=":material/error:")
                return
            session.choose_set(wish)
            editor.reset()
            st.toast(f"{wish} holds {phrasing.count(len(ids), 'question')}.")
            st.rerun()
