"""Sentences of the page Score."""

from __future__ import annotations

from typing import Any

from e2lm_core.analysis.score.all_right import AllRight
from e2lm_core.analysis.score.parts import MIN_GAIN, Advice, score_components
from e2lm_core.analysis.score.published import published_figures
from e2lm_core.base import formatting, labels
from e2lm_core.base.records import Value
from e2lm_core.base.sentences import Sentence, before_colon, joined
from e2lm_core.scores import composite
from e2lm_core.scores.compliance import NO_TWIN
from e2lm_core.scores.set_scores import Scores, SeedSpread
from e2lm_core.scores.uncertainty import null
from e2lm_core.scores.weighted import WeightedScore


def _cs_bounds() -> str:
    """Range of CS left by the published total: (total - 0.5 SQ - 0.1 RC) / 0.4 with RC 1 and 0."""
    total = published_figures().totals[0]
    assert total.sq_mean is not None
    rest = total.total - composite.WEIGHTS["sq"] * total.sq_mean
    low, high = ((rest - composite.WEIGHTS["rc"] * rc) / composite.WEIGHTS["cs"] for rc in (1, 0))
    return Sentence(
        "{name}'s published total of {total} and SQ of {sq_mean} leave its CS between {low} and {high}.",
        name=total.name,
        total=total.total,
        sq_mean=total.sq_mean,
        low=f"{low:.3f}",
        high=f"{high:.3f}",
    )


SAID_BY_THE_COMPETITION = {
    "rc": (
        Sentence("consistency of model rankings at 1 trillion tokens"),
        Sentence(
            "Theirs uses hidden checkpoints from 200 billion to 1 trillion tokens. Their one figure "
            "of it compares two architectures of 500M parameters on mmlu and prints 0.2979: at 14 of "
            "its 47 later checkpoints they stand as at the last one, the reading here by default. "
            "They stand so against the order of their early means as well, so that the figure cannot "
            "tell these two readings apart; the window's end as the reference would give 33 of 47."
        ),
    ),
    "cs": (
        Sentence("compliance with science"),
        Sentence(
            "Theirs uses a hidden web-only 0.5B model; ours the share of the science model's gain "
            "over chance that its web-only twin does not have, over the early window. {cs_bounds}",
            cs_bounds=_cs_bounds(),
        ),
    ),
}


def weighted_sentence(made: WeightedScore) -> str:
    """Sentence on a score with weights of one's own, beside what random answers give."""
    if made.value.value is None:
        return Sentence("**{name}** is undefined. {why}", name=made.name, why=made.value.why)
    said = f"**{made.name}**: {formatting.score(made.value.value)}"
    never = Sentence("It is never to be compared with a Score.")
    if made.value.null is None:
        return joined((f"{said}.", never))
    random = joined((f"{said}; ", formatting.random_baseline(made.value.null), "."), "")
    guess = [Sentence("No better than guessing.")] if null.is_within_null(made.value) else []
    return joined((random, *guess, never))


def weighted_lines(metric: str, made: WeightedScore) -> list[str]:
    """Lines below a command's table: the name of the column, and what random answers give."""
    return [f"weighted, {metric}: {weighted_sentence(made).replace('**', '')}"]


NO_BARS = Sentence("No bar is drawn: no part of a Score is defined on this model group.")


def headline(scores: Scores, metric: str, silent: str | None = None) -> str:
    """Headline of the page Score: the Score with its interval, and the component that lacks most.

    Args:
        scores: Scores of the metric, with their null distributions.
        metric: Name of the metric.
        silent: Reason why the scores mean nothing (`validity.silence_reason`); None if they mean something.
    """
    label = labels.METRIC_LABEL[metric]
    if scores.score.value is None:
        sentence = Sentence("Score is undefined on {label}: {why}", label=label, why=scores.score.why)
        if scores.sq.value is None:
            return sentence
        half = Sentence(
            "SQ, half of it, is **{sq}**{interval}.",
            sq=formatting.score(scores.sq.value),
            interval=_bounds(scores.sq),
        )
        return joined((sentence, half))
    score = formatting.score(scores.score.value)
    if null.is_within_null(scores.score):
        return Sentence(
            "On {label} the Score of **{score}** is not distinguishable from random answers: {random}.",
            label=label,
            score=score,
            random=formatting.random_baseline(scores.score.null),
        )
    if silent:
        said = Sentence("On {label} the Score of **{score}** means nothing.", label=label, score=score)
        return joined((said, silent))
    gains = [p for p in score_components(scores) if p.headroom is not None]
    if not gains:
        return Sentence(
            "On {label} the Score is **{score}**{interval}.",
            label=label,
            score=score,
            interval=_bounds(scores.score),
        )
    most = max(gains, key=lambda p: p.headroom or 0.0)
    return Sentence(
        "On {label} the Score is **{score}**{interval}; {name} could still gain {part}.",
        label=label,
        score=score,
        interval=_bounds(scores.score),
        part=f"{most.headroom:.3f}",
        name=labels.SCORES[most.name],
    )


