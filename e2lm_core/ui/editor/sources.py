"""Sources elsewhere for the import: a data set on the hub, a Google Sheet.

Tested in tests/pages/writing/test_sources.py.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.checkpoints.hub import dataset_split
from e2lm_core.people import access
from e2lm_core.sets import google_sheets
from e2lm_core.sets.formats.tables import parquet
from e2lm_core.ui import session
from e2lm_core.ui.base import language, local_request, markdown

HandOver = Callable[[str, str, bytes], None]


def sources_popover(address: str, hand_over: HandOver) -> None:
    """Draw the popover with the sources elsewhere, for members; what is fetched goes to the preview.

    Args:
        address: Address of the set.
        hand_over: Receives the set's address, the name of the table, and its bytes.
    """
    settings = session.studio().settings
    if not access.is_member(settings):
        return
    with st.popover(
        language.translate("From elsewhere"), icon=":material/cloud_download:", key="import_sources"
    ):
        repo = st.text_input(
            language.translate("Data set on the hub"),
            key="source_repo",
            placeholder="OWNER/NAME",
        )
        with st.container(horizontal=True, gap="small"):
            subset = st.text_input(
                language.translate("Subset"),
                key="source_subset",
                placeholder=language.translate("the only one"),
                width=150,
            )
            split = st.text_input(
                language.translate("Split"),
                key="source_split",
                placeholder="test",
                width=150,
            )
        st.caption(language.translate("The first 20,000 rows of its Parquet files; no script of it runs."))
        if st.button(language.translate("Fetch the data set"), key="source_fetch", disabled=not repo.strip()):
            _fetched(lambda: _dataset(address, repo.strip(), (subset.strip(), split.strip()), hand_over))
        if not google_sheets.may_fetch(settings) or (
            settings.auth == "none" and not local_request.is_local_request()
        ):
            return
        sheet = st.text_input(
            language.translate("Google Sheet"),
            key="source_sheet",
            placeholder="https://docs.google.com/…",
        )
        st.caption(language.translate("Share it with everyone who has the link."))
        if st.button(
            language.translate("Fetch the sheet"), key="source_sheet_fetch", disabled=not sheet.strip()
        ):
            _fetched(
                lambda: hand_over(address, "Google Sheet.csv", google_sheets.fetch_sheet(settings, sheet))
            )


def _dataset(address: str, repo: str, part: tuple[str, str], hand_over: HandOver) -> None:
    settings = session.studio().settings
    with dataset_split.download_split(settings, repo, *part) as found:
        data = parquet.first_rows(found.paths, settings.limits, found.origin, repo)
        hand_over(
            address, f"{found.repo.rpartition('/')[2]} {found.part.label.replace('/', ' ')}.parquet", data
        )


def _fetched(fetch: Callable[[], None]) -> None:
    try:
        with session.spinner(language.translate("Fetching …")):
            fetch()
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
