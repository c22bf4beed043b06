"""Item selection by a rule, evaluated on held-out models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores import signal
from e2lm_core.scores.uncertainty import bootstrap

PRESETS: dict[str, str] = {
    "easiest-half": Sentence(
        "The easier half: highest mean margin in the early window (as in mmlu_early_training, "
        "which scores the margin)."
    ),
    "rising-hard-science": Sentence(
        "Questions of hard-science subjects whose margin rises over the early window. After "
        "noor, which keeps positive margin slopes in hard science."
    ),
    "one-source": Sentence(
        "The one source whose questions' margins rise most. After sciknoweval_mcqa, which takes "
        "one source only."
    ),
    "snr-greedy": Sentence(
        "Questions out and in again while that raises the signal-to-noise ratio of norm_prob; at "
        "least half of them stay."
    ),
}
RESAMPLED_CELLS = 3_000_000  # questions times resamples; a large set takes no longer than a small one
MIN_RESAMPLES = 200
ENOUGH = 0.95  # share of the resamples in which the rule must choose a question


@dataclass(frozen=True)
class HeldOutGain:
    """Mean gains of one score over the folds.

    Attributes:
        value: Score of the chosen questions on the models not used for choosing.
        in_sample: Gain on the models used for choosing.
        held_out: Gain on the models not used for choosing.
        interval: Interval of `held_out`; None if there is none.
        covers: "questions" for an interval over resampled questions, "folds" for the lowest and highest fold.
        flatters: The in-sample gain vanishes on the models not used for choosing.
        why: Reason why a gain is None.
        level: Level of an interval over questions, with all rules tried on the set judged together at 95%
            (`heldout.adjusted_level`).
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
class GainNull:
    """Held-out gain of the same rule under random answer keys, in the score that the rule is meant for.

    Attributes:
        mean: Mean gain of the draws.
        low: 2.5% point of the draws.
        high: 97.5% point of the draws.
        p: Share of the draws with as large a gain or a larger one.
        draws: Number of draws.
        level: Largest p of a gain: .05 for all rules tried on these questions together.
    """

    mean: float
    low: float
    high: float
    p: float
    draws: int
    level: float


@dataclass(frozen=True)
class FoldGain:
    """Gains of one fold.

    Attributes:
        label: Name of the models left out.
        models: Names of the models not used for choosing.
        size: Number of chosen questions.
        in_sample: Gain on the models used for choosing, by score.
        held_out: Gain on the models not used for choosing, by score.
    """

    label: str
    models: tuple[str, ...]
    size: int
    in_sample: dict[str, float | None]
    held_out: dict[str, float | None]


@dataclass(frozen=True)
class Selection:
    """Questions chosen by a rule on all models, with its gains on models not used for choosing.

    Attributes:
        rule: Name or text of the rule.
        metric: Metric of the gains.
        ids: Ids of the chosen questions.
        mask: Chosen questions of the pool [Q] (bool).
        scores: Mean gains by score.
        folds: Gains by fold.
        why: Reason why the gains are missing or limited.
        tried: Number of this rule among those tried on the set, from 1.
        resolves: Differences of `heldout.resolvable_difference`; None if undefined.
        source: Source that the rule was told to choose, None for none.
        target: Score that the rule is meant to raise, in which its gain is tested.
        null: Gain under random answer keys, see `selection_null.with_null`; None until it is drawn.
    """

    rule: str
    metric: str
    ids: tuple[str, ...]
    mask: np.ndarray
    scores: dict[str, HeldOutGain]
    folds: tuple[FoldGain, ...]
    why: str | None
    tried: int = 1
    resolves: tuple[float, float] | None = None
    source: str | None = None
    target: str = "final"
    null: GainNull | None = None

    @property
    def is_gain(self) -> bool | None:
        """Whether the held-out gain is more than random answer keys and random questions would give.

        Its p is at most the level, and its interval over questions, where there is one, lies above the mean
        under random keys. None until the null is drawn, or where the gain is undefined.
        """
        gain = self.scores[self.target]
        if self.null is None or gain.held_out is None:
            return None
        is_above = gain.covers != "questions" or gain.interval is None or gain.interval[0] > self.null.mean
        return self.null.p <= self.null.level and is_above


def resolve_rule(pool: Pool, text: str, source: str | None = None) -> Rule:
    """Preset rule by name, or the rule of a text.

    Args:
        pool: Item pool.
        text: Name of a preset or text of a rule.
        source: Source to choose, for the preset one-source alone.

    Raises:
        StudioError: The text is no rule; the rule uses a column that is undefined for the pool; the set lacks
            the hard-science subjects or the sources that a preset needs; `source` is unknown or given for
            another rule.
    """
    if source is not None and text != "one-source":
        raise StudioError(
            Sentence('A source can be named for the rule one-source alone: write source = "…" instead.')
        )
    match text:
        case "easiest-half":
            return question_rules.Easiest()
        case "rising-hard-science":
            among = question_rules.hard_science(pool.sample.traits["subject"])
            if not among.any():
                raise StudioError(
                    Sentence(
                        "No question of {task} has a hard-science subject, so this rule has nothing to choose "
                        "from: fill in subjects such as physics, or use the rule slope > 0.",
                        task=pool.task,
                    )
                )
            return question_rules.Rising(among=among)
        case "one-source":
            return _one_source(pool, source)
        case "snr-greedy":
            return question_rules.SnrGreedy()
    rule = rule_text.parse_rule(text)
    matching_questions(pool, rule)
    return rule


