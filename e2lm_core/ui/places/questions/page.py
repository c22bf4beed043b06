"""The place Questions.

Tested in tests/pages/test_pages.py and tests/pages/test_questions.py.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from e2lm_core.analysis import validity
from e2lm_core.analysis.questions import messages as choice_words
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.relevance import messages as relevance_words
from e2lm_core.sets.editing import drafts
from e2lm_core.ui import session
from e2lm_core.ui.app import navigation, widgets
from e2lm_core.ui.app.status_bar import shown_results
from e2lm_core.ui.base import language, markdown, urls, viewport
from e2lm_core.ui.cache import questions as remembered
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import (
    card,
    check_panel,
    details,
    file_import,
    live_results,
    presence,
    prompt_form,
    question_table,
    toolbar,
)
from e2lm_core.ui.editor.drafts import conflicts, forms, pending
from e2lm_core.ui.places.questions import (
    alternatives,
    choosing,
    known_facts,
    learning_map,
    measured,
    problems,
    relevance,
    suspects,
)

VIEWS = (language.mark("Table"), language.mark("Card"), language.mark("Prompt"))
_IMPORT = language.mark("Import, paste")


def draw() -> None:
    """Draw the place; only the shown tab is computed."""
    task, tab = navigation.open_place(urls.QUESTIONS)
    if tab == "write":
        _write(task)
    elif tab == "problems":
        problems.problems_tab(task)
    elif tab == "relevance":
        _relevance(task)
    elif tab == "alternatives":
        _alternatives(task)
    elif tab == "known":
        known_facts.known_facts_tab(task)
    else:
        _one_by_one(task, tab)


# --- writing ----------------------------------------------------------------------------------------------


def _write(task: TaskSet) -> None:
    example = session.is_example(task.address)
    head = st.container()  # filled last: the checks take longer than the first results of an edit
    with st.container(key="tools", horizontal=True, gap="small", vertical_alignment="center"):
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

    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        view = _view(task, example)
        if view == "Table":
            details.panel_switch()
    if not example:
        pending.lost_drafts_panel(task)
    if view == "Table":
        if not example:
            conflicts.conflicts_in_set(task)
        details.with_panel(task, partial(question_table.question_table, task, readonly=example))
        if not example and task.questions:
            live_results.edit_effect_panel(task)
        live_results.all_questions_table(task)
        file_import.download(task)
    elif view == "Card":
        card.card(task, readonly=example)
    elif view == "Import":
        file_import.import_questions(task)
    elif view == "Prompt":
        prompt_form.prompt(task, readonly=example)

    if not example:
        open_forms = {
            "Card": card.open_places(task),
            "Prompt": [drafts.PROMPT],
            "Table": conflicts.places(task),
        }
        pending.other_drafts_panel(task, open_forms.get(view, []))
    if not example and task.questions:
        check_panel.similar_questions_panel(task)
    findings = results.findings(task)
    if view == "Table":
        question_table.attach_findings(task, findings)
    with head:
        widgets.headline(
            check_panel.headline(task, findings, example)
            + language.translate(pending.pending_sentence(task, example))
        )
    if findings:
        st.header(language.translate("Checks"), anchor=False)
        check_panel.findings_panel(findings, max_shown=5)


def _view_label(view: str) -> str:
    return markdown.escape(language.translate(_IMPORT if view == "Import" else view))


def _view(task: TaskSet, example: bool) -> str:
    # The default is fixed for the session: if it changed with the window's width, the control would show
    # another view than the page.
    if "author_first_view" not in st.session_state:
        st.session_state["author_first_view"] = pending.first_view(task, viewport.is_narrow())
    if st.session_state.get("author_view") not in ("Table", "Card", "Prompt", "" if example else "Import"):
        st.session_state["author_view"] = st.session_state["author_first_view"]
    view = st.segmented_control(
        language.translate("How to write"),
        [*VIEWS] + ([] if example else ["Import"]),
        format_func=_view_label,
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
        widgets.headline(
            "No results for single questions yet." if task.questions else "This set has no questions yet."
        )
        widgets.run_first(
            "Run this set, and every question's slope, margin and discrimination appear here.", task
        )
    try:
        pool, frame = remembered.pool(task, measurements)
    except StudioError as error:
        widgets.headline("Too little is computed yet to tell questions apart.")
        if results.is_running(task):
            widgets.run_first(error.sentence, task)
        widgets.empty_state(error.sentence)
        st.stop()
    head = st.container()
    if tab == "suspects":
        suspects.suspects_tab(task, measurements, head)
    elif tab == "map":
        learning_map.map_tab(task, measurements, pool, frame, head)
    elif tab == "choosing":
        choosing.choosing_tab(task, measurements, pool, head)
    else:
        with head:
            scores = results.scores(measurements, "acc")
            silent = validity.no_advice_reason(measurements, scores, results.is_running(task))
            widgets.headline(choice_words.headline(pool, frame, silent))
        measured.measured_tab(task, measurements, pool, frame)


def _alternatives(task: TaskSet) -> None:
    if not task.questions:
        widgets.headline("This set has no questions yet.")
        widgets.write_first()
    here = shown_results(task)
    alternatives.alternatives_tab(here.task, bool(here.measurements.complete_pairs))


def _relevance(task: TaskSet) -> None:
    if not task.questions:
        widgets.headline("This set has no questions yet.")
        widgets.write_first()
    task = shown_results(task).task
    judged = relevance.load_relevance(task)
    if judged is None:
        st.stop()
    widgets.headline(relevance_words.headline(judged))
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
