"""Models and runs: a run of the set in hand, the checkpoints there are, and results from elsewhere.

Tested in tests/pages/test_pages.py, tests/pages/test_checkpoints.py and tests/pages/test_results.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.records import TaskSet
from e2lm_core.checkpoints import tables
from e2lm_core.imported import words as imported_words
from e2lm_core.runs.said import words as run_words
from e2lm_core.ui import session
from e2lm_core.ui.checkpoints import added, adding, folders, people
from e2lm_core.ui.frame import addresses, navigation, parts, say
from e2lm_core.ui.remembered import results
from e2lm_core.ui.results import curves, giving, kept, opened
from e2lm_core.ui.runs import controls

NONE = "There are no checkpoints: the embedded ladder is missing, and E2LM_CHECKPOINTS names none."


def draw() -> None:
    """The place: only the tab that is shown is computed."""
    task, tab = navigation.open_place(addresses.MODELS)
    {"run": _run, "checkpoints": _checkpoints, "results": _results}[tab](task)


def _run(task: TaskSet) -> None:
    studio, state = session.studio(), results.state(task)
    parts.headline(run_words.headline(state, len(task.questions)))
    if not studio.local_checkpoints and not tables.added_by_model(studio.catalogue):
        for problem in (*studio.catalogue.problems, *studio.unusable_notes):
            say.error(problem, icon=":material/error:")
        parts.empty_state(NONE)
        st.stop()
    for problem in (*studio.catalogue.problems, *studio.unusable_notes):
        say.warning(problem, icon=":material/warning:")

    choice = controls.run_controls(task)
    controls.run_buttons(task, choice, state)
    controls.latest_run_panel(task, state.kind == "running")
    if state.done:
        controls.coverage_table(task)


def _checkpoints(task: TaskSet) -> None:
    studio = session.studio()
    parts.headline(tables.headline(studio.catalogue, studio.settings))
    for problem in (*studio.catalogue.problems, *studio.unusable_notes):
        say.warning(problem, icon=":material/warning:")
    if studio.catalogue.models:
        parts.table(
            tables.models_frame(studio.catalogue, studio.settings),
            "checkpoints",
            "library_models",
            phone_columns=("model", "here", "bytes"),
            column_config=added.COLUMNS,
        )
    else:
        parts.empty_state(NONE)

    folders.folders()
    st.subheader("From a hub", anchor=False)
    added.hub_models_panel()
    st.subheader("Add a model", anchor=False)
    adding.add_model_form()
    with st.expander("All families and models that the studio knows"):
        parts.table(
            tables.families_frame(studio.catalogue, studio.settings),
            "families",
            "library_families",
            height=360,
            phone_columns=("model", "checkpoints"),
            column_config={
                "parameters": added.COLUMNS["parameters"],
                "checkpoints": st.column_config.NumberColumn(
                    "checkpoints", help="A dash where only the hub knows: Ask the hub lists them."
                ),
            },
        )
    people.people()


def _results(task: TaskSet) -> None:
    head = st.empty()
    with st.expander(
        "Import results", expanded=opened.current_results() is None, icon=":material/upload_file:"
    ):
        st.caption(giving.HELP)
        giving.upload_form()
    shown = opened.current_results()
    with head.container():
        parts.headline(
            imported_words.import_summary(shown.imported)
            if shown
            else "No results from elsewhere are open: import some, or open what is kept."
        )
    if shown:
        kept.save_form(shown)
        opened.problems_panel(shown.imported)
        curves.curves(shown, task)
        opened.download(shown)
    st.subheader("Kept", anchor=False)
    kept.saved_list()
