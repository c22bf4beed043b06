"""Giving files of results, by upload or paste."""

from __future__ import annotations

import hashlib

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.imported import opening
from e2lm_core.ui import session
from e2lm_core.ui.results.curves import HELP, TYPES, Shown, _plain


def give() -> None:
    """Take files in; what is read is open from then on."""
    files = st.file_uploader(
        "Result files",
        type=TYPES,
        accept_multiple_files=True,
        key="results_files",
        help=HELP,
        label_visibility="collapsed",
    )
    if not files:
        st.session_state.pop("results_taken", None)
        return
    given = {}
    for file in files:
        name = file.name
        while name in given:
            name = f"again/{name}"
        given[name] = file.getvalue()
    taken = hashlib.sha256(
        b"".join(n.encode("utf-8", "replace") + b"\0" + d for n, d in given.items())
    ).hexdigest()
    if st.session_state.get("results_taken") == (taken, None):
        return
    if (before := st.session_state.get("results_taken")) and before[0] == taken:
        st.error(_plain(before[1]), icon=":material/error:")
        return
    studio = session.studio()
    try:
        with st.spinner("Reading …"):
            imported = opening.import_uploads(given, studio.settings.limits, studio.catalogue.checkpoints)
    except StudioError as error:
        st.session_state["results_taken"] = (taken, str(error))
        st.error(_plain(str(error)), icon=":material/error:")
        return
    st.session_state["results_taken"] = (taken, None)
    st.session_state["results_shown"] = Shown(imported=imported)
