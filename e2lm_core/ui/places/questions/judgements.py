"""View Judgements of the tab Problems: what people and judge models say of each question, and how far they agree.

Tested in tests/pages/test_judgements.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.analysis.questions import agreement, judge_messages
from e2lm_core.analysis.questions import problems as question_problems
from e2lm_core.analysis.questions.agreement import Judge, Judged
from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.judgements import (
    LABELS,
    MAX_COMMENT_CHARS,
    MAX_JUDGE_CHARS,
    NAMES,
    SAID,
    VALUES,
    Judgement,
    What,
    current_judgements,
)
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.relevance.classifier import ACCEPT_AT
from e2lm_core.scores.arrays import Floats
from e2lm_core.sets.editing import judgements
from e2lm_core.ui import session
from e2lm_core.ui.app import uploads, widgets
from e2lm_core.ui.app.status_bar import shown_results
from e2lm_core.ui.base import language, markdown, page_cache, viewport
from e2lm_core.ui.cache import questions as remembered
from e2lm_core.ui.editor import question_view
from e2lm_core.ui.editor.drafts import forms
from e2lm_core.ui.places.questions import relevance

MAX_REFUSED_SHOWN = 5
MAX_SHOWN = 12  # judges of one question
_NAME = "judge_name"  # key of the session state: the name that a person without an account judges under
_VALUE = "judgement_{what}"


def judgements_view(task: TaskSet, head: DeltaGenerator) -> None:
    """Draw the judgements as a table, the form of the selected question, and the judges' agreement."""
    judged, frame = page_cache.get_or_compute("judgements", (task,), lambda: _judged(task))
    with head:
        widgets.headline(judge_messages.headline(judged, len(task.questions)))
    forms.show_queued()
    may_edit = not session.is_example(task.address)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        shown = _filter(frame)
        if may_edit:
            _judges_popover(task, judged)
    question = _table(task, shown)
    if question is not None:
        _question(task, question, may_edit)
    elif may_edit:
        st.caption(language.translate("Select a row to judge its question."))
    if judged.judges:
        _agreement(task, judged)


def _judged(task: TaskSet) -> tuple[Judged, pd.DataFrame]:
    judged = agreement.collect_judgements(task.questions)
    return judged, judge_messages.judgement_frame(task.questions, judged)


def _filter(frame: pd.DataFrame) -> pd.DataFrame:
    """Draw the choice of rows; the rows that it leaves."""
    aspects = [NAMES[what] for what in agreement.JUDGED]
    masks = {
        "all questions": np.ones(len(frame), bool),
        "judges disagree": frame["disagree"].to_numpy(bool),
        "judged": frame[aspects].astype(bool).any(axis=1).to_numpy(),
        **{f"review: {state}": (frame["review"] == state).to_numpy() for state in VALUES["review"]},
    }
    options = [name for name, mask in masks.items() if name == "all questions" or mask.any()]
    chosen = st.selectbox(
        language.translate("Show"),
        options,
        format_func=lambda name: language.translate(
            "{name} ({number})", name=language.translate(name), number=int(masks[name].sum())
        ),
        key="judgements_filter",
        width=260,
    )
    return frame[masks.get(chosen or "", masks["all questions"])]


def _judges_popover(task: TaskSet, judged: Judged) -> None:
    with st.popover(language.translate("Judge models"), icon=":material/smart_toy:"):
        st.caption(
            language.translate("A CSV or JSONL file with the columns id, judge, what, value and comment.")
        )
        file = st.file_uploader(
            language.translate("File of a judge model"),
            type=["csv", "tsv", "json", "jsonl"],
            key="judgements_file",
            label_visibility="collapsed",
            help=language.translate(
                "what is scientific (yes, no), key (right, wrong) or difficulty (1 to 5)."
            ),
        )
        if file is not None:
            st.button(
                language.translate("Import"),
                type="primary",
                key="judgements_import",
                on_click=_perform,
                args=(lambda: _import(task, uploads.read_upload(file), file.name),),
            )
        if models := [judge.name for judge in judged.judges if judge.by == "model"]:
            gone = st.selectbox(
                language.translate("Remove a model"),
                models,
                key="judgements_gone",
                format_func=markdown.escape,
            )
            st.button(
                language.translate("Remove its judgements"),
                key="judgements_remove",
                on_click=_perform,
                args=(lambda: _remove(task, str(gone)),),
            )


def _import(task: TaskSet, data: bytes, filename: str) -> None:
    found = judgements.import_judgements(session.studio().settings, task.address, data, filename)
    names = formatting.join_words(list(found.judges))
    forms.queue_notice(
        Sentence(
            "{number} judgement by {names}.",
            "{number} judgements by {names}.",
            number=found.judgements,
            names=names,
        )
    )
    for sentence in found.refused[:MAX_REFUSED_SHOWN]:
        forms.queue_error(Sentence("Left out: {problem}", problem=sentence))
    if (more := len(found.refused) - MAX_REFUSED_SHOWN) > 0:
        forms.queue_error(
            Sentence("Left out: {number} more row.", "Left out: {number} more rows.", number=more)
        )


def _remove(task: TaskSet, name: str) -> None:
    judgements.remove_judge(session.studio().settings, task.address, name, "model")


def _perform(act: Callable[[], None]) -> None:
    """Perform a button's action; a refusal is shown with the next drawing."""
    try:
        act()
    except StudioError as error:
        forms.queue_error(error)


