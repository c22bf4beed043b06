"""The frame of every page: its title and look, and the navigation between pages.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.ui import session
from e2lm_core.ui.frame import memory, style, window
from e2lm_core.ui.server import sign_in


def draw() -> None:
    """Draw the page that the address names, in the frame that all have."""
    session.begin_run()
    # Pictures come from the app itself: a material symbol as page icon would be fetched from a font host.
    st.set_page_config(
        page_title="E2LM Task Studio",
        page_icon=style.icon(),
        layout="wide",
        initial_sidebar_state=style.SIDEBAR_PX,
    )
    style.apply()

    pages = st.navigation(
        {
            "Design": [
                st.Page(
                    "pages/overview.py", title="Overview", icon=":material/space_dashboard:", default=True
                ),
                st.Page("pages/author.py", title="Author", icon=":material/edit_note:"),
                st.Page("pages/plan.py", title="Plan", icon=":material/architecture:"),
            ],
            "Measure": [
                st.Page("pages/run.py", title="Run", icon=":material/play_circle:"),
                st.Page("pages/curves.py", title="Curves", icon=":material/show_chart:"),
                st.Page("pages/rank_stability.py", title="Rank stability", icon=":material/swap_vert:"),
                st.Page("pages/relevance.py", title="Relevance", icon=":material/science:"),
                st.Page("pages/questions.py", title="Questions", icon=":material/checklist:"),
                st.Page("pages/score.py", title="Score", icon=":material/stacked_bar_chart:"),
                st.Page("pages/compare.py", title="Compare", icon=":material/difference:"),
            ],
            "Ship": [st.Page("pages/export.py", title="Export", icon=":material/inventory_2:")],
            "Library": [
                st.Page("pages/checkpoints.py", title="Checkpoints", icon=":material/inventory:"),
                st.Page("pages/results.py", title="Results", icon=":material/upload_file:"),
            ],
        }
    )
    sign_in.draw(session.opened_settings(), session.author())
    window.watch()  # after the navigation: what it reports must find the browser on the right page
    pages.run()
    memory.keep_imports()
