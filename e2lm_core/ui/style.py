"""The few rules that the theme has no option for, in one place."""

import streamlit as st

_CSS = """
<style>
[data-testid="stMainBlockContainer"] { max-width: 1200px; padding-top: 3.2rem; padding-bottom: 4rem; }
[data-testid="stMainBlockContainer"] h1 { letter-spacing: -0.015em; padding-bottom: 0; }
[data-testid="stMetric"] { padding: 0.9rem 1rem; }
[data-testid="stMetricValue"], [data-testid="stTable"] td { font-variant-numeric: tabular-nums; }
.st-key-strip { border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); padding-bottom: .55rem; }
.st-key-strip p { margin: 0; }
.finding { font-size: 1.06rem; line-height: 1.45; max-width: 62rem; margin: 0 0 .4rem; opacity: .92; }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding-left: .9rem; padding-right: .9rem; }
}
</style>
"""


def apply() -> None:
    st.html(_CSS)
