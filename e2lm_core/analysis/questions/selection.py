"""Item selection by a rule, evaluated on held-out models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from e2lm_core.analysis.questions import heldout, rule_text
from e2lm_core.analysis.questions import rules as question_rules
from e2lm_core.analysis.questions.pool import Pool, matching_questions
from e2lm_core.analysis.questions.rules import Rule, Where
from e2lm_core.base import labels
from e2lm_core.base.errors import StudioError
from e2lm_core.base.json_values import to_json_value
from e2lm_core.base.records import ModelInfo
from e2lm_core.scores import signal
from e2lm_core.scores.uncertainty import bootstrap

PRESETS: dict[str, str] = {
    "easiest-half": "The half of the questions with the highest mean margin over the early window. After "
    "mmlu_early_training, which keeps the 50% easiest and scores the margin.",
    "rising-hard-science": "Questions of hard-science subjects whose margin rises over the early window. "
    "After noor, which keeps positive margin slopes in hard science.",
    "one-source": "The one source whose questions' margins rise most. After sciknoweval_mcqa, which takes "
    "one source only.",
    "snr-greedy": "Questions out and in again while that raises the signal-to-noise ratio of norm_prob; at "
    "least half of them stay.",
}
RESAMPLED_CELLS = 3_000_000  # questions times resamples, so that a large set takes no longer than a small one
FEWEST_RESAMPLES = 200
ENOUGH = 0.95  # of the resamples must leave something to choose


@dataclass(frozen=True)
class HeldOutGain:
    """One score's mean gains over folds; `value` is the chosen questions' own held-out score.

    `interval` is about the held-out gain: over resampled questions where `covers` is "questions", at a `level` of 95%
    that falls to all rules tried on the set together (`heldout.level_of`); the least and largest over folds where it
    is "folds". `why` says why something is None.
    """

    value: float | None
    in_sample: float | None
    held_out: float | None
    interval: tuple[float, float] | None
    covers: str | None
    flatters: bool
    why: str | None = None
    level: float | None = None


@dataclass(frozen=True)
class FoldGain:
    """One fold: the `models` that judge, how many questions are chosen, and each score's gains on either
    side."""

    label: str
    models: tuple[str, ...]
    size: int
    in_sample: dict[str, float | None]
    held_out: dict[str, float | None]


@dataclass(frozen=True)
class Selection:
    """What a rule chooses on all models, and how it does on models that took no part in it; `tried` is its place
    among the rules that were tried on the set, `resolves` what `heldout.resolution` says of it."""

    rule: str
    metric: str
    ids: tuple[str, ...]
    mask: np.ndarray
    scores: dict[str, HeldOutGain]
    folds: tuple[FoldGain, ...]
    why: str | None
    tried: int = 1
    resolves: tuple[float, float] | None = None


def resolve_rule(pool: Pool, text: str, source: str | None = None) -> Rule:
    """A preset by name, or a rule of one's own. Raises `StudioError` where the set lacks what it needs."""
    if source is not None and text != "one-source":
        raise StudioError('A source can be named for the rule one-source alone: write source = "…" instead.')
    match text:
        case "easiest-half":
            return question_rules.Easiest()
        case "rising-hard-science":
            among = question_rules.hard_science(pool.sample.traits["subject"])
            if not among.any():
                raise StudioError(
                    f"No question of {pool.task} has a hard-science subject, so this rule has nothing to "
                    "choose from: fill in subjects such as physics, or use the rule slope > 0."
                )
            return question_rules.Rising(among=among)
        case "one-source":
            return _one_source(pool, source)
        case "snr-greedy":
            return question_rules.SnrGreedy()
    rule = rule_text.parse_rule(text)
    matching_questions(pool, rule)
    return rule


