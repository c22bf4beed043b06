"""Tab Ranking.

Tested in tests/pages/test_curves.py and tests/pages/test_pages.py.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pandas as pd
import streamlit as st

from e2lm_core.analysis import leads, tables
from e2lm_core.analysis.decisions.outlook import probability_at
from e2lm_core.analysis.ranks import messages as rank_words
from e2lm_core.analysis.ranks import stability
from e2lm_core.base.records import SHARES, Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts import ranks as rank_charts
from e2lm_core.scores.ranking.order import tau_matrix
from e2lm_core.scores.set_scores import Scores
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, viewport
from e2lm_core.ui.cache import curves as remembered
from e2lm_core.ui.cache import decisions, element_replay
from e2lm_core.ui.places import two_models
from e2lm_core.ui.places.curves.ranking_data import RankingData

METRIC = "curves_metric"  # shared with the other tabs of Curves
TABS = (
    language.mark("Over tokens"),
    language.mark("How early"),
    language.mark("At one checkpoint"),
    language.mark("Every two checkpoints"),
    language.mark("By question"),
)
MAX_QUESTIONS = 6  # listed on either side


# --- the charts -------------------------------------------------------------------------------------------


def over_tokens(order: RankingData) -> None:
    """Draw each model's rank against tokens seen."""
    element_replay.once(("over tokens", *order.inputs), lambda: _over_tokens(order))


def _over_tokens(order: RankingData) -> None:
    theme, narrow = session.current_theme(), viewport.is_narrow()
    widgets.chart(
        rank_charts.bump(
            stability.bump_frame(order.stability), order.models, theme, order.early_end, narrow=narrow
        ),
        "ranks_bump",
        language.translate(
            "Rank of each model against tokens seen, with the share of resamples at each rank"
        ),
    )
    widgets.how_computed(
        Sentence(
            "Lines show measured ranks, best on top. A larger dot means a more certain rank: its "
            "area is the share of resamples in which the model has that rank. Twins and extra seeds "
            "are left out. Of more than {number} dots the largest are drawn.",
            number=rank_charts.MAX_DOTS,
        ),
        rank_words.consistency_note(order.scores.rc_reading),
    )


def cards(order: RankingData, silent: bool) -> None:
    """Draw the scores of the order: RC, decision accuracy, SNR; grey if the set's scores mean nothing."""
    element_replay.once(
        ("ranking cards", *order.inputs, order.scores.rc_reading, silent),
        lambda: _cards(order.scores, silent),
    )


def _cards(scores: Scores, silent: bool) -> None:
    with st.grid(3, min_column_width=190):  # wide enough for the longest name on a phone
        widgets.score_card("RC", scores.rc, silent=silent, by_design=scores.is_rc_by_design)
        widgets.score_card("Decision accuracy", scores.decision_accuracy, silent=silent)
        widgets.score_card("SNR", scores.snr, silent=silent)


def how_early(order: RankingData) -> None:
    """Draw decision accuracy and rank correlation over tokens, side by side."""
    rc, read = order.scores.rc, order.scores.rc_reading
    element_replay.once(("how early", *order.inputs, rc.why, read), lambda: _how_early(order, rc))


def _how_early(order: RankingData, rc: Value) -> None:
    with st.grid(2, min_column_width=420):
        with st.container():
            _decisions(order)
        with st.container():
            _tau(order, rc)


def _decisions(order: RankingData) -> None:
    _header(Sentence("How early can this set decide?"), rank_words.HELP["decisions"])
    widgets.chart(
        rank_charts.over_tokens(
            order.decisions,
            "pairs as at the end",
            session.current_theme(),
            (0.0, 1.0),
            (0.5, Sentence("half")),
            percent=True,
            early_end=order.early_end,
        ),
        "ranks_decisions",
        language.translate("Share of model pairs ordered as at the last checkpoint, against tokens seen"),
    )
    markdown.caption(rank_words.decision_sentence(order.stability))


def _tau(order: RankingData, rc: Value) -> None:
    _header(Sentence("Does the ranking last? (Kendall's τ)"), rank_words.HELP["tau"])
    if not order.tau["τ_b"].notna().any():
        widgets.empty_state(Sentence("There is none: {why}", why=rc.why or ""))
        return
    widgets.chart(
        rank_charts.over_tokens(
            order.tau,
            "τ_b",
            session.current_theme(),
            (-1.0, 1.0),
            (0.0, Sentence("no agreement")),
        ),
        "ranks_tau",
        language.translate("Kendall's tau between the early window's end and each later checkpoint"),
    )
    markdown.caption(rank_words.tau_note(order.scores.rc_reading))


