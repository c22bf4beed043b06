"""Checkpoints: what is on this machine, what was added from a hub, and adding, downloading, evicting more."""

import streamlit as st

from e2lm_core.checkpoints import tables
from e2lm_core.ui import session
from e2lm_core.ui.checkpoints import added, adding, people
from e2lm_core.ui.frame import parts, say
from e2lm_core.ui.frame.strip import strip

strip()
studio = session.studio()

parts.header("Checkpoints", tables.finding(studio.catalogue, studio.settings))
for problem in studio.catalogue.problems:
    say.warning(problem, icon=":material/warning:")

if studio.catalogue.models:
    parts.table(
        tables.models_frame(studio.catalogue, studio.settings),
        "checkpoints",
        "library_models",
        few=("model", "here", "bytes"),
        column_config=added.COLUMNS,
    )
else:
    parts.empty("There are no checkpoints: the embedded ladder is missing, and E2LM_CHECKPOINTS names none.")

st.subheader("From a hub", anchor=False)
added.added()

st.subheader("Add a model", anchor=False)
adding.add()
with st.expander("All families and models that the studio knows"):
    parts.table(
        tables.families_frame(studio.catalogue, studio.settings),
        "families",
        "library_families",
        height=360,
        few=("model", "checkpoints"),
        column_config={
            "parameters": added.COLUMNS["parameters"],
            "checkpoints": st.column_config.NumberColumn(
                "checkpoints", help="A dash where only the hub knows: Ask the hub lists them."
            ),
        },
    )

people.people()
