"""The place Models and runs.

Tested in tests/pages/test_pages.py, tests/pages/test_checkpoints.py and tests/pages/test_results.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.records import TaskSet
from e2lm_core.checkpoints import tables
from e2lm_core.imported import messages as imported_words
from e2lm_core.runs.messages import run_status as run_words
from e2lm_core.ui import session
from e2lm_core.ui.app import navigation, widgets
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.cache import results
from e2lm_core.ui.places.models import (
    add_model,
    groups,
    hub_models,
    local_folders,
    packaged_model,
    people,
    run,
    starter,
)
from e2lm_core.ui.places.models.imported import current, curves, saved, upload

NONE = language.mark("No models found. The built-in models are missing, and E2LM_CHECKPOINTS names none.")


def draw() -> None:
    """Draw the place; only the shown tab is computed."""
    task, tab = navigation.open_place(urls.MODELS)
    {"run": _run, "checkpoints": _checkpoints, "results": _results}[tab](task)


def _run(task: TaskSet) -> None:
    studio, state = session.studio(), results.state(task)
    found = results.doors(task)
    is_unknown = found is not None and found.first == "door" and state.kind in ("never run", "stale")
    widgets.headline(
        found.sentence if found and is_unknown else run_words.headline(state, len(task.questions))
    )
    if not studio.local_checkpoints and not tables.added_by_model(studio.catalogue):
        for problem in (*studio.catalogue.problems, *studio.unusable_notes):
            markdown.error(problem, icon=":material/error:")
        widgets.empty_state(NONE)
        st.stop()
    for problem in (*studio.catalogue.problems, *studio.unusable_notes):
        markdown.warning(problem, icon=":material/warning:")

    groups.group_control(task)
    choice = run.run_controls(task)
    run.run_buttons(task, choice, state)
    groups.save_form(task, choice.checkpoints)
    run.latest_run_panel(task)
    if state.done:
        run.coverage_table(task)


def _checkpoints(task: TaskSet) -> None:
    studio = session.studio()
    widgets.headline(tables.headline(studio.catalogue, studio.settings))
    for problem in (*studio.catalogue.problems, *studio.unusable_notes):
        markdown.warning(problem, icon=":material/warning:")
    found = results.doors(task)
    is_first = found is not None and found.first == "door"
    if is_first:
        _larger(task)
    if studio.catalogue.models:
        widgets.table(
            tables.models_frame(studio.catalogue, studio.settings),
            "checkpoints",
            "library_models",
            phone_columns=("model", "here", "bytes"),
            column_config=hub_models.COLUMNS,
        )
    else:
        widgets.empty_state(NONE)

    local_folders.folders()
    if not is_first:
        _larger(task)
    hub_models.hub_models_panel()
    st.header(language.translate("Add a model"), anchor=False)
    add_model.add_model_form()
    with st.expander(language.translate("All known families and models")):
        widgets.table(
            tables.families_frame(studio.catalogue, studio.settings),
            "families",
            "library_families",
            height=360,
            phone_columns=("model", "checkpoints"),
            column_config=hub_models.FAMILY_COLUMNS,
        )
    people.people()


def _larger(task: TaskSet) -> None:
    """Draw the ways to a larger model: first of all for a set that the mini models cannot know."""
    st.header(language.translate("Add a larger model"), anchor=False)
    starter.starter_panel(task)
    packaged_model.packaged_model_panel(task)


def _results(task: TaskSet) -> None:
    head = st.empty()
    with st.expander(
        language.translate("Import results"),
        expanded=current.current_results() is None,
        icon=":material/upload_file:",
    ):
        st.caption(language.translate(upload.HELP))
        upload.upload_form()
    shown = current.current_results()
    with head.container():
        widgets.headline(
            imported_words.import_summary(shown.imported)
            if shown
            else language.translate("No imported results yet.")
        )
    if shown:
        saved.save_form(shown)
        current.problems_panel(shown.imported)
        curves.curves(shown, task)
        current.download(shown)
    st.header(language.translate("Saved results"), anchor=False)
    saved.saved_list()
