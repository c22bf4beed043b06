"""Sentences and help texts of the page Ranking."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from e2lm_core.analysis.leads import PairAnswer
from e2lm_core.analysis.questions.repeatability import Repeatability
from e2lm_core.analysis.ranks.stability import RankStability
from e2lm_core.base import formatting
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.scores.measurements import NOTHING_SHARED
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import null

DECIDED = 0.8  # share of pairs in their final order from which the order counts as decided
AHEAD = "above the next at the end"  # column of the ranking's table
AHEAD_HELP = Sentence(
    "Probability that a model is above the next in this order at the end of training, as stated at this checkpoint; "
    "empty where it is not known, and when training is over (docs/decisions.md)."
)
HELP = {
    "decisions": Sentence(
        "The share of model pairs that stand in the same order at a checkpoint as at the last one "
        "(decision accuracy, DataDecide). The band holds the middle 95% of the resamples, each compared with its "
        "own last checkpoint. Resamples are noisier than the set itself, so the band leans low; the card above "
        "has the interval."
    ),
    "tau": Sentence(
        "Kendall's τ_b between the models' order at the early window's end and at each later checkpoint. "
        "The band holds the middle 95% of the resamples, which are noisier than the set itself, so it leans low; "
        "RC as all models together has it is the mean of these values with those below 0 counted as 0; the other readings "
        "compare architectures of one size."
    ),
    "questions": Sentence(
        "A question holds the order up where, at the early window's end, it already parts the "
        "models as all *other* questions do at the last checkpoint, and spoils it where it parts them the other "
        "way. Chosen on these models, such questions flatter themselves: judge a selection on others."
    ),
    "support": Sentence(
        "The mean over pairs of models of (value of the finally better − value of the other) on this "
        "question at the early window's end, in the metric's unit. Who is finally better is what all other "
        "questions say."
    ),
    "± 95%": Sentence(
        "Half the width of a question's 95% interval, from how far the halves of the models differ over all questions."
    ),
    "by half 1": Sentence(
        "Support by one half of the models alone: of what it would choose, the other half is the judge."
    ),
    "by half 2": Sentence("Support by the other half of the models alone."),
    "agreement": Sentence(
        "The mean over pairs of +1 where the question puts the finally better model first, −1 where "
        "last, 0 where it cannot tell them apart."
    ),
    "RC gain": Sentence(
        "RC, in the reading chosen, less the RC of the set without this question. With few models it is 0 for "
        "most: an order moves in steps."
    ),
}


def headline(stability: RankStability | None, scores: Scores) -> str:
    """Headline of the page Ranking: leaders early and at the end, and ranking consistency."""
    if stability is None and scores.rc.why not in (None, NOTHING_SHARED):
        return Sentence("There is no order to follow yet. {why}", why=scores.rc.why or "")
    if stability is None:
        return Sentence(
            "Fewer than two models share a complete checkpoint, so there is no order to follow yet."
        )
    grid = stability.grid
    if grid.end is None:
        return Sentence("Ranking consistency is not defined: {why}", why=scores.rc.why or "")
    if null.is_within_null(scores.rc):
        return Sentence(
            "The models' order is **not distinguishable from that under random answers** to the same questions: RC "
            "({reading}) is {rc}, where {random}.",
            reading=readings.LABELS[scores.rc_reading],
            rc=formatting.score(scores.rc.value),
            random=formatting.random_baseline(scores.rc.null),
        )
    first = int(np.argmax(grid.scores[:, grid.end]))
    leader, final = grid.short_names[first], grid.short_names[int(np.argmax(grid.scores[:, -1]))]
    return Sentence(
        "**{leader}** ranks first at the early window's end, and still does at the end of training. With other "
        "questions of this kind {leader} would be first at the early window's end in {sure} of draws. {rc}"
        if leader == final
        else "**{leader}** ranks first at the early window's end, but {final} does at the end of training. With other "
        "questions of this kind {leader} would be first at the early window's end in {sure} of draws. {rc}",
        leader=leader,
        final=final,
        sure=f"{stability.shares[first, 0, grid.end]:.0%}",
        rc=_consistency(scores),
    )


def _consistency(scores: Scores) -> str:
    label = readings.LABELS[scores.rc_reading]
    if scores.rc.value is None:
        return Sentence("RC ({reading}) is undefined: {why}", reading=label, why=scores.rc.why or "")
    return Sentence(
        "**RC is {rc}** ({reading}{design}).",
        rc=formatting.score(scores.rc.value),
        reading=label,
        design=readings.design_clause(scores.is_rc_by_design),
    )


def consistency_note(reading: str) -> str:
    """Sentence on the order that an RC of 1 stands for."""
    if reading == "all_models":
        return Sentence("An RC of 1 is the same order of all models at every later checkpoint.")
    return Sentence("An RC of 1 is the same better architecture of every size at every later checkpoint.")


def tau_note(reading: str) -> str:
    """Note on the values of Kendall's tau, and on their relation to RC in one definition."""
    if reading == "all_models":
        return Sentence(
            "1 is the same order as at the early window's end, −1 the reverse. RC is the mean of these, those below 0 "
            "counted as 0."
        )
    return Sentence(
        "1 is the same order as at the early window's end, −1 the reverse. RC ({reading}) compares architectures of one "
        "size, and is no mean of these.",
        reading=readings.LABELS[reading],
    )


