"""Rank stability: the models' order over tokens, how sure it is, how early it can be read, and what holds it."""

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.analysis.ranks import stability
from e2lm_core.analysis.ranks import words as rank_words
from e2lm_core.base import labels, phrasing
from e2lm_core.base.records import METRICS, SHARES
from e2lm_core.charts import ranks
from e2lm_core.charts import ranks as rank_charts
from e2lm_core.scores import ranking, set_scores
from e2lm_core.ui import parts, session
from e2lm_core.ui.frame import window
from e2lm_core.ui.remembered import curves as remembered_curves
from e2lm_core.ui.remembered import results
from e2lm_core.ui.strip import strip

task = strip()
measured = results.measurements(task)
metric = st.session_state.get("ranks_metric") or "acc"
found = remembered_curves.stable(measured, metric)
scores = remembered_curves.scores(measured, metric)

parts.header("Rank stability", rank_words.ranks(found, scores))
if found is None:
    parts.empty("Run this set on two models or more, and their order over tokens appears here.")
    st.page_link("pages/run.py", label="Choose checkpoints", icon=":material/play_circle:")
    st.stop()

theme, narrow, models = session.current_theme(), window.narrow(), [c.model for c in measured.curves]
grid, early_end = found.grid, set_scores.early_end(measured)
places = [phrasing.place(int(s), t) for s, t in zip(grid.steps, grid.tokens_seen, strict=True)]

st.segmented_control(
    "Metric",
    METRICS,
    default="acc",
    required=True,
    key="ranks_metric",
    help="\n\n".join(f"**{m}**: {h}" for m, h in labels.METRIC_HELP.items()),
)
parts.chart(
    rank_charts.bump(stability.bump_frame(found), models, theme, early_end, narrow=narrow),
    "ranks_bump",
    "Rank of each model against tokens seen, with the share of resamples at each rank",
)
st.caption(
    "Lines join the measured ranks, the best on top; the area of a dot is the share of resamples in which the model "
    "stands there, so a large dot is a sure rank. Twins and extra seeds are left out. A line that stays level after "
    "the early window is a ranking that could have been read early."
)

with st.grid(3, min_column_width=150):
    parts.score("RC", scores.rc)
    parts.score("Decision accuracy", scores.decision_accuracy)
    parts.score("SNR", scores.snr)

decisions, tau = stability.decision_table(found), stability.tau_table(found)
with st.grid(2, min_column_width=420):
    with st.container():
        st.subheader("How early can this set decide?", anchor=False, help=rank_words.HELP["decisions"])
        parts.chart(
            rank_charts.over_tokens(
                decisions,
                "pairs as at the end",
                theme,
                "pairs as at the end",
                (0.0, 1.0),
                (0.5, "a coin"),
                percent=True,
                early_end=early_end,
                narrow=narrow,
            ),
            "ranks_decisions",
            "Share of model pairs ordered as at the last checkpoint, against tokens seen",
        )
        st.caption(rank_words.decisions(found))
    with st.container():
        st.subheader("Does the order hold? τ_b", anchor=False, help=rank_words.HELP["tau"])
        if tau["τ_b"].notna().any():
            parts.chart(
                rank_charts.over_tokens(
                    tau,
                    "τ_b",
                    theme,
                    "τ_b",
                    (-1.0, 1.0),
                    (0.0, "no agreement"),
                    narrow=narrow,
                ),
                "ranks_tau",
                "Kendall's tau between the early window's end and each later checkpoint",
            )
            st.caption(
                "1 is the same order as at the early window's end, −1 the reverse. RC is the mean of these."
            )
        else:
            parts.empty(f"There is none: {scores.rc.why}")

st.subheader("How sure is the order at one checkpoint?", anchor=False)
if len(places) > 1:
    chosen = st.select_slider(
        "Checkpoint", range(len(places)), value=found.default, format_func=lambda k: places[k], key="ranks_at"
    )
else:
    chosen = 0
