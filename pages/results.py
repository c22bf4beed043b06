"""Results: curves from elsewhere, what was recognised of them, and the studio's own runs beside them."""

import streamlit as st

from e2lm_core.imported import words as imported_words
from e2lm_core.ui.frame import parts
from e2lm_core.ui.frame.strip import strip
from e2lm_core.ui.results import curves, giving, kept, opened

task = strip()
title = st.empty()
with st.expander("Import results", expanded=opened.opened() is None, icon=":material/upload_file:"):
    st.caption(giving.HELP)
    giving.give()
results = opened.opened()
with title.container():
    parts.header(
        "Results",
        imported_words.summary(results.imported)
        if results
        else "No results from elsewhere are open: import some, or open what is kept.",
    )
if results:
    kept.keep(results)
    opened.problems(results.imported)
    curves.curves(results, task)
    opened.download(results)
st.subheader("Kept", anchor=False)
kept.kept()
