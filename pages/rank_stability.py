"""Rank stability: the models' order over tokens, how sure it is, how early it can be read, and what holds it."""

import streamlit as st

from e2lm_core.analysis.ranks import words as rank_words
from e2lm_core.ui.analysis import ranks
from e2lm_core.ui.analysis.order import Order
from e2lm_core.ui.frame import parts
from e2lm_core.ui.frame.strip import shown, strip
from e2lm_core.ui.remembered import curves as remembered
from e2lm_core.ui.remembered import results

task = strip()
measurements = shown(task).measurements
metric = parts.metric_chosen(ranks.METRIC)
stability = remembered.stable(measurements, metric)
scores = results.scores(measurements, metric)

parts.header("Rank stability", rank_words.ranks(stability, scores))
if stability is None:
    parts.run_first("Run this set on two models or more, and their order over tokens appears here.")

order = Order(task, measurements, metric, stability, scores)
ranks.controls()
ranks.over_tokens(order)
ranks.cards(scores)
ranks.how_early(order)
shares, wins = ranks.at_one_checkpoint(order)
ranks.which_questions(order)

st.subheader("The numbers", anchor=False)
tabs = st.tabs(ranks.TABS)
with tabs[0]:
    ranks.rank_table(order)
with tabs[1]:
    parts.table(shares, f"rank-shares-{metric}", "ranks_share", percent=shares.columns[2:], of=(shares,))
with tabs[2]:
    parts.table(wins, f"wins-{metric}", "ranks_win", percent=wins.columns[1:], of=(wins,))
with tabs[3]:
    ranks.decision_table(order)
with tabs[4]:
    ranks.tau_table(order)
with tabs[5]:
    ranks.every_two_checkpoints(order)
with tabs[6]:
    ranks.question_table(order)
parts.assumption(measurements)