def _one_source(pool: Pool, source: str | None) -> Rule:
    named = pool.sample.traits["source"]
    known = [s for s in dict.fromkeys(named) if s]
    if not known:
        raise StudioError(f"No question of {pool.task} names its source: fill in sources on Questions first.")
    if source is None:
        return question_rules.OneSource(
            labels=np.array([known.index(s) if s else -1 for s in named], np.intp)
        )
    if source not in known:
        raise StudioError(
            f"No question of {pool.task} has the source {source!r}: use one of {', '.join(known[:8])}."
        )
    return Where((question_rules.Condition("source", "=", source),))


def select_questions(
    pool: Pool,
    text: str,
    metric: str = "acc",
    source: str | None = None,
    seed: int = 0,
    no_advice_reason: str | None = None,
    trial_number: int = 1,
) -> Selection:
    """Choose by a preset or a rule of one's own, and judge the choice fold by fold.

    `silent` is why the models cannot judge (`standing.silence`): the choice is then made and not judged. `tried`: the
    place of this rule among those tried on the set, which widens its interval.

    Raises `StudioError` for a rule that cannot be read, or one that keeps no question.
    """
    rule = resolve_rule(pool, text, source)
    mask = np.asarray(rule(pool.sample))
    if not mask.any():
        raise StudioError(f"The rule {text} keeps none of the {len(pool.ids):,} questions: loosen it.")
    ids = tuple(np.array(pool.ids, dtype=object)[mask])
    folds, why = ((), no_advice_reason) if no_advice_reason else heldout.leave_out_folds(pool.models)
    if not folds:
        gains = {score: HeldOutGain(None, None, None, None, None, False, why) for score in heldout.SCORES}
        return Selection(text, metric, ids, mask, gains, (), why, trial_number)
    judged = heldout.evaluate_rule(pool.sample, rule, folds, metric, seed=seed)
    empty = [j.fold.label for j in judged if not j.size]
    if empty:
        why = f"The rule keeps no question when {empty[0]} is held out, so its gain is undefined."
    bounds = None if empty else _resampled_bounds(pool, rule, folds, metric, seed, trial_number)
    return Selection(
        rule=text,
        metric=metric,
        ids=ids,
        mask=mask,
        scores={score: _gain(judged, score, metric, bounds, trial_number) for score in heldout.SCORES},
        folds=tuple(_fold_gain(j, pool.models) for j in judged),
        why=why,
        tried=trial_number,
        resolves=None if empty else heldout.resolvable_difference(pool.sample, judged, metric),
    )


