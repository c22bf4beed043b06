"""Saved imports.

Tested in tests/pages/test_results.py.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.sentences import Sentence
from e2lm_core.imported import saved_imports
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, viewport
from e2lm_core.ui.places.models.imported import current
from e2lm_core.ui.places.models.imported.current import OpenResults


def saved_list() -> None:
    """Draw the saved imports, newest first: open, remove, restore."""
    settings = session.studio().settings
    rows = saved_imports.list_saved(settings)
    back = st.session_state.get("results_removed")
    if back in saved_imports.removed_imports(settings):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            markdown.markdown(markdown.fill_template(":gray[{name} is removed.]", name=back), width="content")
            if st.button(language.translate("Undo"), key="results_undo", icon=":material/undo:"):
                widgets.perform_action(lambda: saved_imports.restore_import(settings, back))
    if not rows:
        st.caption(language.translate("No saved results."))
    for row in rows:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"kept_{row.name}"):
            _row(row)


def _row(row: saved_imports.SavedImport) -> None:
    markdown.markdown(markdown.fill_template("**{name}**", name=row.name), width="content")
    if row.problem is None:
        about = Sentence(
            "{models} on {tasks}, {day}",
            models=formatting.join_words(list(row.models), 2),
            tasks=formatting.join_words(list(row.tasks), 2),
            day=row.when[:10],
        )
        markdown.markdown(markdown.fill_template(":gray[{about}]", about=about), width="content")
        if st.button(
            language.translate("Open"), key=f"results_open_{row.name}", icon=":material/folder_open:"
        ):
            widgets.perform_action(partial(_open, row.name))
    else:
        markdown.markdown(markdown.fill_template(":red[{problem}]", problem=row.problem), width="content")
    with st.popover(language.translate("Remove"), icon=":material/delete:"):
        markdown.markdown(
            markdown.fill_template(
                "**{name}** removed. It can be restored until another of that name is removed.",
                name=row.name,
            )
        )
        if st.button(language.translate("Remove it"), type="primary", key=f"results_remove_{row.name}"):
            remove_saved(row.name)


def remove_saved(name: str) -> None:
    """Remove a saved import from the list; the page then offers to undo it."""
    if (results := current.current_results()) is not None and results.name == name:
        current.close_results()
    st.session_state["results_removed"] = name
    widgets.perform_action(lambda: saved_imports.remove_import(session.studio().settings, name))


def save_form(results: OpenResults) -> None:
    """Draw the form that saves the open import under a name."""
    if results.name is not None:
        return
    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="small"):
        name = st.text_input(
            language.translate("Save as"), key="results_name", placeholder="pythia-mmlu", width=260
        )
        if st.button(
            language.translate("Keep"),
            key="results_keep",
            icon=":material/bookmark_add:",
            disabled=not name.strip(),
        ):
            widgets.perform_action(partial(_keep, results, name.strip()))


def _keep(results: OpenResults, name: str) -> None:
    saved_imports.save_import(session.studio().settings, name, results.imported)
    current.open_results(results.imported, name)
    markdown.toast(markdown.fill_template("Saved as {name}.", name=name))


def _open(name: str) -> None:
    current.open_results(saved_imports.open_saved(session.studio().settings, name), name)