def _bounds(value: Value) -> str:
    return "" if value.interval is None else f" {formatting.interval(*value.interval)}"


def seed_clause(spread: SeedSpread | None) -> str | None:
    """Clause on the SQ over seeds, such as "over 3 seeds: mean 0.416, 0.072 to 0.862"; None without seeds."""
    if spread is None:
        return None
    over = _over_seeds(spread)
    if spread.mean is None:
        return Sentence("{over}: undefined, {why}", over=over, why=before_colon(spread.why or ""))
    return Sentence("{over}: mean {spread}", over=over, spread=seed_cell(spread))


def seed_cell(spread: SeedSpread) -> str:
    """Mean SQ over seeds with its range, such as 0.416, 0.072 to 0.862; a dash if it is undefined."""
    if spread.mean is None:
        return formatting.DASH
    low, mean, high = map(formatting.score, (spread.low, spread.mean, spread.high))
    return Sentence("{mean}, {low} to {high}", mean=mean, low=low, high=high)


def seed_note(spread: SeedSpread) -> str:
    """Note below a table of SQ over seeds."""
    return (
        f"sq over seeds: the mean {_over_seeds(spread)}, then the sq with the worst and with the best seed of each model; sq "
        "itself is of the seeds that the others name in seed_of."
    )


def _over_seeds(spread: SeedSpread) -> str:
    replicated = [len(names) for names in spread.seeds.values() if len(names) > 1]
    few, many = min(replicated), max(replicated)
    count = str(many) if few == many else Sentence("{few} to {many}", few=str(few), many=str(many))
    if len(replicated) == len(spread.seeds):
        return Sentence("over {count} seeds", count=count)
    return Sentence(
        "over {count} seeds of {some} of {all} models",
        count=count,
        some=str(len(replicated)),
        all=str(len(spread.seeds)),
    )


def advice_sentences(advice: Advice) -> list[str]:
    """Sentences of the advice with their numbers, the largest headroom first."""
    if advice.why:
        return [advice.why]
    return [
        *_rooms(advice),
        *_undefined(advice),
        *_by_design(advice),
        *_within_null(advice),
        *_at_chance(advice),
        *_weakest(advice),
    ]


def _rooms(advice: Advice) -> list[str]:
    known = sorted((p for p in advice.parts if p.headroom is not None), key=lambda p: -(p.headroom or 0.0))
    rooms = [f"**{labels.SCORES[p.name]}** {p.headroom:.3f}" for p in known]
    return [Sentence("Could still gain: {rooms}.", rooms=formatting.join_words(rooms))] if rooms else []


def _undefined(advice: Advice) -> list[str]:
    proxy = Sentence("Relevance stands in for it as a proxy, under its own name.")
    undefined = [part for part in advice.parts if part.value.value is None]
    said = [
        Sentence("{name} is undefined: {why}", name=labels.SCORES[p.name], why=p.value.why) for p in undefined
    ]
    return [
        joined((one, proxy)) if part.value.why == NO_TWIN else one
        for one, part in zip(said, undefined, strict=True)
    ]


def _by_design(advice: Advice) -> list[str]:
    named = [p for p in advice.parts if p.is_by_design and p.value.value is not None]
    return [
        Sentence(
            "{name} {value} is by design: of each size of the built-in models one shape was made worse on purpose, so "
            "nothing is advised from it.",
            name=labels.SCORES[p.name],
            value=formatting.score(p.value.value),
        )
        for p in named
    ]


def _within_null(advice: Advice) -> list[str]:
    return [
        Sentence(
            "{name} {value} is not distinguishable from random answers, so nothing is advised from it: {random}.",
            name=labels.SCORES[p.name],
            value=formatting.score(p.value.value),
            random=formatting.random_baseline(p.value.null),
        )
        for p in advice.parts
        if p.is_within_null and not p.is_by_design
    ]


def _at_chance(advice: Advice) -> list[str]:
    if advice.at_chance is None or not advice.at_chance.number:
        return []
    terms = {"number": str(advice.at_chance.number), "terms": str(advice.at_chance.terms)}
    if any(part.name == "cs" and part.is_within_null for part in advice.parts):
        return [
            Sentence(
                "CS is 0 in {number} of its {terms} terms (a science model at an early checkpoint that its web-only twin "
                "has as well), where the science model is still guessing. Easier or plainer questions help.",
                **terms,
            )
        ]
    return [
        Sentence(
            "CS is 0 in {number} of its {terms} terms (a science model at an early checkpoint that its web-only twin has "
            "as well), where the science model is still guessing (cost: {cost} of Score). Easier or plainer questions help.",
            **terms,
            cost=f"{advice.at_chance.cost:.3f}",
        )
    ]


