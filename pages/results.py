"""Results: curves from elsewhere, what was recognised of them, and the studio's own runs beside them."""

import streamlit as st

from e2lm_core import result_headlines
from e2lm_core.ui import parts
from e2lm_core.ui import results as views
from e2lm_core.ui.strip import strip

task = strip()
shown = st.session_state.get("results_shown")
title = st.empty()
with st.expander("Import results", expanded=shown is None, icon=":material/upload_file:"):
    st.caption(views.HELP)
    views.give()
shown = st.session_state.get("results_shown")
with title.container():
    parts.header(
        "Results",
        result_headlines.summary(shown.imported)
        if shown
        else "No results from elsewhere are open: import some, or open what is kept.",
    )
if shown:
    views.keep(shown)
    views.problems(shown.imported)
    views.curves(shown, task)
    views.download(shown)
st.subheader("Kept", anchor=False)
views.kept()
