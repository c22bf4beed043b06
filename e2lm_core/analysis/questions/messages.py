"""Sentences on single questions and on a selection."""

from __future__ import annotations

import numpy as np
import pandas as pd

from e2lm_core.analysis.questions import heldout, item_correlations
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions.item_correlations import Reliability
from e2lm_core.analysis.questions.learning_map import LearningMap
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.selection import HeldOutGain, Selection
from e2lm_core.base import formatting, labels
from e2lm_core.base.records import LOWER_IS_BETTER
from e2lm_core.scores.uncertainty import null

COLUMN_LABEL = {
    "slope": "slope (nats per doubling)",
    "acc": "final acc",
    "margin": "final margin (nats)",
    "early_margin": "early margin (nats)",
    "norm_prob": "final norm_prob",
    "discrimination": "discrimination",
    "contrast": "science contrast",
    "biserial": "item-rest correlation (biserial)",
    "tetrachoric": "item-rest correlation (tetrachoric)",
    "length": "length (characters)",
    "choices": "choices",
    "gold_ratio": "gold length ratio",
    "digits": "digits",
    "taught": "taught",
    "relevance": "relevance",
}
COLUMN_HELP = {
    "slope": "The least-squares slope of the margin over the early window, in nats per doubling of the "
    "tokens seen, mean over the models that count. Rises where models learn the question while they are "
    "young.",
    "acc": "The share of the models that count which answer it rightly at the last shared checkpoint.",
    "margin": "The right answer's log-likelihood less the mean of the others', in nats, mean over models at "
    "the last shared checkpoint. Long choices weigh more.",
    "early_margin": "The mean margin over the early window and the models that count, in nats: how easy the "
    "question is early.",
    "norm_prob": "Probability of the right answer among the choices, mean over models at the last shared "
    "checkpoint.",
    "discrimination": "How well this question agrees with the rest about which models are better: the "
    "correlation over models at the last 5 checkpoints, growth over time taken out. "
    "Negative: better models do worse on it. With a handful of models it is a hint.",
    "contrast": "Final probability of the right answer: the model trained on science minus its web-only "
    "twin.",
    "biserial": "Whether models that answer this question rightly also answer the others better, at the last shared "
    "checkpoint: the biserial correlation, from −1 to 1. Each model counts once. Below 0.2 is weak, and with 30 models "
    "it is uncertain by about 0.45 either way.",
    "tetrachoric": "The same with the models split at the middle by the other questions: the tetrachoric correlation, "
    "from −1 to 1. It uses less of the data and is less certain.",
    "length": "Characters of the question's text.",
    "choices": "How many choices it has.",
    "gold_ratio": "Characters of the right answer by the mean of the others: far from 1, length gives the "
    "answer away.",
    "digits": "Whether a digit stands in the question or its choices.",
    "taught": "Whether the answer is in the mini models' training text. If not, a flat curve means nothing.",
    "relevance": "How probably the competition's rubric accepts the question as science. A proxy.",
}
GAIN_HELP = (
    "Gain: the score of the chosen questions less that of as many questions at random, on the same models. "
    "In-sample, the models made the choice; held out, they were left out of it. Models that read the same text "
    "share which questions are easy and which wrong answers they prefer, so a rule gains held out under random "
    "answer keys too: only more than that is a gain."
)
INTERVAL_HELP = {
    "questions": "The bar is the interval of the mean held-out gain, at 95% for all rules tried on the set, over sets drawn anew from these "
    "questions, the choice made anew in each: what the rule would gain on a fresh set from the same source, "
    "with these models. Such bars hold it in at least 92% of simulated sets (docs/choosing.md).",
    "folds": "The bar spans the folds' held-out gains, least to largest; it is no confidence interval.",
}


