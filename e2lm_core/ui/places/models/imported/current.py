"""The current import.

Tested in tests/pages/test_results.py.
"""

from __future__ import annotations

import json

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.imported import documents
from e2lm_core.imported.records import Imported
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, viewport

MAX_PROBLEMS = 100
_OPEN = "results_shown"


class OpenResults(Record):
    """The imported results that the visitor has open.

    Attributes:
        imported: The results.
        name: Name under which they are saved; None for a fresh import.
    """

    imported: Imported
    name: str | None = None

    @property
    def key(self) -> str:
        """Part of the keys of controls, which start again with other results."""
        return self.name or str(hash(tuple(seen.file for seen in self.imported.files)))


def current_results() -> OpenResults | None:
    """The results that are open in this session; None without any."""
    return st.session_state.get(_OPEN)


def open_results(imported: Imported, name: str | None = None) -> None:
    """Open imported results in place of any others."""
    st.session_state[_OPEN] = OpenResults(imported=imported, name=name)


def close_results() -> None:
    """Close the open results."""
    st.session_state.pop(_OPEN, None)


def problems_panel(imported: Imported, open_up_to: int = 3) -> None:
    """Draw the problems of an import, folded if there are more than `open_up_to`."""
    if not imported.problems:
        return
    with st.expander(
        markdown.fill_count(
            "{number} thing to know about these results",
            "{number} things to know about these results",
            len(imported.problems),
        ),
        expanded=len(imported.problems) <= open_up_to,
        icon=":material/info:",
    ):
        markdown.markdown(markdown.bullet_list(imported.problems[:MAX_PROBLEMS]))
        if (more := len(imported.problems) - MAX_PROBLEMS) > 0:
            markdown.caption(Sentence("{more} more are in the JSON.", more=more))


def files_table(imported: Imported) -> None:
    """Draw the recognised kind of each file, unrecognised files first."""
    rows = [
        {
            "file": seen.file,
            "recognised": seen.why is None,
            "as": language.translate(seen.kind) if seen.kind else seen.kind,
            "results": seen.results if seen.why is None else None,
            "why not": language.translate(seen.why) if seen.why else seen.why,
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
        column_config=widgets.headings(
            ("file", "recognised", "as", "results", "why not"),
            {"recognised": st.column_config.CheckboxColumn(width="small")},
        ),
    )


def download(results: OpenResults) -> None:
    """Draw the downloads of all open curves, as CSV and JSON."""
    name = results.name or "imported"
    table, document = documents.csv(results.imported.curves), documents.document(results.imported)
    with st.container(horizontal=True, gap="small"):
        for kind, data, mime in (
            ("csv", table, "text/csv"),
            ("json", json.dumps(document), "application/json"),
        ):
            st.download_button(
                markdown.fill_template("Download all as {format}", format=kind.upper()),
                data,
                f"{name}.{kind}",
                mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"results_{kind}",
            )
