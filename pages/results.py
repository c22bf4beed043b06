"""Results: curves from elsewhere, what was recognised of them, and the studio's own runs beside them."""

import streamlit as st

from e2lm_core.imported import words as imported_words
from e2lm_core.ui import parts
from e2lm_core.ui.results import curves as imported_curves
from e2lm_core.ui.results import giving, kept
from e2lm_core.ui.strip import strip

task = strip()
shown = st.session_state.get("results_shown")
title = st.empty()
with st.expander("Import results", expanded=shown is None, icon=":material/upload_file:"):
    st.caption(imported_curves.HELP)
    giving.give()
shown = st.session_state.get("results_shown")
with title.container():
    parts.header(
        "Results",
        imported_words.summary(shown.imported)
        if shown
        else "No results from elsewhere are open: import some, or open what is kept.",
    )
if shown:
    kept.keep(shown)
    imported_curves.problems(shown.imported)
    imported_curves.curves(shown, task)
    imported_curves.download(shown)
st.subheader("Kept", anchor=False)
kept.kept()