def _weakest(advice: Advice) -> list[str]:
    if not advice.models or advice.models[0].cost <= MIN_GAIN:
        return []
    worst = advice.models[0]
    figures = {
        "model": worst.short_name,
        "sq": f"{worst.sq:.3f}",
        "others": f"{worst.others:.3f}",
        "gain": f"{worst.cost:.3f}",
    }
    if any(part.value.value is None for part in advice.parts):
        return [
            Sentence(
                "{model} lowers SQ most: its own SQ is {sq}, the others average {others}. At their mean, SQ would gain "
                "{gain}.",
                **figures,
            )
        ]
    return [
        Sentence(
            "{model} lowers SQ most: its own SQ is {sq}, the others average {others}. At their mean, SQ would gain {gain} "
            "and Score {half}.",
            half=f"{composite.WEIGHTS['sq'] * worst.cost:.3f}",
            **figures,
        )
    ]


PUBLISHED = Sentence("Published scores come from other models and **cannot be compared** with yours.")
NO_SINGLE_QUESTION = Sentence(
    "No single question is named: what a score would be without one hardly repeats on other models (of SQ by accuracy on "
    "ladder_science, over questions, between the ladder's two shapes, a correlation of .02). Choosing on Questions judges "
    "rules on models not used for choosing, and beside random answer keys."
)


def advice_document(advice: Advice) -> dict[str, Any]:
    """Return the advice as a JSON document.

    {why, parts: {sq: {weight, contribution, room}, …}, models, at_chance, sentences}
    """
    return {
        "why": advice.why,
        "parts": {
            p.name: {"weight": p.weight, "contribution": p.contribution, "room": p.headroom}
            for p in advice.parts
        },
        "models": [p.model_dump() for p in advice.models],
        "at_chance": None if advice.at_chance is None else advice.at_chance.model_dump(),
        "sentences": [s.replace("**", "") for s in advice_sentences(advice)],
    }


ALL_RIGHT = Sentence("All of a group right")
ALL_RIGHT_PROVES = Sentence(
    "Reading only what two questions of a group share, such as the subject or the relation alone, gets no group right."
)
ALL_RIGHT_HELP = Sentence(
    "A group is questions with the same choices and different right answers, and counts if all of them are right. Guessing: "
    "the product of 1 / choices. Random: the group's right answers in random order among its questions, so that accuracy by "
    "chance stays as it is. Intervals are over groups."
)


def all_right_sentence(found: AllRight) -> str | None:
    """Sentence on the best model's last value beside guessing; None before the first complete checkpoint.

    A model that is no better than its right answers in random order (p times the number of models above .05) is said to
    be so.
    """
    if found.best is None or found.chance is None:
        return None
    model, value = found.best
    groups = formatting.count(found.groups, "group")
    share = formatting.percent(value.value)
    if value.null is not None and value.null.p * len(found.counted) > null.LEVEL:
        return Sentence(
            "No model is better at whole groups than random answers: {model} has **{share}** of {groups} all right.",
            model=model.short_name,
            share=share,
            groups=groups,
        )
    between = "" if value.interval is None else f" {formatting.interval(*value.interval, share=True)}"
    return Sentence(
        "**{model}** has **{share}**{interval} of {groups} all right; guessing gets {chance}.",
        model=model.short_name,
        share=share,
        interval=between,
        groups=groups,
        chance=formatting.percent(found.chance),
    )


def no_all_right_reason(found: AllRight) -> str | None:
    """Reason why a set has no score of its groups; None where it has one."""
    if found.chance is not None:
        return None
    if not found.groups:
        return Sentence(
            "No two questions have the same choices and different right answers, so there is no "
            "group to get right."
        )
    return Sentence(
        "{questions} of {of} questions share their choices and differ in their right answer: "
        "from half of a set on, all of a group right is scored.",
        questions=found.questions,
        of=found.of,
    )


def all_right_document(found: AllRight) -> dict[str, Any]:
    """Return the score of the groups as a JSON document.

    {groups, questions, chance, models: {model: {steps, tokens_seen, values, low, high, end}}, sentence, proves, why}
    """
    sentence = all_right_sentence(found)
    return {
        **found.document(),
        "sentence": sentence and sentence.replace("**", ""),
        "proves": ALL_RIGHT_PROVES if sentence else None,
        "why": no_all_right_reason(found),
    }


def all_right_lines(found: AllRight) -> list[str]:
    """Lines below a table: the sentence, last values of models that count, what it proves; empty without matched groups."""
    if not found.groups:
        return []
    if (sentence := all_right_sentence(found)) is None:
        return [why] if (why := no_all_right_reason(found)) else []
    ends = [_end_line(model.name, found.ends[model.name]) for model in found.counted]
    return [f"{ALL_RIGHT}: {sentence}", *ends, ALL_RIGHT_PROVES]


def _end_line(name: str, value: Value) -> str:
    if value.value is None:
        return f"  {name}: {formatting.DASH} {value.why}"
    between = "" if value.interval is None else f" {formatting.interval(*value.interval, share=True)}"
    random = "" if value.null is None else f"; {formatting.random_baseline(value.null, share=True)}"
    return f"  {name}: {formatting.percent(value.value)}{between}{random}"
