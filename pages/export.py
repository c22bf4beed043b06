"""Export: what stands in the way, and the bundle that lm-evaluation-harness runs unchanged."""

import streamlit as st

from e2lm_core.base import phrasing
from e2lm_core.ui import export
from e2lm_core.ui.author import checks
from e2lm_core.ui.frame import parts
from e2lm_core.ui.frame.strip import strip
from e2lm_core.ui.remembered import results

task = strip()
if not task.questions:
    parts.header("Export", "This set has no questions yet, so there is nothing to export.")
    parts.write_first()

profile = export.profile_chosen()
findings = results.findings(task, profile)
errors = [finding for finding in findings if finding.severity == "error"]
parts.header(
    "Export",
    f"**{phrasing.count(len(errors), 'error')}** must be mended before this set can be exported."
    if errors
    else "Every check that stops an export passes: **the bundle is ready**.",
)
export.profile()
if not errors:
    export.bundle(task, profile)
st.subheader("Report", anchor=False)
st.caption(
    "Curves, scores with their intervals, ranks, checks, questions and what it takes to get the same numbers, in one "
    "HTML file that needs no network."
)
export.report(task)
st.subheader("Checks", anchor=False)
if findings:
    checks.show(findings)
else:
    st.success("Every check passes.", icon=":material/check_circle:")