def headline(pool: Pool, frame: pd.DataFrame, no_advice_reason: str | None = None) -> str:
    """Headline on single questions: numbers that improve early or end below chance, and the steepest.

    Args:
        pool: Item pool.
        frame: Table of `pool.question_frame`.
        no_advice_reason: Reason against naming questions, used in place of these numbers; at a single checkpoint it
            follows the share answered right.
    """
    models = formatting.count(len(pool.models), "model")
    sentence = no_advice_reason or f"{_rising(frame, models)} {_below_chance(frame)}".strip()
    if len(pool.steps) == 1:
        right = formatting.percent(float(frame["acc"].mean()))
        sentence = (
            f"At the one shared checkpoint **{right}** of {formatting.count(len(frame), 'question')} are answered right, mean over "
            f"{models}. {sentence}".strip()
        )
    if not sentence:
        count = formatting.count(len(frame), "question")
        sentence = f"{count} on {models}: too few checkpoints to tell how they rise."
    if pool.incomplete:
        count = formatting.count(pool.incomplete, "question")
        sentence += f" {count} without all results {'is' if pool.incomplete == 1 else 'are'} left out."
    return sentence


def _rising(frame: pd.DataFrame, models: str) -> str:
    slopes = frame["slope"].to_numpy(float)
    if not np.isfinite(slopes).any():
        return ""
    if len(frame) == 1:
        course = "rises" if slopes[0] > 0 else "falls" if slopes[0] < 0 else "stays level"
        return (
            f"The one question's margin **{course}** early ({slopes[0]:+.2f} nats per doubling of tokens), "
            "mean "
            f"over {models}."
        )
    rising = int((slopes > 0).sum())
    said = f"**{rising:,} of {len(frame):,}** questions rise early, mean over {models}"
    if not rising:
        return f"{said}."
    best = int(np.nanargmax(slopes))
    return f"{said}; the steepest is `{frame['id'][best]}` ({slopes[best]:+.1f} nats per doubling of tokens)."


def _below_chance(frame: pd.DataFrame) -> str:
    below = int((frame["norm_prob"] < 1 / frame["choices"]).sum())
    ends = "ends" if below == 1 else "end"
    return f"{formatting.count(below, 'question')} {ends} below chance." if below else ""


def map_headline(found: LearningMap) -> str:
    """Headline of a learning map: the number of learnt questions beside that under random answer keys."""
    learnt, of = int(found.is_learnt.sum()), len(found.rows)
    models = formatting.count(len(found.models), "model")
    by = found.models[0] if len(found.models) == 1 else f"at least half of {models}"
    sentence = f"**{learnt:,} of {of:,}** questions are learnt by {by}"
    left_out = ""
    if found.incomplete:
        count = formatting.count(found.incomplete, "question")
        left_out = f" {count} without all results {'is' if found.incomplete == 1 else 'are'} left out."
    if (drawn := found.null) is None:
        return f"{sentence}.{left_out}"
    random = f"random answer keys give {drawn.mean:,.0f}, up to {drawn.q95:,.0f} in 95% of draws"
    if drawn.p > null.LEVEL:
        return f"{sentence}, **no more than by guessing**: {random}. Their order means nothing.{left_out}"
    return f"{sentence}; {random}.{left_out}"


def scatter_headline(pool: Pool, frame: pd.DataFrame) -> str:
    """Headline of difficulty against discrimination: the number below 0, and whether discrimination repeats.

    Args:
        pool: Item pool.
        frame: Table of `pool.question_frame`.
    """
    if why := question_pool.undefined_reasons(pool).get("discrimination"):
        return f"There is no discrimination to show. {why}"
    below = int((frame["discrimination"] < 0).sum())
    said = f"**{below:,} of {len(frame):,}** questions have a discrimination below 0."
    return f"{said} {pool.discrimination_is_repeatable.sentence}"


def reliability_sentence(found: Reliability) -> str:
    """Sentence on Cronbach's alpha beside that under random answer keys, or the reason for its absence."""
    if found.alpha is None:
        few = found.models < item_correlations.MIN_MODELS
        return f"No {'item-rest correlations and no ' if few else ''}α: {found.why}"
    assert found.low is not None
    assert found.high is not None
    sentence = (
        f"Cronbach's α (KR-20) is {found.alpha:.3f} {formatting.interval(found.low, found.high)} over "
        f"{formatting.count(found.models, 'model')}"
    )
    if found.null is None:
        return f"{sentence}; what random answer keys give is not known."
    return f"{sentence}; {formatting.random_baseline(found.null).replace('random answers', 'random answer keys')}."


