"""Sentences and the JSON document of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from e2lm_core.analysis.compare.comparison import (
    ALL,
    END,
    Comparison,
    MeanDifference,
    question_frame,
    selection_note,
)
from e2lm_core.base import formatting, json_values, labels
from e2lm_core.base.records import LOWER_IS_BETTER, SHARES, TaskSet
from e2lm_core.base.sentences import Sentence, after_colon, before_colon, joined

_ROUNDING = 1e-9  # means of the same values summed in another order differ by less
MATCHED = {
    "id": Sentence("Questions of one id are taken as the same question, reworded or not."),
    "text": Sentence("Questions of the same text and choices are taken as the same question."),
}


def headline(comparison: Comparison) -> str:
    """Headline of a comparison: difference of the final means, and of SQ."""
    first, second = comparison.names
    whole = next((m for m in comparison.means if m.model == ALL and m.point == END), None)
    whole = whole or next((m for m in comparison.means if m.point == END), None)
    if whole is None or whole.difference is None:
        return Sentence(
            "{first} and {second} have no common results yet, so they cannot be compared. Run both.",
            first=first,
            second=second,
        )
    if not any(abs(m.difference or 0) > _ROUNDING or m.changed for m in comparison.means):
        return Sentence(
            "**{second}** and {first} measure the same: no mean differs at any of these points.",
            second=second,
            first=first,
        )
    if note := selection_note(comparison.names, comparison.first, comparison.second):
        return Sentence(
            "**{second}** differs from {first} by {size} in {label} at the end, as the choice makes it. {note}",
            second=second,
            first=first,
            size=_signed(comparison.metric, whole.difference),
            label=labels.METRIC_LABEL[comparison.metric],
            note=note,
        )
    return joined((_said_of_mean(comparison, whole, whole.difference), _said_of_sq(comparison)), "; ")


def _said_of_mean(compared: Comparison, mean: MeanDifference, difference: float) -> str:
    """Clause on the difference of the final means, and on its interval."""
    first, second = compared.names
    values = {
        "second": second,
        "first": first,
        "label": labels.METRIC_LABEL[compared.metric],
        "models": "" if mean.model == ALL else Sentence(" for {model}", model=mean.model),
        "size": _signed(compared.metric, difference),
    }
    if mean.interval is None:
        return Sentence(
            "**{second}** differs from {first} by {size} in {label} at the end{models}; {why}",
            **values,
            why=after_colon(before_colon(mean.why)) if mean.why else Sentence("no interval can be told"),
        )
    low, high = mean.interval
    values["bounds"] = f"[{', '.join(_signed(compared.metric, v, unit=False) for v in mean.interval)}]"
    if low <= 0 <= high:
        if mean.within is None or mean.detectable is None:
            return Sentence(
                "**{second}** and {first} are not told apart in {label}{models}: {size} {bounds}", **values
            )
        return Sentence(
            "**{second}** and {first} end alike in {label}{models} to within {within} (equivalence test at "
            "5%): {size} {bounds} at 95%, where {told} would be told in 80% of cases",
            **values,
            within=formatting.difference(compared.metric, mean.within),
            told=formatting.difference(compared.metric, mean.detectable),
        )
    higher = difference > 0
    better = higher != (compared.metric in LOWER_IS_BETTER)
    share = mean.share if higher else 1 - (mean.share or 0.0)
    sign = 1 if higher else -1  # the sentence gives the size without its sign, and its interval likewise
    ends = (formatting.lead(compared.metric, sign * end, unit=False) for end in mean.interval[::sign])
    values |= {"size": formatting.lead(compared.metric, sign * difference), "bounds": f"[{', '.join(ends)}]"}
    return Sentence(
        "**{second}** ends {size} higher than {first} in {label}{models} {bounds}{judged}, in {share} of resamples"
        if higher
        else "**{second}** ends {size} lower than {first} in {label}{models} {bounds}{judged}, in {share} of resamples",
        **values,
        judged="" if better == higher else Sentence(", which is better" if better else ", which is worse"),
        share=f"{share:.0%}",
    )


def _said_of_sq(compared: Comparison) -> str:
    both = next(s for s in compared.scores if s.score == "sq")
    sq = both.difference
    if len(both.near_random) == 2:
        return Sentence("SQ is no better than guessing for both, so it is not compared.")
    if sq.value is None:
        return Sentence("SQ cannot be compared: it is undefined for one of the two.")
    if sq.interval is None:
        size = _signed("norm_prob", sq.value)
        return Sentence("SQ differs by {size}, without an interval: {why}", size=size, why=sq.why)
    low, high = sq.interval
    bounds = formatting.with_minus(f"{sq.value:+.3f} [{low:+.3f}, {high:+.3f}]")
    if low <= 0 <= high:
        return Sentence("SQ does not change measurably ({bounds}).", bounds=bounds)
    return Sentence("SQ rises ({bounds})." if sq.value > 0 else "SQ falls ({bounds}).", bounds=bounds)


def _signed(metric: str, value: float, unit: bool = True) -> str:
    """Difference with its sign: +2.1 points, −0.031."""
    said = formatting.with_minus(f"{100 * value:+.1f}" if metric in SHARES else f"{value:+.3f}")
    return Sentence("{value} points", value=said) if unit and metric in SHARES else said


def pairing_note(comparison: Comparison) -> str:
    """Note on the number of questions in both sets, and its effect on the intervals."""
    first, second = comparison.names
    old = int((comparison.pairing.first >= 0).sum()) - comparison.shared_question_count
    new = int((comparison.pairing.second >= 0).sum()) - comparison.shared_question_count
    if not comparison.shared_question_count:
        return Sentence(
            "{first} and {second} share no question: each is resampled by itself, and the intervals of the "
            "differences are as wide as the noise of both.",
            first=first,
            second=second,
        )
    only = [
        Sentence("{count} only in {name}", count=n, name=name)
        for n, name in ((old, first), (new, second))
        if n
    ]
    return Sentence(
        "{questions} in both{only}. {matched} Shared questions are resampled together, which makes the comparison "
        "sharper.",
        questions=formatting.count(comparison.shared_question_count, "question"),
        only=Sentence(", {names}", names=formatting.join_words(only)) if only else "",
        matched=MATCHED[comparison.match.by],
    )


def comparison_document(comparison: Sequence[Comparison], first: TaskSet, second: TaskSet) -> dict[str, Any]:
    """Return comparisons of two sets, one per metric, as a JSON document.

    {first, second, shared, matched_by, rc_reading, assumption, metrics: {metric: {finding, means, scores,
    questions}}}
    """
    one = comparison[0]
    return {
        "first": one.names[0],
        "second": one.names[1],
        "shared": one.shared_question_count,
        "matched_by": one.match.by,
        "rc_reading": one.rc_reading,
        "assumption": one.first.independence_note or one.second.independence_note,
        "metrics": {
            comparison.metric: {
                "finding": headline(comparison).replace("**", ""),
                "means": [m.model_dump() for m in comparison.means],
                "scores": {
                    s.score: {
                        "first": s.first.value,
                        "second": s.second.value,
                        "difference": s.difference.model_dump(),
                        "like_random": list(s.near_random),
                    }
                    for s in comparison.scores
                },
                "questions": json_values.frame_to_records(question_frame(comparison, first, second)),
            }
            for comparison in comparison
        },
    }