def decision_sentence(stability: RankStability) -> str:
    """Sentence on the first checkpoint from which most pairs are in their final order."""
    grid = stability.grid
    if len(grid.steps) < 2:
        return Sentence("One checkpoint has nothing later to be compared with.")
    if np.ptp(grid.scores[:, -1]) == 0:
        return Sentence("All models stand equal at the last checkpoint, so there is no order to read early.")
    total = len(grid.models) * (len(grid.models) - 1) // 2
    at = stability.first_stable_checkpoint(DECIDED)
    if at is None:
        return Sentence(
            "Before the last checkpoint, fewer than {share} of the pairs of models stand as they do there, or not to "
            "the end.",
            share=f"{DECIDED:.0%}",
        )
    least = float(stability.decisions[at:, 0].min())
    place = formatting.checkpoint_position(int(grid.steps[at]), grid.tokens_seen[at])
    if least == 1:
        return Sentence(
            "From {place} on, every pair of models stands as at the last checkpoint.", place=place
        )
    return Sentence(
        "From {place} on, at least {least} of the {total} pairs of models stand as at the last checkpoint.",
        place=place,
        least=f"{least:.0%}",
        total=str(total),
    )


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
        return Sentence("At {place} all models stand equal, in every resample.", place=place)
    leads = sum(
        pair.claims[0].leads is True
        for pair in pairs
        if pair.claims and {pair.higher, pair.lower} <= set(names)
    )
    return Sentence(
        "Pairs with a reliable lead at {place}, on these checkpoints: **{leads} of {pairs}**. The closest is {higher} "
        "above {lower}, in {share} of resamples. Blue: the row beats the column; orange: it loses; ties count half.",
        place=place,
        leads=str(leads),
        pairs=str(len(sure)),
        higher=stability.grid.short_names[i],
        lower=stability.grid.short_names[j],
        share=f"{sure[closest]:.0%}",
    )


def influence_sentence(questions: pd.DataFrame | None, repeats: Repeatability | None = None) -> str:
    """Sentence on the number of questions that help or hurt the ranking.

    Args:
        questions: Table of `stability.influence_table`; None without a later checkpoint.
        repeats: Repeatability of the influence; if it is not significant, no question is counted.
    """
    if questions is None:
        return Sentence(
            "No checkpoint after the early window is complete for every model, so there is no later order to hold."
        )
    if repeats is not None and not repeats.is_significant:
        return joined((repeats.sentence, Sentence("Nothing is said of single questions here.")))
    support = questions["support"].dropna()
    if support.empty:
        return Sentence("With one question there are no other questions to say which order it should hold.")
    up, down = int((support > 0).sum()), int((support < 0).sum())
    if not up and not down:
        return Sentence(
            "No question parts the models at the early window's end while the others tell them apart later."
        )
    said = Sentence(
        "**{up} of {questions}** part the models at the early window's end as the others do at the last checkpoint; "
        "**{down}** part them the other way.",
        up=up,
        questions=formatting.count(len(support), "question"),
        down=down,
    )
    return joined((said, repeats.sentence)) if repeats else said
