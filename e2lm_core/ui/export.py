"""The page Export: the bundle that lm-evaluation-harness runs, and the report, made on the click.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.export import html as report_html
from e2lm_core.export import report as set_report
from e2lm_core.export import submission
from e2lm_core.runs import state as run_state
from e2lm_core.ui import session
from e2lm_core.ui.frame import say
from e2lm_core.ui.remembered import results

PROFILE = "export_profile"


def profile_chosen() -> submission.Profile:
    """The profile of the control, for what is drawn above that."""
    return st.session_state.get(PROFILE) or "plain"


def profile() -> None:
    """The control that chooses whose rules the checks hold to."""
    st.segmented_control(
        "Profile",
        ["plain", "competition"],
        default="plain",
        required=True,
        key=PROFILE,
        help="competition also asks for 100 to 15,000 questions and that no prompt holds its own answer, as the E2LM organisers did.",
    )


def bundle(task: TaskSet, profile: submission.Profile) -> None:
    """The bundle for download, and the command that runs it."""
    try:
        data = results.bundle(task, profile)
    except StudioError as error:
        say.error(error, icon=":material/error:")
        return
    st.download_button(
        say.plain(f"Download {task.name}.zip"),
        data,
        f"{task.name}.zip",
        "application/zip",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
        key="export_zip",
    )
    say.caption(f"{len(data) / 1024:,.0f} kB. The same set gives the same bytes.")
    st.markdown("Unzip it anywhere, then:")
    st.code(
        f"lm_eval --include_path . --tasks {task.name} --model hf --model_args pretrained=<a model>",
        language=None,
        wrap_lines=True,
    )


def report(task: TaskSet) -> None:
    """The report as HTML and as JSON, of the set's fleet as the pages show it."""
    with_relevance = st.toggle(
        "With scientific relevance",
        key="report_relevance",
        help="Judges each question with the embedding model; the first time takes some seconds.",
    )
    read = results.reading()  # here: the downloads are made outside the session's script
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Download the report",
            lambda: report_html.render(_document(task, with_relevance, read)).encode(),
            f"{task.name}-report.html",
            "text/html",
            icon=":material/description:",
            on_click="ignore",
            key="report_html",
        )
        st.download_button(
            "Its numbers as JSON",
            lambda: json.dumps(_document(task, with_relevance, read)).encode(),
            f"{task.name}-report.json",
            "application/json",
            icon=":material/data_object:",
            on_click="ignore",
            key="report_json",
        )


def _document(task: TaskSet, with_relevance: bool, rc_reading: str) -> dict[str, Any]:
    studio = session.studio()
    checkpoints, num_fewshot = run_state.fleet(studio, task.address)
    return set_report.build(studio, task, checkpoints, num_fewshot, with_relevance, rc_reading)
