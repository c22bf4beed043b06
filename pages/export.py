"""Export: what stands in the way, and the bundle that lm-evaluation-harness runs unchanged."""

import streamlit as st

from e2lm_core.base import phrasing
from e2lm_core.base.errors import StudioError
from e2lm_core.export import submission
from e2lm_core.ui import export as ui_export
from e2lm_core.ui import parts, session
from e2lm_core.ui.author import dialogs
from e2lm_core.ui.remembered import results
from e2lm_core.ui.strip import strip

studio = session.studio()
task = strip()
if not task.questions:
    parts.header("Export", "This set has no questions yet, so there is nothing to export.")
    st.page_link("pages/author.py", label="Write questions", icon=":material/edit_note:")
    st.stop()

profile = st.session_state.get("export_profile") or "plain"
found = results.findings(task, profile)
errors = [f for f in found if f.severity == "error"]
parts.header(
    "Export",
    f"**{phrasing.count(len(errors), 'error')}** must be mended before this set can be exported."
    if errors
    else "Every check that stops an export passes: **the bundle is ready**.",
)
st.segmented_control(
    "Profile",
    ["plain", "competition"],
    default="plain",
    required=True,
    key="export_profile",
    help="competition also asks for 100 to 15,000 questions and that no prompt holds its own answer, as the E2LM organisers did.",
)
if not errors:
    try:
        data = submission.export(studio, task, profile)
    except StudioError as error:
        st.error(str(error), icon=":material/error:")
    else:
        st.download_button(
            f"Download {task.name}.zip",
            data,
            f"{task.name}.zip",
            "application/zip",
            type="primary",
            icon=":material/download:",
            on_click="ignore",
            key="export_zip",
        )
        st.caption(f"{len(data) / 1024:,.0f} kB. The same set gives the same bytes.")
        st.markdown("Unzip it anywhere, then:")
        st.code(
            f"lm_eval --include_path . --tasks {task.name} --model hf --model_args pretrained=<a model>",
            language=None,
            wrap_lines=True,
        )
st.subheader("Report", anchor=False)
st.caption(
    "Curves, scores with their intervals, ranks, checks, questions and what it takes to get the same numbers, in one "
    "HTML file that needs no network."
)
ui_export.download(task)
st.subheader("Checks", anchor=False)
if found:
    dialogs.findings(found)
else:
    st.success("Every check passes.", icon=":material/check_circle:")
