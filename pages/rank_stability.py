"""Rank stability: the models' order over tokens, how alike any two orders are, and RC."""

import pandas as pd
import streamlit as st

from e2lm_core import analysis, charts, frames, headlines, measuring, phrasing, ranking
from e2lm_core.records import METRICS
from e2lm_core.ui import parts, session, window
from e2lm_core.ui.strip import strip

task = strip()
measured = session.measurements(task)
metric = st.session_state.get("ranks_metric") or "acc"
grid = measuring.common_grid(measured, metric)
scores = session.scores(measured, metric)

parts.header("Rank stability", headlines.ranks(grid, scores))
if grid is None:
    parts.empty("Run this set on two models or more, and their order over tokens appears here.")
    st.page_link("pages/run.py", label="Choose checkpoints", icon=":material/play_circle:")
    st.stop()

st.segmented_control("Metric", METRICS, default="acc", required=True, key="ranks_metric")
ranks = frames.rank_frame(measured, metric)
parts.chart(
    charts.bump(
        ranks, [c.model for c in measured.curves], session.current_theme(), analysis.early_end(measured),
        narrow=window.narrow(),
    ),
    "ranks_bump",
    "Rank of each model against tokens seen",
)  # fmt: skip
st.caption(
    "The best model stands on top. Twins and extra seeds are left out. A line that stays level after the "
    "early window is a ranking that could have been read early."
)

with st.grid(3, min_column_width=150):
    parts.score("RC", scores.rc)
    parts.score("Decision accuracy", scores.decision_accuracy)
    parts.score("SNR", scores.snr)

st.subheader("How alike the orders are, τ_b", anchor=False)
tau = ranking.tau_matrix(grid.scores)
parts.chart(
    charts.tau_heatmap(tau, grid.tokens_seen, session.current_theme(), narrow=window.narrow()),
    "ranks_tau",
    "Kendall's tau between checkpoints",
)
st.caption("1 (blue): the same order of models at both checkpoints; −1 (orange): the reverse.")

ordered, pairs = st.tabs(["Ranks", "τ_b"])
with ordered:
    parts.table(
        ranks, f"ranks-{metric}", "ranks", height=300, few=("model", "tokens_seen", "rank"),
        percent=("value",) if metric in ("acc", "acc_norm") else (),
    )  # fmt: skip
with pairs:
    names = [phrasing.tokens(t) for t in grid.tokens_seen]
    parts.table(
        pd.DataFrame(tau, columns=names).round(3).assign(tokens_seen=names),
        f"tau-{metric}",
        "ranks_tau",
        height=300,
    )
