"""Sentences and help texts of the page Ranking."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from e2lm_core.analysis.leads import PairAnswer
from e2lm_core.analysis.questions.repeatability import Repeatability
from e2lm_core.analysis.ranks.stability import RankStability
from e2lm_core.base import formatting
from e2lm_core.scores.measurements import NOTHING_SHARED
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import null

DECIDED = 0.8  # share of pairs in their final order from which the order counts as decided
AHEAD = "above the next at the end"  # column of the ranking's table
AHEAD_HELP = (
    "Probability that a model is above the next in this order at the end of training, as stated at this checkpoint; "
    "empty where it is not known, and when training is over (docs/decisions.md)."
)
HELP = {
    "decisions": "The share of model pairs that stand in the same order at a checkpoint as at the last one "
    "(decision accuracy, DataDecide). The band holds the middle 95% of the resamples, each compared with its "
    "own last checkpoint. Resamples are noisier than the set itself, so the band leans low; the card above "
    "has the interval.",
    "tau": "Kendall's τ_b between the models' order at the early window's end and at each later checkpoint. "
    "The band holds the middle 95% of the resamples, which are noisier than the set itself, so it leans low; "
    "RC as all models together has it is the mean of these values with those below 0 counted as 0; the other readings "
    "compare architectures of one size.",
    "questions": "A question holds the order up where, at the early window's end, it already parts the "
    "models as all *other* questions do at the last checkpoint, and spoils it where it parts them the other "
    "way. Chosen on these models, such questions flatter themselves: judge a selection on others.",
    "support": "The mean over pairs of models of (value of the finally better − value of the other) on this "
    "question at the early window's end, in the metric's unit. Who is finally better is what all other "
    "questions say.",
    "± 95%": "Half the width of a question's 95% interval, from how far the halves of the models differ over all questions.",
    "by half 1": "Support by one half of the models alone: of what it would choose, the other half is the judge.",
    "by half 2": "Support by the other half of the models alone.",
    "agreement": "The mean over pairs of +1 where the question puts the finally better model first, −1 where "
    "last, 0 where it cannot tell them apart.",
    "RC gain": "RC, in the reading chosen, less the RC of the set without this question. With few models it is 0 for "
    "most: an order moves in steps.",
}


def headline(stability: RankStability | None, scores: Scores) -> str:
    """Headline of the page Ranking: leaders early and at the end, and ranking consistency."""
    if stability is None and scores.rc.why not in (None, NOTHING_SHARED):
        return f"There is no order to follow yet. {scores.rc.why}"
    if stability is None:
        return "Fewer than two models share a complete checkpoint, so there is no order to follow yet."
    grid = stability.grid
    if grid.end is None:
        return f"Ranking consistency is not defined: {scores.rc.why}"
    if null.is_within_null(scores.rc):
        return (
            f"The models' order is **not distinguishable from that under random answers** to the same questions: RC "
            f"({readings.LABELS[scores.rc_reading]}) is {formatting.score(scores.rc.value)}, where {formatting.random_baseline(scores.rc.null)}."
        )
    first = int(np.argmax(grid.scores[:, grid.end]))
    leader, final = grid.models[first], grid.models[int(np.argmax(grid.scores[:, -1]))]
    same = (
        "and still does at the end of training"
        if leader == final
        else f"but {final} does at the end of training"
    )
    sure = f"{stability.shares[first, 0, grid.end]:.0%}"
    return (
        f"**{leader}** ranks first at the early window's end, {same}. With other questions of this kind it would be first "
        f"there in {sure} of draws. {_consistency(scores)}."
    )


def _consistency(scores: Scores) -> str:
    label = readings.LABELS[scores.rc_reading]
    if scores.rc.value is None:
        return f"RC ({label}) is undefined: {(scores.rc.why or '').rstrip('.')}"
    design = readings.design_clause(scores.is_rc_by_design)
    return f"**RC is {scores.rc.value:.3f}** ({label}{design})"


def consistency_note(reading: str) -> str:
    """Sentence on the order that an RC of 1 stands for."""
    if reading == "all_models":
        return "An RC of 1 is the same order of all models at every later checkpoint."
    return "An RC of 1 is the same better architecture of every size at every later checkpoint."


def tau_note(reading: str) -> str:
    """Note on the values of Kendall's tau, and on their relation to RC in one definition."""
    words = "1 is the same order as at the early window's end, −1 the reverse."
    if reading == "all_models":
        return f"{words} RC is the mean of these, those below 0 counted as 0."
    return f"{words} RC ({readings.LABELS[reading]}) compares architectures of one size, and is no mean of these."