def _resampled_bounds(
    pool: Pool, rule: Rule, folds: Sequence[heldout.Fold], metric: str, seed: int, tried: int
) -> tuple[float, float] | None:
    """The interval of the held-out gain of `final` over resampled questions, None where the rule cannot choose
    anew."""
    if not rule.supports_resampling:
        return None
    plan = bootstrap.resampling_design(len(pool.ids), pool.groups)
    if plan.clusters < 2:
        return None
    resamples = int(np.clip(RESAMPLED_CELLS // max(len(pool.ids), 1), FEWEST_RESAMPLES, bootstrap.RESAMPLES))
    gains = np.concatenate(
        [
            heldout.resampled_gains(pool.sample, rule, folds, metric, block).held_out
            for block in bootstrap.resample_counts(plan, resamples, seed)
        ]
    )
    known = gains[np.isfinite(gains)]
    if len(known) < ENOUGH * len(gains):
        return None
    return heldout.gain_interval(known, plan.clusters, heldout.adjusted_level(tried))


def _gain(
    judged: list[heldout.FoldResult], score: str, metric: str, bounds: tuple[float, float] | None, tried: int
) -> HeldOutGain:
    seen = np.array([j.in_sample[score][1] for j in judged], dtype=np.float64)
    unseen = np.array([j.held_out[score][1] for j in judged], dtype=np.float64)
    value = to_json_value(np.mean([j.held_out[score][0] for j in judged]))
    in_sample, held_out = to_json_value(seen.mean()), to_json_value(unseen.mean())
    why = _why_undefined(judged, score, metric) if in_sample is None or held_out is None else None
    level_of = None
    if score != "final" or bounds is None:
        spread = unseen[np.isfinite(unseen)]
        bounds = (
            (float(spread.min()), float(spread.max())) if held_out is not None and len(spread) > 1 else None
        )
        covers = "folds" if bounds else None
    else:
        covers, level_of = "questions", heldout.adjusted_level(tried)
    vain = False
    if in_sample is not None and held_out is not None:
        level = np.mean([np.subtract(*j.in_sample[score]) for j in judged])
        least = heldout.NOTICEABLE if score != "snr" else 5 * heldout.NOTICEABLE * abs(float(level))
        vain = heldout.gain_vanishes(in_sample, held_out, least)
    shown = bounds if held_out is not None else None
    return HeldOutGain(value, in_sample, held_out, shown, covers, vain, why, level_of)


def _why_undefined(judged: list[heldout.FoldResult], score: str, metric: str) -> str:
    empty = [j.fold.label for j in judged if not j.size]
    if empty:
        return f"The rule keeps no question when {empty[0]} is held out."
    if score == "snr":
        if metric == "margin":
            return signal.NO_RATIO_OF_MARGINS
        return "The SNR needs two models and five checkpoints on either side of the fold, and some noise."
    return "SQ needs eight early checkpoints, and curves that move."


def _fold_gain(judged: heldout.FoldResult, models: Sequence[ModelInfo]) -> FoldGain:
    return FoldGain(
        label=judged.fold.label,
        models=tuple(models[m].name for m in judged.fold.judges),
        size=int(judged.size),
        in_sample={score: to_json_value(judged.in_sample[score][1]) for score in heldout.SCORES},
        held_out={score: to_json_value(judged.held_out[score][1]) for score in heldout.SCORES},
    )


def fold_table(selection: Selection) -> list[dict[str, Any]]:
    """One row a fold and one for their mean: held out, questions, each score's gains, and the models held
    out."""
    rows = [
        {"held out": fold.label, "questions": fold.size}
        | _gain_columns(fold.in_sample, fold.held_out)
        | {"models": ", ".join(fold.models)}
        for fold in selection.folds
    ]
    if rows:
        means = [
            {score: getattr(gain, side) for score, gain in selection.scores.items()}
            for side in ("in_sample", "held_out")
        ]
        rows.append({"held out": "mean", "questions": None} | _gain_columns(*means) | {"models": None})
    return rows


def _gain_columns(seen: dict[str, float | None], unseen: dict[str, float | None]) -> dict[str, Any]:
    return {
        f"{labels.SCORES[score]}, {side}": gains[score]
        for score in heldout.SCORES
        for side, gains in (("in-sample", seen), ("held out", unseen))
    }


def selection_document(selection: Selection, pool: Pool) -> dict[str, Any]:
    """What the command line prints: the chosen ids, and every score in-sample and held out, whole and by
    fold."""

    return {
        "task": pool.task,
        "rule": selection.rule,
        "metric": selection.metric,
        "questions": len(pool.ids),
        "incomplete": pool.incomplete,
        "models": [model.name for model in pool.models],
        "size": len(selection.ids),
        "chosen": list(selection.ids),
        "in_sample": {score: gain.in_sample for score, gain in selection.scores.items()},
        "held_out": {
            score: {
                "gain": gain.held_out,
                "value": gain.value,
                "interval": gain.interval,
                "covers": gain.covers,
                "level": gain.level,
                "flatters": gain.flatters,
                "why": gain.why,
            }
            for score, gain in selection.scores.items()
        },
        "tried": selection.tried,
        "resolves": selection.resolves and dict(zip(("chosen", "random"), selection.resolves, strict=True)),
        "folds": [
            {
                "held_out_models": list(fold.models),
                "fold": fold.label,
                "size": fold.size,
                "in_sample": fold.in_sample,
                "held_out": fold.held_out,
            }
            for fold in selection.folds
        ],
        "why": selection.why,
    }
