"""Sentences and rows on who is ahead at the end.

Tested in tests/analysis/decisions/test_messages.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from e2lm_core.analysis import tables
from e2lm_core.analysis.decisions import probability
from e2lm_core.analysis.decisions.earlier import MIN_QUESTIONS, Alternative
from e2lm_core.analysis.decisions.outlook import LEVELS, Certainty, Outlook, Stop
from e2lm_core.analysis.decisions.probability import Reliability
from e2lm_core.base import formatting
from e2lm_core.base.labels import METRIC_LABEL
from e2lm_core.base.sentences import Sentence, after_colon, joined

NO_PAIR = Sentence("The two models share no checkpoint with complete results: run both at the same steps.")
FRAME_COLUMNS = (*("step", "tokens_seen", "share", "first", "second", "probability", "low", "high", "why"),)
HELP = Sentence(
    "From the difference of the two scores in standard errors, the larger model and the height above chance: a logistic "
    "regression on public curves. The band holds 95% over resampled models of these, and what each of their two families says "
    "alone."
)
CERTAINTY_HELP = Sentence(
    "The mean over all pairs of the probability of the likelier model; a pair that is not known counts as 50%, and sizes more "
    "than six times apart are left out."
)
RELIABILITY_HELP = Sentence(
    "Each family was told from the others alone: of decisions with such a stated probability, the share that was right. "
    "Bars are two standard errors over resampled models. docs/studies/decisions.md has pairs of one size, other rules and "
    "sets that measure nothing."
)
EARLIER_HELP = Sentence(
    "Differences between models that this set shows are in part luck. That part is taken off, as much as the pairs' differences "
    "and the bootstrap say; then sets of so many questions like these are drawn. From quarters of the example sets this "
    "foretold the certainty of the questions held back a little too low. More training seeds are on no public curve, so nothing "
    "is said of them. Another form of the question is another set: run a copy in it."
)
BUILT_IN = "The built-in models train on 2 M tokens: compare shares of training, never tokens with those of benchmarks."


def table_note() -> str:
    """Sentence on the column P, with how often it held."""
    bands = [of for of in probability.load_coefficients().reliability if of.left_out == "Pythia"]
    middle = next(of for of in bands if (of.low, of.high) == (0.75, 0.85))
    sure = [of for of in bands if of.low >= 0.9]
    decided = sum(of.decisions for of in sure)
    right = sum(of.right * of.decisions for of in sure) / decided
    return (
        "P: probability that the model named is above the other at the end of training, from public curves of other models; "
        f"in brackets what these allow. Of Pythia, told from other families, 75% to 85% was right in {middle.right:.0%} and "
        f"90% or more in {right:.0%} (docs/decisions.md)."
    )


def headline(points: Sequence[Outlook], first: str, second: str) -> str:
    """The answer for two models at their last checkpoint, or when training is over from where it was stated.

    Args:
        points: Outlook at every checkpoint, in order.
        first: Short name of the first model, as in `Outlook.first_score`.
        second: Short name of the second.
    """
    if not points:
        return Sentence(
            "**It is not known whether {first} or {second} is ahead at the end**: {why}",
            first=first,
            second=second,
            why=after_colon(NO_PAIR),
        )
    last = points[-1]
    if last.why == probability.END:
        return _after_the_end(points, first, second)
    if last.probability is None and last.share is not None and last.share >= 1:
        return Sentence(
            "Training is over, but **whether {first} or {second} is ahead means nothing here**: {why}",
            first=first,
            second=second,
            why=after_colon(last.why or ""),
        )
    if last.probability is None:
        return Sentence(
            "At {place}, **it is not known whether {first} or {second} is ahead at the end**: {why}",
            place=place(last),
            first=first,
            second=second,
            why=after_colon(last.why or ""),
        )
    if last.ahead is None:
        return Sentence("At {place}, **either is ahead at the end with 50%**.", place=place(last))
    assert last.interval is not None
    ahead, behind = (second, first) if last.is_second_ahead else (first, second)
    return Sentence(
        "At {place}, **{ahead} is ahead of {behind} at the end with {probability}** ({low} to {high}).",
        place=place(last),
        ahead=ahead,
        behind=behind,
        probability=_percent(last.probability),
        low=_percent(last.interval[0]),
        high=_percent(last.interval[1]),
    )


def _after_the_end(points: Sequence[Outlook], first: str, second: str) -> str:
    """Sentences on who ended ahead, and from where on this was stated."""
    last = points[-1]
    if last.second_score == last.first_score:
        return Sentence("Training is over: {first} and {second} ended level.", first=first, second=second)
    second_won = last.second_score > last.first_score
    ahead, behind = (second, first) if second_won else (first, second)
    said = [Sentence("Training is over: **{ahead} ended ahead of {behind}**.", ahead=ahead, behind=behind)]
    least = LEVELS[0]
    level = f"{least:.0%}"
    stated = [(p, p.probability) for p in points if p.probability is not None and p.probability >= least]
    right = next((p for p, _ in stated if p.is_second_ahead == second_won), None)
    wrong = next(((p, value) for p, value in stated if p.is_second_ahead != second_won), None)
    if right is not None:
        said.append(
            Sentence("At {place} this was stated with {level} or more.", place=place(right), level=level)
        )
    if wrong is not None:
        at, value = wrong
        said.append(
            Sentence(
                "At {place}, {behind} was stated to end ahead with {probability}.",
                place=place(at),
                behind=behind,
                probability=_percent(value),
            )
        )
    if right is None and wrong is None:
        said.append(Sentence("Before that, {level} was stated for neither.", level=level))
    return joined(said)


def certainty_sentence(found: Certainty | None, has_built_in_models: bool) -> str | None:
    """Sentence on when the pairs of a set are decided; None without a pair that can be known.

    Args:
        found: Certainty over the pairs.
        has_built_in_models: Whether built-in models are among them, of which shares of training are told alone.
    """
    if found is None:
        return None
    pairs = formatting.count(found.pairs, "pair")
    reached = [
        Sentence("{level} sure at {place}", level=f"{stop.level:.0%}", place=at)
        for stop in found.stops
        if (at := _stop_place(stop, has_built_in_models)) is not None
    ]
    if not reached:
        return Sentence(
            "The set is never {level} sure of who ends ahead, on average over its {pairs} of models: at the last "
            "checkpoint before the end it is {mean} sure.",
            level=f"{LEVELS[0]:.0%}",
            pairs=pairs,
            mean=f"{found.means[-1]:.0%}",
        )
    return Sentence(
        "**The set is {reached}** of who ends ahead, on average over its {pairs} of models.",
        reached=formatting.join_words(reached),
        pairs=pairs,
    )


def earlier_sentence(found: Sequence[Alternative], has_built_in_models: bool) -> str:
    """Sentence on the smallest number of questions that decides the pairs earlier, beside as many as now.

    Args:
        found: Answer of `earlier.alternatives`; not empty.
        has_built_in_models: Whether built-in models are among the pairs, of which shares of training are told alone.
    """
    foretold = [of for of in found if not of.is_measured and of.certainty is not None]
    if not foretold:
        return Sentence(
            "From {least} questions on, and on a set above chance, it is foretold when more questions would decide: "
            "run the set on later checkpoints first.",
            least=MIN_QUESTIONS,
        )
    now, level = foretold[0], f"{LEVELS[0]:.0%}"
    share = _share_at(now)
    sooner = next((of for of in foretold[1:] if _share_at(of) < share), None)
    if sooner is None:
        return Sentence(
            "Even {questions} questions like these would not decide the pairs to {level} earlier: compare them at later "
            "checkpoints.",
            questions=foretold[-1].questions,
            level=level,
        )
    before = (
        Sentence(
            ", {questions} at {place}",
            questions=now.questions,
            place=_stop_text(now, 0, has_built_in_models),
        )
        if share <= 1
        else ""
    )
    return Sentence(
        "**{questions} questions like these** would decide the pairs to {level} at {place}{before}.",
        questions=sooner.questions,
        level=level,
        place=_stop_text(sooner, 0, has_built_in_models),
        before=before,
    )


def earlier_frame(found: Sequence[Alternative], has_built_in_models: bool) -> pd.DataFrame:
    """Table of the changes that would decide earlier: change, questions, mean, one column for each of `LEVELS`.

    `mean` is the certainty at the checkpoint at which the set as it is reaches the first level, else at the last one.
    """
    first = found[0].certainty if found else None
    share = None if first is None else first.stops[0].share or first.shares[-1]
    rows = []
    for of in found:
        certainty = of.certainty
        known = certainty is not None and share in certainty.shares
        rows.append(
            {
                "change": _change(of, found[0]),
                "questions": of.questions,
                "mean": certainty.means[certainty.shares.index(share)]
                if certainty and share and known
                else None,
                **{
                    f"{level:.0%} at": _stop_text(of, number, has_built_in_models)
                    for number, level in enumerate(LEVELS)
                },
            }
        )
    columns = ["change", "questions", "mean", *(f"{level:.0%} at" for level in LEVELS)]
    return tables.sentence_table(rows, columns).astype({"mean": float})


def earlier_lines(found: Sequence[Alternative], has_built_in_models: bool) -> list[str]:
    """The same table as lines of text."""
    frame = earlier_frame(found, has_built_in_models)
    levels = [f"{level:.0%} at" for level in LEVELS]
    return [
        f"{row['change']}, {row['questions']:,} questions: " + ", ".join(f"{at} {row[at]}" for at in levels)
        for row in frame.to_dict("records")
    ]


def _change(of: Alternative, first: Alternative) -> str:
    """Name of an alternative, beside the set as it is."""
    if of is first:
        return Sentence("this set")
    if of.is_measured:
        return Sentence("this set, {metric}", metric=METRIC_LABEL[of.metric])
    return Sentence(
        "as many others like these" if of.questions == first.questions else "more questions like these"
    )


def _share_at(of: Alternative) -> float:
    """Share of training at which the first level is reached; infinite if it never is."""
    share = None if of.certainty is None else of.certainty.stops[0].share
    return float("inf") if share is None else share


def _stop_text(of: Alternative, number: int, has_built_in_models: bool) -> str:
    """Checkpoint of one of `LEVELS` in words; "never" before the end, "not known" where nothing is."""
    if of.certainty is None:
        return Sentence("not known")
    return _stop_place(of.certainty.stops[number], has_built_in_models) or Sentence("never")


def _stop_place(stop: Stop, has_built_in_models: bool) -> str | None:
    """Checkpoint of a level in words, its share of training alone for built-in models; None if it is never reached."""
    if stop.share is None or stop.tokens_seen is None:
        return None
    share = f"{stop.share:.0%}"
    if has_built_in_models:
        return Sentence("{share} of training", share=share)
    return _with_share(Sentence("{tokens} tokens", tokens=formatting.tokens(stop.tokens_seen)), share)


def outlook_rows(points: Sequence[Outlook]) -> list[dict[str, Any]]:
    """Rows of the table, one for each checkpoint; a probability is a document `{value, interval}`."""
    return [
        {
            "step": point.step,
            "tokens": None if point.tokens_seen is None else round(point.tokens_seen),
            "of training": point.share,
            "first": point.first_score,
            "second": point.second_score,
            "ahead at the end": point.ahead,
            "P": {"value": point.probability, "interval": point.interval},
            "why": point.why,
        }
        for point in points
    ]


def outlook_frame(points: Sequence[Outlook], second: bool) -> pd.DataFrame:
    """Table of one model's probability at every checkpoint: step, tokens_seen, share, scores, probability, low, high, why.

    Args:
        points: Outlook at every checkpoint.
        second: Whether it is the second model's.
    """
    rows = []
    for point in points:
        value, (low, high) = point.probability, point.interval or (None, None)
        if value is not None and low is not None and high is not None and point.is_second_ahead is not second:
            value, low, high = 1 - value, 1 - high, 1 - low
        rows.append(
            {
                "step": point.step,
                "tokens_seen": point.tokens_seen,
                "share": point.share,
                "first": point.first_score,
                "second": point.second_score,
                "probability": value,
                "low": low,
                "high": high,
                "why": point.why,
            }
        )
    numbers = ("tokens_seen", "share", "probability", "low", "high")
    return tables.sentence_table(rows, FRAME_COLUMNS).astype(dict.fromkeys(numbers, float))


def certainty_frame(certainty: Certainty) -> pd.DataFrame:
    """Table of a set's certainty: tokens_seen, share, mean, known, pairs."""
    return pd.DataFrame(
        {
            "tokens_seen": certainty.tokens_seen,
            "share": certainty.shares,
            "mean": certainty.means,
            "known": certainty.known,
            "pairs": certainty.pairs,
        }
    )