def decision_sentence(stability: RankStability) -> str:
    """Sentence on the first checkpoint from which most pairs are in their final order."""
    grid = stability.grid
    if len(grid.steps) < 2:
        return "One checkpoint has nothing later to be compared with."
    if np.ptp(grid.scores[:, -1]) == 0:
        return "All models stand equal at the last checkpoint, so there is no order to read early."
    total = len(grid.models) * (len(grid.models) - 1) // 2
    at = stability.first_stable_checkpoint(DECIDED)
    if at is None:
        return (
            f"Before the last checkpoint, fewer than {DECIDED:.0%} of the pairs of models stand as they do "
            "there, or not to the end."
        )
    least = float(stability.decisions[at:, 0].min())
    pairs = (
        "every pair of models stands"
        if least == 1
        else f"at least {least:.0%} of the {total} pairs of models stand"
    )
    place = formatting.checkpoint_position(int(grid.steps[at]), grid.tokens_seen[at])
    return f"From {place} on, {pairs} as at the last checkpoint."


def win_sentence(stability: RankStability, checkpoint: int, pairs: Sequence[PairAnswer]) -> str:
    """Sentence on the number of pairs with a reliable lead at a checkpoint, and on the closest pair.

    Args:
        stability: Order of the models.
        checkpoint: Index of the checkpoint.
        pairs: Answers for every two models at that checkpoint alone.
    """
    names = stability.grid.models
    shares = stability.win_probabilities(checkpoint)
    first, second = np.triu_indices(len(names), k=1)
    sure = np.maximum(shares[first, second], shares[second, first])
    closest = int(np.argmin(sure))
    i, j = int(first[closest]), int(second[closest])
    if shares[i, j] < shares[j, i]:
        i, j = j, i
    place = formatting.checkpoint_position(
        int(stability.grid.steps[checkpoint]), stability.grid.tokens_seen[checkpoint]
    )
    if np.ptp(stability.grid.scores[:, checkpoint]) == 0 and (sure == 0.5).all():
        return f"At {place} all models stand equal, in every resample."
    colours = "Blue: the row beats the column; orange: it loses; ties count half."
    leads = sum(
        pair.claims[0].leads is True
        for pair in pairs
        if pair.claims and {pair.higher, pair.lower} <= set(names)
    )
    return (
        f"Pairs with a reliable lead at {place}, on these checkpoints: **{leads} of {len(sure)}**. The closest is "
        f"{names[i]} above {names[j]}, in {sure[closest]:.0%} of resamples. {colours}"
    )


def influence_sentence(questions: pd.DataFrame | None, repeats: Repeatability | None = None) -> str:
    """Sentence on the number of questions that help or hurt the ranking.

    Args:
        questions: Table of `stability.influence_table`; None without a later checkpoint.
        repeats: Repeatability of the influence; if it is not significant, no question is counted.
    """
    if questions is None:
        return (
            "No checkpoint after the early window is complete for every model, so there is no later order to "
            "hold."
        )
    if repeats is not None and not repeats.is_significant:
        return f"{repeats.sentence.rstrip('.')}: nothing is said of single questions here."
    support = questions["support"].dropna()
    if support.empty:
        return "With one question there are no other questions to say which order it should hold."
    up, down = int((support > 0).sum()), int((support < 0).sum())
    if not up and not down:
        return (
            "No question parts the models at the early window's end while the others tell them apart later."
        )
    return (
        f"**{up:,} of {formatting.count(len(support), 'question')}** part the models at the early window's end "
        f"as the others do at the last checkpoint; **{down:,}** part them the other way."
        f"{' ' + repeats.sentence if repeats else ''}"
    )