def at_one_checkpoint(order: RankingData) -> None:
    """Draw the rank stability at a chosen checkpoint.

    Two heatmaps and tables: the share of resamples at each rank, and the share of wins of each pair.
    """
    _header(Sentence("Can this set tell two models apart?"), leads.HELP)
    two_models.draw(order.measurements, order.metric, "ranks")
    _header(Sentence("How sure is the order at one checkpoint?"))
    at, places = 0, order.checkpoint_labels
    if len(places) > 1:
        at = st.select_slider(
            language.translate("Checkpoint"),
            range(len(places)),
            value=order.stability.default_checkpoint,
            format_func=lambda k: language.translate(places[k]),
            key="ranks_at",
        )
    shares, wins = order.shares_at(at)
    element_replay.once(("at one checkpoint", *order.inputs, at), lambda: _heatmaps(order, shares, wins))
    step = int(order.stability.grid.steps[at])
    markdown.caption(remembered.win_sentence(order.measurements, order.metric, order.stability, at))
    with st.grid(2, min_column_width=420):
        with st.container():
            above = _ahead_of_next(order, list(shares["model"]), step)
            widgets.table(
                lambda: _with_column(shares, above),
                f"rank-shares-{order.metric}",
                "ranks_share",
                percent=(rank_words.AHEAD, *shares.columns[2:]),
                column_config={
                    rank_words.AHEAD: st.column_config.NumberColumn(
                        help=rank_words.AHEAD_HELP, format="%.0f%%"
                    )
                }
                | _rank_headings(shares),
                inputs=(*order.inputs, at, above),
            )
        with st.container():
            widgets.table(
                wins,
                f"wins-{order.metric}",
                "ranks_win",
                percent=tuple(wins.columns[1:]),
                inputs=(*order.inputs, at),
            )


def _ahead_of_next(order: RankingData, names: list[str], step: int) -> tuple[float | None, ...]:
    """Probability that each model is above the next one at the end; None where not known and for the last."""
    outlooks = (decisions.outlooks(order.measurements, order.metric, *pair) for pair in pairwise(names))
    return (*(probability_at(points, step) for points in outlooks), None)


def _rank_headings(shares: pd.DataFrame) -> dict[str, Any]:
    """Columns of ranks, which a table has as "rank 1", "rank 2", …, as shares of draws."""
    return {
        name: st.column_config.NumberColumn(
            language.translate(Sentence("rank {rank}", rank=name.split()[1])), format="%.1f%%"
        )
        for name in shares.columns[2:]
    }


def _with_column(shares: pd.DataFrame, above: tuple[float | None, ...]) -> pd.DataFrame:
    table = shares.copy()
    table.insert(2, rank_words.AHEAD, pd.Series(above, dtype=float))
    return table


def _heatmaps(order: RankingData, shares: pd.DataFrame, wins: pd.DataFrame) -> None:
    theme, narrow = session.current_theme(), viewport.is_narrow()
    with st.grid(2, min_column_width=420):
        widgets.chart(
            rank_charts.share_heatmap(
                shares,
                order.models,
                theme,
                "rising",
                Sentence("%{y} stands at %{x} in %{z:.1%} of resamples<extra></extra>"),
                Sentence("share of resamples at each rank"),
                narrow,
            ),
            "ranks_shares",
            language.translate("Share of resamples in which each model stands at each rank"),
        )
        widgets.chart(
            rank_charts.share_heatmap(
                wins,
                order.models,
                theme,
                "diverging",
                Sentence("%{y} beats %{x} in %{z:.1%} of resamples<extra></extra>"),
                Sentence("share in which the row beats the column"),
                narrow,
            ),
            "ranks_wins",
            language.translate("Share of resamples in which the row's model beats the column's"),
        )


def which_questions(order: RankingData) -> None:
    """Draw the questions that help the ranking most, and those that hurt it."""
    element_replay.once(
        ("which questions", *order.inputs, order.no_advice_reason, order.scores.rc_reading),
        lambda: _which_questions(order),
    )


