"""The current import.

Tested in tests/pages/test_results.py.
"""

from __future__ import annotations

import json

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.records import Record
from e2lm_core.imported import documents
from e2lm_core.imported.records import Imported
from e2lm_core.ui.app import markdown, viewport

MOST_PROBLEMS = 100
_OPEN = "results_shown"


class OpenResults(Record):
    """What the visitor has open: a fresh import, or a kept one by its name."""

    imported: Imported
    name: str | None = None

    @property
    def key(self) -> str:
        """For controls that start anew with other results."""
        return self.name or str(hash(tuple(seen.file for seen in self.imported.files)))


def current_results() -> OpenResults | None:
    """The results that are open in this session."""
    return st.session_state.get(_OPEN)


def open_results(imported: Imported, name: str | None = None) -> None:
    """Open results in place of any others."""
    st.session_state[_OPEN] = OpenResults(imported=imported, name=name)


def close_results() -> None:
    """Leave no results open."""
    st.session_state.pop(_OPEN, None)


def problems_panel(imported: Imported, open_up_to: int = 3) -> None:
    """What is to be known of the import, folded where it is much."""
    if not imported.problems:
        return
    count = formatting.count(len(imported.problems), "thing")
    with st.expander(
        markdown.escape(f"{count} to know of these results"),
        expanded=len(imported.problems) <= open_up_to,
        icon=":material/info:",
    ):
        markdown.markdown(markdown.bullet_list(imported.problems[:MOST_PROBLEMS]))
        if (more := len(imported.problems) - MOST_PROBLEMS) > 0:
            markdown.caption(f"{more:,} more are in the JSON.")


def files_table(imported: Imported) -> None:
    """What each file was taken for, those that were not recognised first."""
    rows = [
        {
            "file": seen.file,
            "recognised": seen.why is None,
            "as": seen.kind,
            "results": seen.results if seen.why is None else None,
            "why not": seen.why,
        }
        for seen in sorted(imported.files, key=lambda seen: seen.why is None)
    ]
    st.dataframe(
        rows,
        hide_index=True,
        height=300,
        key="results_files_table",
        placeholder=formatting.DASH,
        column_order=("file", "why not") if viewport.is_narrow() else None,
        column_config={"recognised": st.column_config.CheckboxColumn("recognised", width="small")},
    )


def download(results: OpenResults) -> None:
    """All curves that are open, as CSV or JSON."""
    name = results.name or "imported"
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Download all as CSV",
            documents.csv(results.imported.curves),
            f"{name}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="results_csv",
        )
        st.download_button(
            "Download all as JSON",
            json.dumps(documents.document(results.imported)),
            f"{name}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
            key="results_json",
        )
