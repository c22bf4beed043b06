"""Panel of the starter models: cost, download, model group, larger sizes.

Tested in tests/pages/test_starter.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import fleets, starter
from e2lm_core.runs.messages import starter as words
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.cache import results
from e2lm_core.ui.places.models import hub_models

_ASKED = "starter_asked"  # the plan as the hub told it in this session


def starter_panel(task: TaskSet) -> None:
    """Draw the panel, open for a set of which the mini models know less than all."""
    known = results.taught_questions(task)
    is_open = known is not None and not all(known)
    with st.expander(
        language.translate("Starter: small public models"),
        expanded=is_open,
        icon=":material/rocket_launch:",
    ):
        _panel(task)


def _panel(task: TaskSet) -> None:
    plan = _plan(task)
    for sentence in words.starter_notes(plan):
        markdown.markdown(sentence)
    is_busy = hub_models.fetch_manager().running is not None
    is_whole = plan.here == plan.checkpoints
    with st.container(horizontal=True, gap="small"):
        if not is_whole:
            if st.button(
                markdown.fill_count(
                    "Download {number} starter checkpoint",
                    "Download {number} starter checkpoints",
                    plan.checkpoints - plan.here,
                ),
                key="starter_download",
                icon=":material/download:",
                type="primary",
                disabled=is_busy,
                help=language.translate(
                    "Progress and Stop are below; a stopped download goes on where it was."
                ),
            ):
                widgets.perform_action(_download)
            if not plan.is_listed and st.button(
                language.translate("Ask for the sizes"),
                key="starter_ask",
                icon=":material/refresh:",
                help=language.translate("The hub tells how many bytes there are; nothing is downloaded."),
            ):
                widgets.perform_action(_ask)
        if plan.here and st.button(
            language.translate("Run this set on them"),
            key="starter_run",
            icon=":material/play_arrow:",
            type="primary" if is_whole else "secondary",
            disabled=is_busy or not task.questions or results.is_running(task),
            help=language.translate("They become the set's model group: its numbers are of them then."),
        ):
            widgets.perform_action(lambda: _run(task))
        if is_whole:
            _larger(task)


def _plan(task: TaskSet) -> starter.StarterPlan:
    """The plan for the set: without the hub, but with the sizes that it told in this session."""
    plan = starter.plan_starter(
        session.studio(),
        questions=len(task.questions) or None,
        num_fewshot=results.fleet(task).num_fewshot,
        ask_hub=False,
    )
    asked = st.session_state.get(_ASKED)
    if asked is None or plan.here or plan.is_listed:
        return plan
    told = {name: getattr(asked, name) for name in ("checkpoints", "fetch_bytes", "is_listed", "missing")}
    return plan.model_copy(update=told)


def _ask() -> None:
    with st.spinner(language.translate("Asking the hub")):
        st.session_state[_ASKED] = starter.plan_starter(session.studio())


def _download() -> None:
    with st.spinner(language.translate("Asking the hub")):
        plan = starter.add_starter(session.studio())
    session.forget_in_run("studio")
    absent = starter.absent_checkpoints(session.studio())
    if sentence := words.missing_at_hub(plan):
        if not absent:
            raise CheckpointError(sentence)
        markdown.toast(sentence)
    hub_models.fetch_manager().start("download", absent)


def _run(task: TaskSet) -> None:
    studio = session.studio()
    fleet = starter.save_starter(studio)
    fleets.choose_fleet(studio, task.address, fleet, results.fleet(task).num_fewshot)
    run_launcher.start_run(task)


def _larger(task: TaskSet) -> None:
    """Draw the larger models, which a rolling run fetches one checkpoint at a time."""
    with st.popover(language.translate("Larger sizes"), icon=":material/add:"):
        names = st.pills(
            language.translate("Models"),
            starter.LARGER,
            selection_mode="multi",
            key="starter_larger",
            format_func=markdown.escape,
        )
        if names:
            plan = starter.plan_starter(session.studio(), names, ask_hub=False)
            markdown.markdown(words.larger_cost(plan) or "")
        if st.button(
            language.translate("Download one at a time and run"),
            key="starter_roll",
            disabled=not names or not task.questions or results.is_running(task),
        ):
            widgets.perform_action(lambda: _roll(task, tuple(names)))


def _roll(task: TaskSet, names: tuple[str, ...]) -> None:
    with st.spinner(language.translate("Asking the hub")):
        starter.add_starter(session.studio(), names)
    session.forget_in_run("studio")
    studio = session.studio()
    fleet = starter.save_starter(studio, names)
    num_fewshot = results.fleet(task).num_fewshot
    fleets.choose_fleet(studio, task.address, fleet, num_fewshot)
    checkpoints = studio.catalogue.match_globs(fleet.checkpoints)
    run_launcher.start_run(task, checkpoints, num_fewshot, rolling=True)
