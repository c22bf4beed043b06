"""The set's report for download: made on the click, not before."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from e2lm_core.base.records import TaskSet
from e2lm_core.export import html as report_html
from e2lm_core.export import report
from e2lm_core.runs import state as run_state
from e2lm_core.ui import session


def download(task: TaskSet) -> None:
    """The report as HTML and as JSON, of the set's fleet as the pages show it."""
    with_relevance = st.toggle(
        "With scientific relevance",
        key="report_relevance",
        help="Judges each question with the embedding model; the first time takes some seconds.",
    )
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Download the report",
            lambda: report_html.render(_document(task, with_relevance)).encode(),
            f"{task.name}-report.html",
            "text/html",
            icon=":material/description:",
            on_click="ignore",
            key="report_html",
        )
        st.download_button(
            "Its numbers as JSON",
            lambda: json.dumps(_document(task, with_relevance)).encode(),
            f"{task.name}-report.json",
            "application/json",
            icon=":material/data_object:",
            on_click="ignore",
            key="report_json",
        )


def _document(task: TaskSet, with_relevance: bool) -> dict[str, Any]:
    studio = session.studio()
    checkpoints, num_fewshot = run_state.fleet(studio, task.name)
    return report.build(studio, task, checkpoints, num_fewshot, with_relevance)