def _which_questions(order: RankingData) -> None:
    _header(Sentence("Which questions support the ranking?"), rank_words.HELP["questions"])
    repeats = order.repeats
    markdown.markdown(order.no_advice_reason or rank_words.influence_sentence(order.questions, repeats))
    if order.questions is None or not (repeats and repeats.is_significant):
        return
    known = order.questions.dropna(subset=["support"])
    with st.grid(2, min_column_width=420):
        _some_questions(
            Sentence("Help the ranking"), "ranks_hold", known[known["support"] > 0].head(MAX_QUESTIONS)
        )
        _some_questions(
            Sentence("Hurt the ranking"), "ranks_spoil", known[known["support"] < 0].tail(MAX_QUESTIONS)[::-1]
        )


def _some_questions(title: str, key: str, rows: pd.DataFrame) -> None:
    with st.container():
        markdown.markdown(markdown.fill_template("**{title}**", title=title))
        if rows.empty:
            markdown.caption("No question does.")
            return
        st.dataframe(
            rows,
            hide_index=True,
            key=key,
            column_config=widgets.headings(
                rows.columns,
                {"support": st.column_config.NumberColumn(format="%.3f", help=rank_words.HELP["support"])},
            ),
            column_order=("support", "id") if viewport.is_narrow() else ("support", "subject", "question"),
        )


def _header(title: Sentence, about: Sentence | None = None) -> None:
    st.header(
        markdown.fill_template(title),
        anchor=False,
        help=None if about is None else markdown.safe_sentence(about),
    )


# --- the tables -------------------------------------------------------------------------------------------


def rank_table(order: RankingData) -> None:
    """Draw a table of each model's rank at every checkpoint."""
    widgets.table(
        lambda: tables.rank_frame(order.measurements, order.metric),
        f"ranks-{order.metric}",
        "ranks",
        height=300,
        phone_columns=("model", "tokens_seen", "rank"),
        percent=("value",) if order.metric in SHARES else (),
        inputs=order.inputs,
    )


def decision_table(order: RankingData) -> None:
    """Draw a table of the share of pairs ordered as at the end, at every checkpoint."""
    widgets.table(
        order.decisions,
        f"decisions-{order.metric}",
        "ranks_decision",
        height=300,
        phone_columns=("tokens_seen", "pairs as at the end", "resamples from", "to"),
        percent=("pairs as at the end", "resamples from", "to"),
        inputs=order.inputs,
    )


def tau_table(order: RankingData) -> None:
    """Draw a table of the rank correlation of each later checkpoint with the early window's end."""
    widgets.table(
        lambda: order.tau.round(4),
        f"tau-{order.metric}",
        "ranks_later",
        phone_columns=("tokens_seen", "τ_b", "resamples from", "to"),
        inputs=order.inputs,
    )


def every_two_checkpoints(order: RankingData) -> None:
    """Draw the rank correlation between every two checkpoints, as chart and table."""
    element_replay.once(("every two", *order.inputs), lambda: _every_two(order))
    widgets.table(
        lambda: _matrix(order),
        f"tau-matrix-{order.metric}",
        "ranks_every",
        height=300,
        column_config={place: place for place in order.checkpoint_labels},
        inputs=order.inputs,
    )


def _every_two(order: RankingData) -> None:
    grid = order.stability.grid
    every = tau_matrix(grid.scores)
    widgets.chart(
        rank_charts.tau_heatmap(
            every, list(grid.tokens_seen), session.current_theme(), narrow=viewport.is_narrow()
        ),
        "ranks_matrix",
        language.translate("Kendall's tau between every two checkpoints"),
    )
    markdown.caption("1 (blue): the same order of models at both checkpoints; −1 (orange): the reverse.")


def _matrix(order: RankingData) -> pd.DataFrame:
    places = order.checkpoint_labels
    matrix = pd.DataFrame(tau_matrix(order.stability.grid.scores), columns=places).round(3)
    matrix.insert(0, "checkpoint", pd.Series(places, dtype=object))
    return matrix


def question_table(order: RankingData) -> None:
    """Draw a table of each question's effect on the ranking."""
    if order.questions is None:
        markdown.caption(order.no_advice_reason or rank_words.influence_sentence(None))
        return
    if not (order.repeats and order.repeats.is_significant):
        markdown.caption(rank_words.influence_sentence(order.questions, order.repeats))
        return
    widgets.table(
        order.questions,
        f"rank-questions-{order.metric}",
        "ranks_questions",
        height=360,
        phone_columns=("id", "support", "± 95%"),
        column_config={
            name: st.column_config.NumberColumn(format="%.3f", help=rank_words.HELP[name])
            for name in ("support", "± 95%", "by half 1", "by half 2", "agreement", "RC gain")
        },
        inputs=(order.questions,),
    )
