"""Questions: writing them, what each of them does, which to doubt, choosing among them, and how much science they are.

Tested in tests/pages/test_pages.py and tests/pages/test_questions.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.analysis import standing
from e2lm_core.analysis.questions import words as choice_words
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.relevance import words as relevance_words
from e2lm_core.sets.desk import drafts
from e2lm_core.ui import session
from e2lm_core.ui.analysis import relevance
from e2lm_core.ui.author import card, checks, editor, files, live, presence, prompt, toolbar
from e2lm_core.ui.author.unsaved import clashes, forms, waiting
from e2lm_core.ui.frame import addresses, navigation, parts, window
from e2lm_core.ui.frame.strip import shown_results
from e2lm_core.ui.questions import choosing, doubted
from e2lm_core.ui.questions import table as question_table
from e2lm_core.ui.remembered import questions as remembered
from e2lm_core.ui.remembered import results


def draw() -> None:
    """The place: only the tab that is shown is computed."""
    task, tab = navigation.open_place(addresses.QUESTIONS)
    if tab == "write":
        _write(task)
    elif tab == "relevance":
        _relevance(task)
    else:
        _one_by_one(task, tab)


# --- writing ----------------------------------------------------------------------------------------------


def _write(task: TaskSet) -> None:
    example = session.is_example(task.address)
    head = st.container()  # filled at the end: the checks take longer than an edit's first results
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        toolbar.copy_popover(task.address)
        if not example:
            if not task.owner:
                toolbar.delete_popover(task.address)
            toolbar.undo_redo_buttons(task.address)
            toolbar.history_popover(task.address)
            toolbar.auto_run_switch()
    if not example:
        presence.presence_panel(task, toolbar.last_change(task.address))
        forms.show_queued()

    view = _view(task, example)
    if view == "Table":
        if not example:
            clashes.conflicts_in_set(task)
        editor.question_table(task, readonly=example)
        if not example and task.questions:
            live.edit_effect_panel(task)
        live.all_questions_table(task)
        files.download(task)
    elif view == "Card":
        card.card(task, readonly=example)
    elif view == "Import":
        files.import_questions(task)
    elif view == "Prompt":
        prompt.prompt(task, readonly=example)

    if not example:
        open_forms = {
            "Card": card.open_places(task),
            "Prompt": [drafts.PROMPT],
            "Table": clashes.places(task),
        }
        waiting.other_drafts_panel(task, open_forms.get(view, []))
    if not example and task.questions:
        checks.similar_questions_panel(task)
    findings = results.findings(task)
    if view == "Table":
        editor.attach_findings(task, findings)
    with head:
        parts.headline(checks.headline(task, findings, example) + waiting.pending_sentence(task, example))
    if findings:
        st.subheader("Checks", anchor=False)
        checks.findings_panel(findings, max_shown=5)


def _view(task: TaskSet, example: bool) -> str:
    # Fixed for the session: a default that changed with the window's width would be lit without being shown.
    if "author_first_view" not in st.session_state:
        st.session_state["author_first_view"] = waiting.first_view(task, window.is_narrow())
    if st.session_state.get("author_view") not in ("Table", "Card", "Prompt", "" if example else "Import"):
        st.session_state["author_view"] = st.session_state["author_first_view"]
    view = st.segmented_control(
        "How to write",
        ["Table", "Card", "Prompt"] + ([] if example else ["Import"]),
        format_func=lambda name: "Import, paste" if name == "Import" else name,
        required=True,
        label_visibility="collapsed",
        key="author_view",
        persist_state="session",
    )
    return view or str(st.session_state["author_first_view"])


# --- what is measured of them -----------------------------------------------------------------------------


def _one_by_one(task: TaskSet, tab: str) -> None:
    here = shown_results(task)
    task, measurements = here.task, here.measurements
    if not task.questions or not measurements.complete_pairs:
        parts.headline(
            "Nothing is known of single questions yet."
            if task.questions
            else "This set has no questions yet."
        )
        parts.run_first(
            "Run this set, and every question's slope, margin and discrimination appear here.", task
        )
    try:
        pool, frame = remembered.pool(task, measurements)
    except StudioError as error:
        parts.headline("Too little is computed yet to tell questions apart.")
        if results.is_running(task):
            parts.run_first(str(error), task)
        parts.empty_state(str(error))
        st.stop()
    head = st.container()
    if tab == "suspects":
        doubted.suspects_tab(task, measurements, head)
    elif tab == "choosing":
        choosing.choosing_tab(task, measurements, pool, head)
    else:
        with head:
            scores = results.scores(measurements, "acc")
            silent = standing.no_advice_reason(measurements, scores, results.is_running(task))
            parts.headline(choice_words.headline(pool, frame, silent))
        question_table.measured_tab(task, measurements, pool, frame)


def _relevance(task: TaskSet) -> None:
    if not task.questions:
        parts.headline("This set has no questions yet.")
        parts.write_first()
    task = shown_results(task).task
    judged = relevance.load_relevance(task)
    if judged is None:
        st.stop()
    parts.headline(relevance_words.headline(judged))
    left, right = st.columns(2, gap="large")
    with left:
        relevance.acceptance_charts(judged)
    with right:
        relevance.exemplar_map(judged, task)
    relevance.relevance_table(judged, task)
    relevance.nearest_exemplars(judged, task)
    left, right = st.columns(2, gap="large")
    with left:
        relevance.reliability(judged)
    with right:
        relevance.embedder_comparison(judged, task)
    relevance.how_it_is_computed(judged)
