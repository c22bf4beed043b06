"""Null distribution of the scores of a set that a rule made: random answer keys, the rule, the scores of what is left.

A rule that reads results chooses for the models, right keys or not. The null of such a set's scores therefore draws
answer keys for all questions of the parent, applies the rule anew, and scores the questions that it keeps. Where rules
chose one after the other, the parent is the set that the first of them chose of, and each rule sees what the one before
it keeps of those keys.

Of many choices the best one lies beyond its own null by luck. So p is adjusted like that of a gain: the p of the k-th
choice tried on these questions counts k (k + 1) times, and the chances sum to .05 over however many choices.

Axes: B draws, K checkpoints of a model, Q questions of the parent, C choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import EllipsisType

import numpy as np
from numpy.typing import NDArray

from e2lm_core.analysis import validity
from e2lm_core.analysis.questions import heldout, selection_null
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.rules import Rule, Sample, TwinFinal
from e2lm_core.analysis.questions.selection import resolve_rule
from e2lm_core.analysis.questions.selection_null import Progress, samples_under
from e2lm_core.base import formatting, labels
from e2lm_core.base.errors import StudioError
from e2lm_core.base.memory.memo import Filled
from e2lm_core.base.records import BOUNDED_METRICS, NullDistribution, SelectionOrigin
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores import set_scores
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.metrics import METRICS
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import ChanceFloor, CurveScores, Scores
from e2lm_core.scores.uncertainty import null

MAX_TRIALS = 10  # of more, the draws that an adjusted p needs take minutes
_PACE_S = 2.5e-8  # for each value of a draw (checkpoints x questions x choices) of all metrics, on one core
_RULE_S = 2e-3  # for each draw of a rule after the first, on one core
_BLOCK = 1 << 22  # numbers of the one-hot keys in memory at once


def estimated_seconds(
    parent: Measurements, draws: int, metrics: Sequence[str] = METRICS, rules: int = 1
) -> float:
    """Estimated time in seconds of so many draws of `null_through_rule` through so many rules."""
    values = parent.chars.size * parent.checkpoints
    return 0.3 + draws * (values * len(metrics) * _PACE_S + (rules - 1) * _RULE_S)


def rules_through(chosen: Measurements) -> tuple[SelectionOrigin, ...]:
    """Rules that the null goes through, the last one first: back to the first one that read these models' results.

    Raises:
        StudioError: No rule made the set.
    """
    if chosen.chosen is None:
        raise StudioError(
            Sentence(
                "{task} was not made by a rule, so there is no rule to draw a null through.", task=chosen.task
            )
        )
    return validity.origins_on(chosen) or (chosen.chosen,)


def trial_number(chosen: Measurements) -> int:
    """Number of a set's choice among all that were tried on these questions, for which its p is adjusted.

    Raises:
        StudioError: No rule made the set, its choice was not counted, or too many were tried before.
    """
    found = rules_through(chosen)[0].trial
    if found is None:
        raise StudioError(
            Sentence(
                "How many choices were tried before {task} was not counted, so no p can be told: choose "
                "again.",
                task=chosen.task,
            )
        )
    if found > MAX_TRIALS:
        raise StudioError(
            Sentence(
                "{ordinal} choice tried on these questions has no p: among so many the best one looks good "
                "by luck, and p is told up to {most}. Measure {task} on models of another family.",
                ordinal=formatting.ordinal(found),
                most=formatting.ordinal(MAX_TRIALS, False),
                task=chosen.task,
            )
        )
    return found


def required_draws(chosen: Measurements) -> int:
    """Number of draws that the adjusted p of a set's choice needs.

    Raises:
        StudioError: Of `trial_number`.
    """
    return selection_null.required_draws(trial_number(chosen))


def null_through_rule(
    chosen: Measurements,
    parent: Measurements,
    pool: Pool,
    metrics: Sequence[str] = METRICS,
    draws: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, CurveScores]:
    """Scores of what a set's rule keeps under random answer keys, {metric: {score: [B]}}.

    Args:
        chosen: Results of the set that the rule made.
        parent: Results of the set that the first of the set's rules chose of, on the same checkpoints; see
            `rules_through`.
        pool: Item pool of the parent.
        metrics: Names of the metrics.
        draws: Number of draws B; None for `required_draws`.
        seed: Seed of the answer keys.
        progress: Called with the number of draws chosen by the rule, then with that scored on each metric.

    Returns:
        Scores [B] by metric, NaN where undefined or where the rule keeps no question; without bpb if the lengths of
        the choices are not known.

    Raises:
        StudioError: Results are missing; a model by which a rule chose is not measured; the rules would now choose
            other questions; without `draws`, of `required_draws`.
    """
    draws = required_draws(chosen) if draws is None else draws
    rule, choosers, later = _rules_and_models(chosen, parent, pool)
    golds = null.random_golds_of_set(parent, draws, seed)
    masks = []
    for sample in samples_under(pool, parent, golds):
        draws_here = len(sample.values["margin"])
        mask = np.broadcast_to(rule(sample.for_models(choosers)), (draws_here, len(pool.ids)))
        if later:
            mask = np.stack([_kept_by(later, pool, sample, mask[draw], draw) for draw in range(draws_here)])
        masks.append(mask)
        if progress is not None:
            progress(draws_here)
    wanted = [metric for metric in metrics if metric != "bpb" or parent.choice_bytes is not None]
    kept = np.concatenate(masks)
    found = {}
    for metric in wanted:
        found[metric] = _scores_under(parent, metric, golds, kept)
        if progress is not None:
            progress(draws)
    return found


@dataclass(frozen=True)
class ThroughRule:
    """Null distribution of a score through the rules that made its set.

    Attributes:
        null: The distribution, with the p of this choice by itself.
        p: That p, adjusted for the choices tried.
        draws: Number of draws in which the score is defined.
    """

    null: NullDistribution
    p: float
    draws: int

    def document(self) -> dict[str, float]:
        """Content of the JSON: `p` is the adjusted one, `p_alone` that of this choice by itself."""
        return {**self.null.model_dump(), "p": self.p, "p_alone": self.null.p, "draws": self.draws}


def score_nulls(scores: Scores, drawn: CurveScores, trial: int) -> dict[str, ThroughRule | None]:
    """Null distribution through the rules of each score of one metric, None where it is undefined.

    Args:
        scores: Scores of the chosen set.
        drawn: Scores [B] of `null_through_rule`.
        trial: Number of the choice, see `trial_number`.
    """
    found: dict[str, ThroughRule | None] = {}
    for name, key in (
        ("sq", "sq"),
        ("rc", readings.score_key("rc", scores.rc_reading)),
        ("cs", "cs"),
        ("score", readings.score_key("score", scores.rc_reading)),
        ("snr", "snr"),
        ("decision_accuracy", "decision_accuracy"),
    ):
        one = null.null_distribution(getattr(scores, name).value, drawn.whole[key])
        draws = int(np.isfinite(drawn.whole[key]).sum())
        found[name] = None if one is None else ThroughRule(one, heldout.adjusted_p(one.p, trial), draws)
    return found


def null_sentences(scores: Scores, drawn: CurveScores, rules: int, trial: int) -> list[str]:
    """Sentences on the scores of one metric beside what the rules give under random answer keys.

    Args:
        scores: Scores of the chosen set.
        drawn: Scores [B] of `null_through_rule`.
        rules: Number of rules that the draws go through.
        trial: Number of the choice, see `trial_number`.
    """
    by = (
        Sentence("the same rule gives")
        if rules == 1
        else Sentence("the same {rules} rules give", rules=rules)
    )
    return [
        Sentence(
            "{score} is {value}; under random answer keys {by} {mean} on average, below {q95} in 95% of {draws} draws: "
            "p = {p}, as {ordinal} choice tried ({alone} by itself).",
            score=f"{labels.SCORES[name][:1].upper()}{labels.SCORES[name][1:]}",
            value=formatting.score(getattr(scores, name).value),
            by=by,
            mean=formatting.score(found.null.mean),
            q95=formatting.score(found.null.q95),
            draws=found.draws,
            p=f"{found.p:.2g}",
            ordinal=formatting.ordinal(trial, False),
            alone=f"{found.null.p:.2g}",
        )
        for name, found in score_nulls(scores, drawn, trial).items()
        if found is not None
    ]


_Later = Sequence[tuple[SelectionOrigin, list[int]]]


def _rules_and_models(
    chosen: Measurements, parent: Measurements, pool: Pool
) -> tuple[Rule, list[int], _Later]:
    """The first rule with the models that it chose by, and the later ones with theirs."""
    first, *later = reversed(rules_through(chosen))
    for measured in (chosen, parent):
        if measured.complete_checkpoints != measured.checkpoints:
            raise StudioError(
                Sentence(
                    "{task} lacks results on these checkpoints: run the rest of it first.", task=measured.task
                )
            )
    choosers = _choosers(first, pool)
    after = [(origin, _choosers(origin, pool)) for origin in later]
    rule = resolve_rule(pool, first.rule, first.source)
    now = np.broadcast_to(rule(pool.sample.for_models(choosers)), (len(pool.ids),))
    if after:
        now = _kept_by(after, pool, pool.sample, now, ...)
    kept = {identity for identity, keeps in zip(pool.ids, now, strict=True) if keeps}
    if kept != {*chosen.question_ids}:
        same = len(kept & {*chosen.question_ids})
        raise StudioError(
            Sentence(
                "{by} would now choose {kept} questions of {parent}, {same} of them in {task}, which has been changed or was "
                "chosen by other results: choose again.",
                by=Sentence("The rules") if after else Sentence("The rule"),
                kept=len(kept),
                parent=first.parent,
                same=same,
                task=chosen.task,
            )
        )
    return rule, choosers, after


def _kept_by(
    later: _Later, pool: Pool, sample: Sample, mask: NDArray[np.bool_], draw: int | EllipsisType
) -> NDArray[np.bool_]:
    """Questions [Q] that later rules keep of those that the first one kept under one draw; none if a rule finds none."""
    rows = np.flatnonzero(mask)
    for origin, choosers in later:
        left = _restricted(pool, sample, rows, draw)
        try:
            keeps = resolve_rule(left, origin.rule, origin.source)(left.sample.for_models(choosers))
        except StudioError:  # such as no question of the rule's source
            keeps = np.zeros(len(rows), bool)
        rows = rows[np.broadcast_to(keeps, rows.shape)]
    found = np.zeros(mask.shape, bool)
    found[rows] = True
    return found


def _restricted(pool: Pool, sample: Sample, rows: NDArray[np.intp], draw: int | EllipsisType) -> Pool:
    """Pool of some questions under one draw's keys."""
    return replace(
        pool,
        rows=pool.rows[rows],
        ids=tuple(pool.ids[row] for row in rows),
        groups=tuple(pool.groups[row] for row in rows),
        sample=replace(
            sample,
            values=Filled(lambda metric: sample.values[metric][draw][..., rows]),
            traits={
                name: (column if column.ndim == 1 else column[draw])[rows]
                for name, column in sample.traits.items()
            },
            twins=tuple(TwinFinal(one.science, one.twin[draw][..., rows]) for one in sample.twins),
        ),
    )


