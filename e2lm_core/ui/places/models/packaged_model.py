"""Panel of the model that an optional Python package brings.

Tested in tests/pages/test_checkpoints.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.formatting import size
from e2lm_core.base.records import TaskSet
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.people import accounts
from e2lm_core.runs import fleets
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.cache import results
from e2lm_core.ui.places.models import local_folders


def packaged_model_panel(task: TaskSet) -> None:
    """Draw the state of the packaged model, with the button that unpacks it, runs the set on it or deletes it.

    Nothing where its package is missing and the caller is nobody who installs packages.
    """
    settings = session.studio().settings
    unpacked = smollm2.is_unpacked(settings)
    if not unpacked and not smollm2.is_installed() and not local_folders.may_add(settings):
        return
    markdown.markdown("**One look without a download**")
    if unpacked or smollm2.is_installed():
        markdown.markdown(
            markdown.fill_template("**{name}**, a finished model", name=smollm2.NAME),
            help=markdown.escape(smollm2.ABILITIES),
        )
    if unpacked:
        if st.button(
            language.translate("Run this set on it"),
            key="packaged_run",
            icon=":material/play_arrow:",
            disabled=not task.questions or results.is_running(task),
            help=language.translate(
                "A look at one finished model: how many questions it answers, without a curve."
            ),
        ):
            widgets.perform_action(lambda: _run(task))
        if accounts.is_administrator(settings):
            with st.popover(language.translate("Delete its files"), icon=":material/delete:"):
                markdown.markdown("Its results stay, and it can be unpacked again.")
                if st.button(language.translate("Delete them"), type="primary", key="packaged_remove"):
                    widgets.perform_action(lambda: smollm2.remove_model(settings))
    elif not smollm2.is_installed():
        markdown.caption(smollm2.missing_sentence())
    elif st.button(
        markdown.fill_template("Unpack it ({size})", size=size(smollm2.UNPACKED_BYTES)),
        key="packaged_unpack",
        icon=":material/unarchive:",
        help=language.translate("It can then be chosen as model group on *Run*."),
    ):
        bar = st.progress(0.0, language.translate("Unpacking …"))
        widgets.perform_action(
            lambda: smollm2.unpack_model(settings, lambda done, total: bar.progress(done / total))
        )


def _run(task: TaskSet) -> None:
    studio = session.studio()
    fleet = fleets.find_fleet(studio, smollm2.NAME)
    fleets.choose_fleet(studio, task.address, fleet, results.fleet(task).num_fewshot)
    run_launcher.start_run(task)
