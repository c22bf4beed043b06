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
from e2lm_core.base.sentences import Sentence, joined
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
GAIN_HELP = Sentence(
    "Gain: the score of the chosen questions less that of as many questions at random, on "
    "the same models. In-sample, the models made the choice; held out, they were left out of "
    "it. Models that read the same text share which questions are easy and which wrong "
    "answers they prefer, so a rule gains held out under random answer keys too: only more "
    "than that is a gain."
)
INTERVAL_HELP = {
    "questions": Sentence(
        "The bar is the interval of the mean held-out gain, at 95% for all rules tried on the "
        "set, over sets drawn anew from these questions, the choice made anew in each: what the "
        "rule would gain on a fresh set from the same source, with these models. Such bars hold "
        "it in at least 92% of simulated sets (docs/choosing.md)."
    ),
    "folds": Sentence(
        "The bar spans the folds' held-out gains, least to largest; it is no confidence interval."
    ),
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
    sentence = no_advice_reason or joined(filter(None, (_rising(frame, models), _below_chance(frame))))
    if len(pool.steps) == 1:
        right = formatting.percent(float(frame["acc"].mean()))
        sentence = Sentence(
            "At the one shared checkpoint **{right}** of {questions} are answered right, mean over {models}.{more}",
            right=right,
            questions=formatting.count(len(frame), "question"),
            models=models,
            more=Sentence(" {sentence}", sentence=sentence) if sentence else "",
        )
    if not sentence:
        count = formatting.count(len(frame), "question")
        sentence = Sentence(
            "{count} on {models}: too few checkpoints to tell how they rise.", count=count, models=models
        )
    if pool.incomplete:
        sentence = joined((sentence, _left_out(pool.incomplete)))
    return sentence


def _rising(frame: pd.DataFrame, models: str) -> str:
    slopes = frame["slope"].to_numpy(float)
    if not np.isfinite(slopes).any():
        return ""
    if len(frame) == 1:
        course = (
            Sentence("rises")
            if slopes[0] > 0
            else Sentence("falls")
            if slopes[0] < 0
            else Sentence("stays level")
        )
        return Sentence(
            "The one question's margin **{course}** early ({slope} nats per doubling of tokens), mean over {models}.",
            course=course,
            slope=formatting.with_minus(f"{slopes[0]:+.2f}"),
            models=models,
        )
    rising = int((slopes > 0).sum())
    said = Sentence(
        "**{rising} of {all}** questions rise early, mean over {models}",
        rising=rising,
        all=len(frame),
        models=models,
    )
    if not rising:
        return Sentence("{said}.", said=said)
    best = int(np.nanargmax(slopes))
    return Sentence(
        "{said}; the steepest is `{id}` ({slope} nats per doubling of tokens).",
        said=said,
        id=frame["id"][best],
        slope=formatting.with_minus(f"{slopes[best]:+.1f}"),
    )


def _left_out(number: int) -> Sentence:
    return Sentence(
        "{number} question without all results is left out.",
        "{number} questions without all results are left out.",
        number=number,
    )


def _below_chance(frame: pd.DataFrame) -> str:
    below = int((frame["norm_prob"] < 1 / frame["choices"]).sum())
    if not below:
        return ""
    return Sentence(
        "{number} question ends below chance.", "{number} questions end below chance.", number=below
    )


def map_headline(found: LearningMap) -> str:
    """Headline of a learning map: the number of learnt questions beside that under random answer keys."""
    learnt, of = int(found.is_learnt.sum()), len(found.rows)
    models = formatting.count(len(found.models), "model")
    by = found.models[0] if len(found.models) == 1 else Sentence("at least half of {models}", models=models)
    sentence = Sentence("**{learnt} of {of}** questions are learnt by {by}", learnt=learnt, of=of, by=by)
    left_out = ""
    if found.incomplete:
        left_out = Sentence(" {left_out}", left_out=_left_out(found.incomplete))
    if (drawn := found.null) is None:
        return Sentence("{sentence}.{left_out}", sentence=sentence, left_out=left_out)
    random = Sentence(
        "random answer keys give {mean}, up to {q95} in 95% of draws",
        mean=f"{drawn.mean:,.0f}",
        q95=f"{drawn.q95:,.0f}",
    )
    if drawn.p > null.LEVEL:
        return Sentence(
            "{sentence}, **no more than by guessing**: {random}. Their order means nothing.{left_out}",
            sentence=sentence,
            random=random,
            left_out=left_out,
        )
    return Sentence("{sentence}; {random}.{left_out}", sentence=sentence, random=random, left_out=left_out)


def scatter_headline(pool: Pool, frame: pd.DataFrame) -> str:
    """Headline of difficulty against discrimination: the number below 0, and whether discrimination repeats.

    Args:
        pool: Item pool.
        frame: Table of `pool.question_frame`.
    """
    if why := question_pool.undefined_reasons(pool).get("discrimination"):
        return Sentence("There is no discrimination to show. {why}", why=why)
    below = int((frame["discrimination"] < 0).sum())
    said = Sentence(
        "**{below} of {all}** questions have a discrimination below 0.", below=below, all=len(frame)
    )
    return joined((said, pool.discrimination_is_repeatable.sentence))


def reliability_sentence(found: Reliability) -> str:
    """Sentence on Cronbach's alpha beside that under random answer keys, or the reason for its absence."""
    if found.alpha is None:
        few = found.models < item_correlations.MIN_MODELS
        return Sentence("No item-rest correlations and no α: {why}" if few else "No α: {why}", why=found.why)
    assert found.low is not None
    assert found.high is not None
    sentence = Sentence(
        "Cronbach's α (KR-20) is {alpha} {interval} over {models}",
        alpha=f"{found.alpha:.3f}",
        interval=formatting.interval(found.low, found.high),
        models=formatting.count(found.models, "model"),
    )
    if found.null is None:
        return Sentence("{sentence}; what random answer keys give is not known.", sentence=sentence)
    return Sentence(
        "{sentence}; random answer keys give {mean}, up to {q95} in 95% of draws; {p}.",
        sentence=sentence,
        mean=formatting.score(found.null.mean),
        q95=formatting.score(found.null.q95),
        p=formatting.p_value(found.null),
    )


def selection_headline(selection: Selection, question_count: int) -> str:
    """Headline on a selection: number of chosen questions, and gain on models not used for choosing.

    The gain is that of the score that the rule is meant for, against the rule's gain under random answer keys.
    """
    kept = Sentence(
        "The rule keeps **{kept} of {all}** questions.", kept=len(selection.ids), all=question_count
    )
    gain = selection.scores[selection.target]
    if gain.held_out is None or gain.in_sample is None:
        return Sentence(
            "{kept} Whether that is a gain cannot be told: {why}", kept=kept, why=selection.why or gain.why
        )
    sure = f" {formatting.interval(*gain.interval)}" if gain.interval and gain.covers == "questions" else ""
    return Sentence(
        "{kept} On models not used for choosing, {target} gains **{held_out}**{sure} over random "
        "questions. {beside}{resolves}",
        kept=kept,
        target=score_label(selection.target, selection.metric),
        held_out=format_signed(gain.held_out),
        sure=sure,
        beside=_beside_random_keys(selection, gain),
        resolves=_resolves(selection) if selection.is_gain else "",
    )


def _beside_random_keys(selection: Selection, gain: HeldOutGain) -> str:
    """Sentence on the gain beside that of the same rule under random answer keys."""
    if (null := selection.null) is None:
        return Sentence(
            "Whether that is a gain is not known: under random answer keys the same rule may gain as much."
        )
    random = Sentence(
        "{mean} (95% of {draws} draws: {low} to {high})",
        mean=format_signed(null.mean),
        draws=null.draws,
        low=format_signed(null.low),
        high=format_signed(null.high),
    )
    if selection.is_gain:
        return Sentence(
            "Under random answer keys the same rule gains less: {random}, p = {p}.",
            random=random,
            p=f"{null.p:.2g}",
        )
    if null.p > null.level:
        asked = (
            Sentence(", and at most {level} would be one", level=f"{null.level:.2g}")
            if null.p <= 0.05
            else ""
        )
        return Sentence(
            "That is **no gain**: under random answer keys the same rule gains {random}, p = {p}{asked}.",
            random=random,
            p=f"{null.p:.2g}",
            asked=asked,
        )
    return Sentence(
        "That is **no gain**: its interval includes what the same rule gains under random answer "
        "keys, {random}.",
        random=random,
    )


def _resolves(choice: Selection) -> str:
    """Sentence on the smallest difference of two models that the selection ranks right."""
    if choice.resolves is None:
        return ""
    chosen, random = (formatting.difference(choice.metric, value) for value in choice.resolves)
    return Sentence(
        " They rank two models right in 80% of cases from a difference of {chosen} on, as many "
        "random questions from {random}.",
        chosen=chosen,
        random=random,
    )


def selection_warnings(choice: Selection) -> list[str]:
    """Warnings about gains that vanish on other models, may be 0, or belong to a later choice tried."""
    said: list[str] = [
        (
            Sentence(
                "In-sample {in_sample}, held out {held_out} ({score}): the gain does not carry over to "
                "other models.",
                in_sample=format_signed(gain.in_sample),
                held_out=format_signed(gain.held_out),
                score=score_label(score, choice.metric),
            )
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
            Sentence(
                "The held-out gain in {score} may be nothing: its interval {interval} includes 0.",
                score=score_label("final", choice.metric),
                interval=formatting.interval(*final.interval),
            )
        )
    if choice.tried > 1:
        interval = ""
        if final.covers == "questions" and final.level is not None:
            interval = Sentence(", and its interval is one of {level}", level=f"{final.level:.2%}")
        said.append(
            Sentence(
                "{ordinal} choice tried on these questions: a gain needs a p of at most {p}{interval}, so that among all "
                "choices tried on them one that is none is called a gain in at most one set of twenty.",
                ordinal=formatting.ordinal(choice.tried),
                p=f"{1 - heldout.adjusted_level(choice.tried):.2g}",
                interval=interval,
            )
        )
    return said


def score_label(score: str, metric: str) -> str:
    """Name of a score; the final value is that of a metric, negated where lower is better."""
    if score != "final":
        return labels.SCORES[score]
    if metric in LOWER_IS_BETTER:
        return Sentence("final negated {metric}", metric=labels.METRIC_LABEL[metric])
    return Sentence("final {metric}", metric=labels.METRIC_LABEL[metric])


def format_signed(value: float | None) -> str:
    """Number with its sign, such as +0.123; "0.000" below half a thousandth, a dash for None."""
    if value is None:
        return formatting.DASH
    return "0.000" if abs(value) < 5e-4 else formatting.with_minus(f"{value:+.3f}")