def reliability_frame(bands: Sequence[Reliability]) -> pd.DataFrame:
    """Table of what was stated and right, by family that was left out."""
    return tables.sentence_table(
        [
            {
                "left out": of.left_out,
                "band": Sentence("{low} to {high}", low=f"{of.low:.0%}", high=f"{of.high:.0%}"),
                **of.model_dump(include={"stated", "right", "error", "decisions", "models"}),
            }
            for of in bands
        ]
    )


def unknown_notes(points: Sequence[Outlook]) -> list[str]:
    """Sentences on the checkpoints whose probability is not known, one for each reason in a row."""
    notes: list[tuple[str, Outlook, Outlook]] = []
    for point in points:
        if point.why and notes and notes[-1][0] == point.why:
            notes[-1] = (point.why, notes[-1][1], point)
        elif point.why:
            notes.append((point.why, point, point))
    return [
        Sentence(
            "{place}: {why}",
            place=place(first)
            if first is last
            else Sentence("{low} to {high}", low=place(first), high=place(last)),
            why=why,
        )
        for why, first, last in notes
    ]


def place(point: Outlook) -> str:
    """A checkpoint in words: 614 k tokens (30% of training)."""
    where = formatting.checkpoint_position(point.step, point.tokens_seen)
    return where if point.share is None else _with_share(where, f"{point.share:.0%}")


def _percent(share: float) -> str:
    """A probability in whole percent, never 100%."""
    return f"{share:.0%}" if share < 0.995 else Sentence("more than 99%")


def _with_share(where: str, share: str) -> str:
    return Sentence("{place} ({share} of training)", place=where, share=share)