def selection_headline(selection: Selection, question_count: int) -> str:
    """Headline on a selection: number of chosen questions, and gain on models not used for choosing.

    The gain is that of the score that the rule is meant for, against the rule's gain under random answer keys.
    """
    kept = f"The rule keeps **{len(selection.ids):,} of {question_count:,}** questions."
    gain = selection.scores[selection.target]
    if gain.held_out is None or gain.in_sample is None:
        return f"{kept} Whether that is a gain cannot be told: {selection.why or gain.why}"
    sure = f" {formatting.interval(*gain.interval)}" if gain.interval and gain.covers == "questions" else ""
    return (
        f"{kept} On models not used for choosing, {score_label(selection.target, selection.metric)} gains "
        f"**{format_signed(gain.held_out)}**{sure} over random questions. {_beside_random_keys(selection, gain)}"
        f"{_resolves(selection) if selection.is_gain else ''}"
    )


def _beside_random_keys(selection: Selection, gain: HeldOutGain) -> str:
    """Sentence on the gain beside that of the same rule under random answer keys."""
    if (null := selection.null) is None:
        return "Whether that is a gain is not known: under random answer keys the same rule may gain as much."
    random = (
        f"{format_signed(null.mean)} (95% of {null.draws:,} draws: {format_signed(null.low)} to "
        f"{format_signed(null.high)})"
    )
    if selection.is_gain:
        return f"Under random answer keys the same rule gains less: {random}, p = {null.p:.2g}."
    if null.p > null.level:
        asked = f", and at most {null.level:.2g} would be one" if null.p <= 0.05 else ""
        return f"That is **no gain**: under random answer keys the same rule gains {random}, p = {null.p:.2g}{asked}."
    return f"That is **no gain**: its interval includes what the same rule gains under random answer keys, {random}."


def _resolves(choice: Selection) -> str:
    """Sentence on the smallest difference of two models that the selection ranks right."""
    if choice.resolves is None:
        return ""
    chosen, random = (formatting.difference(choice.metric, value) for value in choice.resolves)
    return (
        f" They rank two models right in 80% of cases from a difference of {chosen} on, as many random questions from "
        f"{random}."
    )


def selection_warnings(choice: Selection) -> list[str]:
    """Warnings about gains that vanish on other models, may be 0, or belong to a later choice tried."""
    said = [
        (
            f"In-sample {format_signed(gain.in_sample)}, held out {format_signed(gain.held_out)} "
            f"({score_label(score, choice.metric)}): the gain does not carry over to other models."
        )
        for score, gain in choice.scores.items()
        if gain.flatters and gain.in_sample is not None and gain.held_out is not None
    ]
    final = choice.scores["final"]
    if (
        choice.is_gain is None
        and not final.flatters
        and final.covers == "questions"
        and final.interval
        and final.interval[0] <= 0 <= final.interval[1]
    ):
        said.append(
            f"The held-out gain in {score_label('final', choice.metric)} may be nothing: its interval "
            f"{formatting.interval(*final.interval)} includes 0."
        )
    if choice.tried > 1:
        interval = ""
        if final.covers == "questions" and final.level is not None:
            interval = f", and its interval is one of {final.level:.2%}"
        said.append(
            f"{formatting.ordinal(choice.tried)} choice tried on these questions: a gain needs a p of at most "
            f"{1 - heldout.adjusted_level(choice.tried):.2g}{interval}, so that among all choices tried on them one that is "
            "none is called a gain in at most one set of twenty."
        )
    return said


def score_label(score: str, metric: str) -> str:
    """Name of a score; the final value is that of a metric, negated where lower is better."""
    if score != "final":
        return labels.SCORES[score]
    return f"final {'negated ' if metric in LOWER_IS_BETTER else ''}{labels.METRIC_LABEL[metric]}"


def format_signed(value: float | None) -> str:
    """Number with its sign, such as +0.123; "0.000" below half a thousandth, a dash for None."""
    if value is None:
        return formatting.DASH
    return "0.000" if abs(value) < 5e-4 else f"{value:+.3f}"