def _table(task: TaskSet, shown: pd.DataFrame) -> Question | None:
    """Draw the questions with the judges' values; the selected one, None without one."""
    ids = shown["id"].tolist()
    filled = [name for name in shown.columns[2:-1] if shown[name].astype(bool).any()]
    columns = ["question", *filled]
    picked = st.dataframe(
        shown,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"judgements_table_{task.address}_{_digest(ids)}",
        column_order=columns[:2] if viewport.is_narrow() else columns,
        column_config={
            **widgets.headings(columns),
            "question": st.column_config.TextColumn(language.translate("question"), width="medium"),
        },
    )
    widgets.csv_button(lambda: shown, f"{session.file_name(task.address)}-judgements.csv", "judgements")
    chosen = {ids[row] for row in picked.selection.rows if row < len(ids)}
    return next((question for question in task.questions if question.id in chosen), None)


def _digest(ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(ids).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _question(task: TaskSet, question: Question, may_edit: bool) -> None:
    with st.container(border=True, key="judged_question"):
        question_view.show_question(question)
        markdown.markdown(markdown.line_by_line(_said(question)))
        if may_edit:
            _form(task, question)


def _said(question: Question) -> list[markdown.SafeMarkdown]:
    """One line a judge: each aspect with its value, and the comments."""
    by_judge: dict[str, list[Judgement]] = {}
    for one in current_judgements(question):
        by_judge.setdefault(judge_messages.judge_name(Judge(name=one.judge, by=one.by)), []).append(one)
    lines = []
    for judge, given in list(by_judge.items())[:MAX_SHOWN]:
        comments = dict.fromkeys(one.comment for one in given if one.comment)
        values = [
            f"{language.translate(NAMES[one.what])}: {language.translate(SAID.get(one.value, one.value))}"
            for one in given
        ]
        lines.append(
            markdown.fill_template("**{judge}** · {said}", judge=judge, said=" · ".join([*values, *comments]))
        )
    return lines


def _form(task: TaskSet, question: Question) -> None:
    """Draw the form of a person's judgement; it begins with what that person said of this text."""
    person = session.studio().settings.person
    if person is None:
        st.text_input(
            language.translate("Your name"),
            key=_NAME,
            max_chars=MAX_JUDGE_CHARS,
            width=260,
            persist_state="session",
        )
    name = person or str(st.session_state.get(_NAME) or "")
    own = {
        one.what: one
        for one in current_judgements(question)
        if one.by == "person" and one.judge == " ".join(name.split())
    }
    form = _digest([task.address, question.id, name, *(repr(one) for one in own.values())])
    with st.form(f"judgement_{form}", border=False):
        with st.container(horizontal=True, gap="medium"):
            for what, values in VALUES.items():
                st.segmented_control(
                    language.translate(LABELS[what]),
                    values,
                    format_func=lambda value: markdown.escape(
                        language.translate(SAID.get(value) or str(value))
                    ),
                    default=own[what].value if what in own else None,
                    key=f"{_VALUE.format(what=what)}_{form}",
                    help=language.translate("1 is easy, 5 is hard.") if what == "difficulty" else None,
                )
        st.text_area(
            language.translate("Comment"),
            next((one.comment for one in own.values() if one.comment), ""),
            max_chars=MAX_COMMENT_CHARS,
            height=68,
            key=f"judgement_comment_{form}",
        )
        st.form_submit_button(
            language.translate("Save"),
            type="primary",
            key="judgement_save",
            on_click=_perform,
            args=(lambda: _save(task, question, form, name, frozenset(own)),),
        )


def _save(task: TaskSet, question: Question, form: str, name: str, said: frozenset[What]) -> None:
    """Save a form's values; a value that was taken away is withdrawn."""
    entered = {what: st.session_state.get(f"{_VALUE.format(what=what)}_{form}") for what in VALUES}
    values = {what: value or "" for what, value in entered.items() if value or what in said}
    judgements.judge_questions(
        session.studio().settings,
        task.address,
        [question.id],
        values,
        str(st.session_state.get(f"judgement_comment_{form}") or ""),
        name,
    )


def _agreement(task: TaskSet, judged: Judged) -> None:
    st.header(language.translate("Agreement"), anchor=False)
    known: Floats | None = None
    doubted: Floats | None = None
    why = None
    if st.toggle(language.translate("Beside relevance and suspects"), key="judgements_compared"):
        if (found := relevance.load_relevance(task, titled=False)) is not None:
            known = agreement.relevance_verdicts(found.probability, ACCEPT_AT)
        doubted, why = _suspects(task)
    widgets.table(
        judge_messages.agreement_frame(judged, known, doubted, why),
        "agreement",
        "judgements_agreement",
        phone_columns=("about", "judge", "with", "alpha"),
        percent=("equal",),
        column_config={"alpha": st.column_config.NumberColumn("α", format="%.2f")},
    )
    st.caption(language.translate("Krippendorff's α: 1 is full agreement, 0 is chance."))


def _suspects(task: TaskSet) -> tuple[Floats, str | None]:
    """Codes [Q] of the suspects on the answer keys, and the reason why none is judged."""
    here = shown_results(task)
    if not here.task.questions or not here.measurements.complete_pairs:
        return np.full(len(task.questions), np.nan), Sentence("The set has no results yet.")
    found = remembered.suspects(here.task, here.measurements)[0]
    measured = here.measurements
    told = measured.told if measured.taught_of_all else None
    codes = agreement.suspect_verdicts(found, measured.question_ids, told)
    edited = question_problems.edited_questions(here.task.questions, task.questions)
    of = {name: code for name, code in zip(measured.question_ids, codes, strict=True) if name not in edited}
    return np.array([of.get(question.id, np.nan) for question in task.questions]), found.why