def _choosers(origin: SelectionOrigin, pool: Pool) -> list[int]:
    """Indices of the models by which the rule chose."""
    names = [model.name for model in pool.models]
    if origin.model_count and not origin.models:
        if len(names) != origin.model_count:
            raise StudioError(
                Sentence(
                    "The rule chose by {model_count} models: measure those, and no others.",
                    model_count=origin.model_count,
                )
            )
        return list(range(len(names)))
    if lacking := [name for name in origin.models if name not in names]:
        raise StudioError(
            Sentence(
                "The rule chose by results of {models} too: measure them as well.", models=", ".join(lacking)
            )
        )
    return [names.index(name) for name in origin.models] or list(range(len(names)))


def _scores_under(
    parent: Measurements, metric: str, golds: NDArray[np.integer], masks: NDArray[np.bool_]
) -> CurveScores:
    """Scores [B] of the questions of each mask [B, Q] under each key [B, Q]."""
    layout = parent.layout(metric)
    science = {pair.science for pair in layout.twins} if metric == "norm_prob" else set()
    size = masks.sum(axis=1)
    curves: dict[str, Floats] = {}
    errors: dict[str, Floats] = {}
    width = parent.chars.shape[1]
    for curve in parent.curves:
        name = curve.model.name
        flat = np.nan_to_num(null.values_of_every_choice(parent, curve.ll, metric)).reshape(len(curve.ll), -1)
        curves[name] = _means(flat, golds, masks, width)
        if name in science:
            squares = _means(flat**2, golds, masks, width)
            with np.errstate(invalid="ignore", divide="ignore"):
                errors[name] = np.sqrt(np.maximum(squares - curves[name] ** 2, 0.0) / (size[:, None] - 1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = masks @ (1.0 / parent.choice_counts) / size
        if metric in BOUNDED_METRICS and metric != "norm_prob":
            floor = np.sqrt(chance * (1.0 - chance) / size)[:, None]
            errors = {pair.science: floor for pair in layout.twins}
        return set_scores.curve_scores(layout, curves, metric, ChanceFloor(chance, errors))


def _means(flat: Floats, golds: NDArray[np.integer], masks: NDArray[np.bool_], width: int) -> Floats:
    """Means [B, K] over the chosen questions of values [K, Q * C] under each key; NaN for an empty choice."""
    draws, questions = golds.shape
    sums = np.empty((draws, len(flat)))
    rows = max(1, _BLOCK // max(1, questions * width))
    for start in range(0, draws, rows):
        some = slice(start, start + rows)
        picked = golds[some] + width * np.arange(questions)
        one_hot = np.zeros((len(picked), questions * width))
        np.put_along_axis(one_hot, picked, masks[some].astype(np.float64), axis=1)
        sums[some] = one_hot @ flat.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / masks.sum(axis=1)[:, None]