def reads_models(rule: Rule) -> bool:
    """Whether a rule chooses by results of models, and not by the questions alone."""
    return not isinstance(rule, Where) or any(c.column in question_rules.OF_MODELS for c in rule.conditions)


def _one_source(pool: Pool, source: str | None) -> Rule:
    named = pool.sample.traits["source"]
    known = [s for s in dict.fromkeys(named) if s]
    if not known:
        raise StudioError(
            Sentence(
                "No question of {task} names its source: fill in sources on Questions first.", task=pool.task
            )
        )
    if source is None:
        return question_rules.OneSource(
            labels=np.array([known.index(s) if s else -1 for s in named], np.intp)
        )
    if source not in known:
        raise StudioError(
            Sentence(
                "No question of {task} has the source {source}: use one of {known}.",
                task=pool.task,
                source=f"{source!r}",
                known=", ".join(known[:8]),
            )
        )
    return Where((question_rules.Condition("source", "=", source),))


def select_questions(
    pool: Pool,
    text: str,
    metric: str = "acc",
    source: str | None = None,
    no_advice_reason: str | None = None,
    trial_number: int = 1,
) -> Selection:
    """Choose questions by a rule, and test the selection on models not used for choosing.

    Args:
        pool: Item pool.
        text: Name of a preset or text of a rule.
        metric: Metric of the gains.
        source: Source to choose, for the preset one-source alone.
        no_advice_reason: Reason of `validity.no_advice_reason`; the selection is then made and not tested.
        trial_number: Number of this rule among those tried on the set, which widens its interval.

    Raises:
        StudioError: The rule chooses no question, or as of `resolve_rule`.
    """
    rule = resolve_rule(pool, text, source)
    mask = np.asarray(rule(pool.sample))
    if not mask.any():
        raise StudioError(
            Sentence(
                "The rule {text} keeps none of the {number} questions: loosen it.",
                text=text,
                number=len(pool.ids),
            )
        )
    ids = tuple(np.array(pool.ids, dtype=object)[mask])
    folds, why = ((), no_advice_reason) if no_advice_reason else heldout.leave_out_folds(pool.models)
    if not folds:
        gains = {score: HeldOutGain(None, None, None, None, None, False, why) for score in heldout.SCORES}
        return Selection(
            text, metric, ids, mask, gains, (), why, trial_number, source=source, target=rule.target
        )
    judged = heldout.evaluate_rule(pool.sample, rule, folds, metric)
    empty = [j.fold.label for j in judged if not j.size]
    if empty:
        why = Sentence(
            "The rule keeps no question when {empty} is held out, so its gain is undefined.", empty=empty[0]
        )
    bounds = None if empty else _resampled_bounds(pool, rule, folds, metric, trial_number)
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
        source=source,
        target=rule.target,
    )


def _resampled_bounds(
    pool: Pool, rule: Rule, folds: Sequence[heldout.Fold], metric: str, tried: int
) -> tuple[float, float] | None:
    """Interval of the final gain over resampled questions; None if the rule cannot be resampled."""
    if not rule.supports_resampling:
        return None
    plan = bootstrap.resampling_design(len(pool.ids), pool.groups)
    if plan.clusters < 2:
        return None
    resamples = int(np.clip(RESAMPLED_CELLS // max(len(pool.ids), 1), MIN_RESAMPLES, bootstrap.RESAMPLES))
    gains = np.concatenate(
        [
            heldout.resampled_gains(pool.sample, rule, folds, metric, block)
            for block in bootstrap.resample_counts(plan, resamples, seed=0)
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
        return Sentence("The rule keeps no question when {empty} is held out.", empty=empty[0])
    if score == "snr":
        if metric == "margin":
            return signal.NO_RATIO_OF_MARGINS
        return Sentence(
            "The SNR needs two models and five checkpoints on either side of the fold, and some noise."
        )
    return Sentence("SQ needs eight early checkpoints, and curves that move.")


def _fold_gain(judged: heldout.FoldResult, models: Sequence[ModelInfo]) -> FoldGain:
    return FoldGain(
        label=judged.fold.label,
        models=tuple(models[m].name for m in judged.fold.judges),
        size=int(judged.size),
        in_sample={score: to_json_value(judged.in_sample[score][1]) for score in heldout.SCORES},
        held_out={score: to_json_value(judged.held_out[score][1]) for score in heldout.SCORES},
    )


def fold_table(selection: Selection) -> list[dict[str, Any]]:
    """Gains as table rows, one per fold and one for their mean.

    Columns: held out, questions, each score's gains in-sample and held out, models (those left out).
    """
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
    """Return a selection as a JSON document: the chosen ids, and every score's gains in all and by fold."""

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
        "target": selection.target,
        "null": selection.null and asdict(selection.null),
        "is_gain": selection.is_gain,
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
