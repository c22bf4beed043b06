"""Status bar: current set and run state.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import evaluate
from e2lm_core.runs import start as run_start
from e2lm_core.runs import state as run_state
from e2lm_core.runs.messages import run_status
from e2lm_core.runs.messages.fleets import fleet_label, missing_sentence
from e2lm_core.runs.store import shipped_results
from e2lm_core.sets import collection
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.app import doors, recovery, storage_notice, widgets
from e2lm_core.ui.base import language, markdown, polling, urls
from e2lm_core.ui.cache import questions, results
from e2lm_core.ui.cache.stale_while_revalidate import Shown

# `_SEEN` is the session's record of running sets and the times of their first sight. The good end of a run
# shorter than `LONG_S` seconds is not announced: its results are there at once.
_SEEN, LONG_S = "seen_running", 10.0
_ENDS = {
    "done": (
        ":material/check:",
        language.mark("{set}: the run has ended, and everything is computed."),
        "✓",
    ),
    "failed": (
        ":material/error:",
        language.mark("{set}: the run has stopped; Models and runs says why."),
        "!",
    ),
}


def status_bar() -> TaskSet:
    """Draw the status bar, which polls while a run goes on, and return the selected set."""
    session.redraw_through_app()
    infos = session.all_sets()
    name = session.current_set_name()
    with st.container(key="strip", horizontal=True, vertical_alignment="center", gap="medium"):
        _choose_set(name, [info for info in infos if not info.problem])
        task = selected_set()
        state = results.state(task)
        if state.kind == "running":
            pace_s = polling.poll_interval(polling.PROGRESS_S, run_launcher.is_own_run(state))
            st.fragment(_live, run_every=pace_s)(task.address)
        else:
            _state(task, state)
        storage_notice.storage_notice(session.studio().settings.home)
    _tell_of_ends(task, state)
    if lost := missing_sentence(results.fleet(task)):
        st.caption(markdown.fill_template(":material/link_off: {lost}", lost=lost))
    if (found := results.doors(task)) is not None:
        doors.share_line(found)
    if task.questions and (note := questions.selection_note(task)):
        st.caption(markdown.fill_template(":material/rule: {note}", note=note))
    for info in infos:
        if info.problem:
            markdown.warning(
                language.translate(
                    "{address} cannot be opened: {problem}", address=info.address, problem=info.problem
                ),
                icon=":material/folder_off:",
            )
    return task


def selected_set() -> TaskSet:
    """The selected set; ends the page with one sentence if it cannot be read."""
    name = session.current_set_name()
    if name is None and (lost := session.missing_set()):
        recovery.missing_set_page(session.studio().settings, lost, session.choose_set)
        st.stop()
    if name is None:
        st.info(
            language.translate("No set is selected. Write or import one on Sets."),
            icon=":material/folder_open:",
        )
        urls.link("sets", "Write or import a set", ":material/folder_open:")
        st.stop()
    try:
        return session.read_set(name)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        st.stop()


def _tell_of_ends(task: TaskSet, state: run_state.SetState) -> None:
    """Announce once, on any page, the end of a longer or failed run that this session has seen running."""
    seen = st.session_state.setdefault(_SEEN, {})
    if state.kind == "running":
        seen.setdefault(task.address, time.monotonic())
    for address, since in list(seen.items()):
        try:
            job = run_start.latest_job(session.studio(), address, progress=False)
        except StudioError:  # the set is deleted, or no longer shared
            job = None
        if job is not None and not job.over:
            continue
        del seen[address]
        if job is not None and job.state in _ENDS:
            urls.title_mark(_ENDS[job.state][2])
        is_told = job is not None and (job.state == "failed" or time.monotonic() - since >= LONG_S)
        if job is not None and job.state in _ENDS and is_told:
            icon, sentence, _ = _ENDS[job.state]
            said = language.translate(sentence, set=session.set_label(address))
            markdown.toast(said, icon=icon, duration="infinite")


def shown_results(task: TaskSet) -> Shown:
    """Results that the page shows of a set, with a notice if they were measured before its last edit.

    The page is redrawn as soon as the results after the edit are complete.
    """
    here = results.shown_results(task)
    if here.before:
        pace_s = polling.poll_interval(polling.PROGRESS_S, is_own_run=False)
        st.fragment(_before, run_every=pace_s)(task.address, here)
    return here


def _before(name: str, drawn: Shown) -> None:
    now = results.shown_results(selected_set())
    if now.measurements is not drawn.measurements or not now.before or now.task.address != name:
        polling.redraw_page()
    st.caption(
        language.translate(
            ":material/history: **Results before your last edit.** New results appear automatically."
        )
    )


def _choose_set(name: str | None, infos: Sequence[collection.SetInfo]) -> None:
    if not infos:
        return
    labels = {info.address: session.set_label(info.address) for info in infos}
    for info in infos:
        if info.example:
            labels[info.address] = language.translate("{set} (example)", set=labels[info.address])
    widgets.selector(
        language.translate("Question set"),
        list(labels),
        name,
        session.choose_set,
        key="strip_set",
        format_func=lambda address: labels.get(address, address),
        placeholder=language.translate("Choose a set"),
        width=260,
    )


def _live(name: str) -> None:
    """Draw the run state; redraw the page once the run is over or another set is selected."""
    task = selected_set()
    state = results.state(task)
    _state(task, state)
    if state.kind == "running":
        run_launcher.ensure_worker()
        urls.title_mark(run_status.format_progress(state.run) if state.run else "…")
    if state.kind != "running" or task.address != name:
        polling.redraw_page()


def _state(task: TaskSet, state: run_state.SetState) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        markdown.markdown(
            markdown.fill_template(
                ":gray[{state} · {group}]",
                state=markdown.SafeMarkdown(state_text(task, state)),
                group=fleet_label(results.fleet(task).name),
            ),
            width="content",
        )
        if state.kind == "stale":
            label = (
                language.translate("Run the rest")
                if is_partial(task, state)
                else language.translate_count(
                    "Run {number} stale question", "Run {number} stale questions", state.stale
                )
            )
            found = results.doors(task)
            if st.button(
                markdown.escape(label),
                key="strip_run",
                icon=":material/refresh:",
                type="primary" if found is None or found.first == "run" else "secondary",
            ):
                run_launcher.queue_run(task, priority=evaluate.INTERACTIVE)
        elif state.kind == "running":
            run_launcher.cancel_button(
                state.job, language.translate("Cancel"), "strip_cancel", type="tertiary"
            )
        elif state.shipped and (brought := shipped_results.load_shipped()):
            with st.container(
                key="strip_measured", horizontal=True, vertical_alignment="center", width="content"
            ):
                markdown.markdown(
                    markdown.fill_template(":gray[measured {day}]", day=run_status.format_day(brought.made)),
                    width="content",
                    help=markdown.escape(run_status.shipped_note(brought.made)),
                )
                if st.button(
                    language.translate("Run again"),
                    key="strip_anew",
                    icon=":material/replay:",
                    type="tertiary",
                ):
                    run_launcher.queue_run(task, anew=True)


def state_text(task: TaskSet, state: run_state.SetState) -> str:
    """Run state as text, for example: 300 questions · up to date."""
    questions = language.translate_count("{number} question", "{number} questions", len(task.questions))
    if state.run is not None:
        icon = "hourglass" if state.run.state == "queued" else "progress_activity"
        progress = language.translate(run_status.progress_sentence(state.run))
        if state.run.state != "queued":
            progress = language.translate("running {progress}", progress=progress)
        return f"{questions} · :material/{icon}: {progress}"
    if state.kind == "stale" and is_partial(task, state):
        return (
            f"{questions} · :material/pause: "
            f"{language.translate('{share} done', share=f'{state.done / state.total:.0%}')}"
        )
    if state.kind == "stale":
        return (
            f"{questions} · :orange[:material/warning: "
            f"{language.translate('{number} stale', number=language.whole_number(state.stale))}]"
        )
    if state.kind == "up to date":
        return f"{questions} · :material/check: {language.translate('up to date')}"
    if state.failure:
        return f"{questions} · :red[:material/error: {language.translate('last run failed')}]"
    return questions if state.kind == "empty" else f"{questions} · {language.translate('never run')}"


def is_partial(task: TaskSet, state: run_state.SetState) -> bool:
    """Whether all questions are stale: a run stopped early, rather than questions changed after it."""
    return state.stale == len(task.questions)