shares, wins = stability.share_table(found, chosen), stability.win_table(found, chosen)
with st.grid(2, min_column_width=420):
    parts.chart(
        rank_charts.share_heatmap(
            shares,
            models,
            theme,
            "rising",
            "%{y} stands at %{x} in %{z:.1%} of resamples",
            "share of resamples at each rank",
            narrow,
        ),
        "ranks_shares",
        "Share of resamples in which each model stands at each rank",
    )
    parts.chart(
        rank_charts.share_heatmap(
            wins,
            models,
            theme,
            "diverging",
            "%{y} beats %{x} in %{z:.1%} of resamples",
            "share in which the row beats the column",
            narrow,
        ),
        "ranks_wins",
        "Share of resamples in which the row's model beats the column's",
    )
st.caption(rank_words.wins(found, chosen))

held = remembered_curves.holding(measured, metric)
st.subheader("Which questions hold the order up?", anchor=False, help=rank_words.HELP["questions"])
questions = stability.holding_table(measured, task, held) if held is not None else None
st.markdown(rank_words.holding(questions))
if questions is not None:
    by_support = questions.dropna(subset=["support"])
    columns = {"support": st.column_config.NumberColumn(format="%.3f", help=rank_words.HELP["support"])}
    with st.grid(2, min_column_width=420):
        for name, key, rows in (
            ("Hold it up", "ranks_hold", by_support[by_support["support"] > 0].head(6)),
            ("Spoil it", "ranks_spoil", by_support[by_support["support"] < 0].tail(6)[::-1]),
        ):
            with st.container():
                st.markdown(f"**{name}**")
                if rows.empty:
                    st.caption("No question does.")
                    continue
                st.dataframe(
                    rows,
                    hide_index=True,
                    key=key,
                    column_config=columns,
                    column_order=("support", "id") if narrow else ("support", "subject", "question"),
                )

st.subheader("The numbers", anchor=False)
tabs = st.tabs(["Ranks", "Rank shares", "Wins", "Decisions", "τ_b", "Every two checkpoints", "Questions"])
with tabs[0]:
    parts.table(
        tables.rank_frame(measured, metric),
        f"ranks-{metric}",
        "ranks",
        height=300,
        few=("model", "tokens_seen", "rank"),
        percent=("value",) if metric in SHARES else (),
    )
with tabs[1]:
    parts.table(shares, f"rank-shares-{metric}", "ranks_share", percent=shares.columns[2:])
with tabs[2]:
    parts.table(wins, f"wins-{metric}", "ranks_win", percent=wins.columns[1:])
with tabs[3]:
    parts.table(
        decisions,
        f"decisions-{metric}",
        "ranks_decision",
        height=300,
        few=("tokens_seen", "pairs as at the end", "resamples from", "to"),
        percent=("pairs as at the end", "resamples from", "to"),
    )
with tabs[4]:
    parts.table(
        tau.round(4), f"tau-{metric}", "ranks_later", few=("tokens_seen", "τ_b", "resamples from", "to")
    )
with tabs[5]:
    every = ranking.tau_matrix(grid.scores)
    parts.chart(
        ranks.tau_heatmap(every, grid.tokens_seen, theme, narrow=narrow),
        "ranks_matrix",
        "Kendall's tau between every two checkpoints",
    )
    st.caption("1 (blue): the same order of models at both checkpoints; −1 (orange): the reverse.")
    matrix = pd.DataFrame(every, columns=places).round(3)
    matrix.insert(0, "checkpoint", places)
    parts.table(matrix, f"tau-matrix-{metric}", "ranks_every", height=300)
with tabs[6]:
    if questions is None:
        st.caption(rank_words.holding(None))
    else:
        parts.table(
            questions,
            f"rank-questions-{metric}",
            "ranks_questions",
            height=360,
            few=("id", "support"),
            column_config={
                name: st.column_config.NumberColumn(format="%.3f", help=rank_words.HELP[name])
                for name in ("support", "agreement", "RC gain")
            },
        )
