"""Answers about a set's measurements, as pages, commands and reports ask for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

import pandas as pd

from e2lm_core.analysis import leads, tables, validity
from e2lm_core.analysis.curves import noises, subjects
from e2lm_core.analysis.curves.onsets import (
    Onset,
    Separation,
    all_separations,
    onset_document,
    onsets_above_chance,
)
from e2lm_core.analysis.decisions.earlier import Alternative, alternatives
from e2lm_core.analysis.decisions.outlook import Certainty, Outlook, outlooks, set_certainty
from e2lm_core.analysis.ranks import stability
from e2lm_core.analysis.ranks.question_influence import QuestionInfluence
from e2lm_core.analysis.score import messages, parts
from e2lm_core.analysis.score.all_right import AllRight, all_right_by_model
from e2lm_core.base.cache import Cache
from e2lm_core.base.records import TaskSet
from e2lm_core.scores import set_scores, weighted
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.metrics import METRICS
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import CurveScores, Scores
from e2lm_core.scores.uncertainty import null, set_intervals
from e2lm_core.scores.uncertainty.intervals import MetricIntervals, Resampled

T = TypeVar("T")
SCORE_PARTS = ("rc", "cs", "score", "snr", "decision_accuracy")


class Answers:
    """Named answers about one set's measurements, each computed once when it is first asked for.

    Answers build on each other: one bootstrap of a metric serves its intervals, curves, onsets and ranks.

    Args:
        measurements: Results of the set.
        cache: Cache to share among several measurements; None for one of this object's own, without a limit.
        fleet: Digest of the models that the answers are of, part of their key; "" for all that are measured.
    """

    def __init__(self, measurements: Measurements, cache: Cache | None = None, fleet: str = "") -> None:
        self.measurements = measurements
        self._cache = Cache(math.inf, lambda _: 0) if cache is None else cache
        self._of = ("", fleet) if cache is None else (measurements.digest, fleet)

    def _once(self, name: str, arguments: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        return self._cache.get_or_compute((*self._of, name, *arguments), make)

    # --- what others build on -------------------------------------------------------------------------

    def bootstrap(self, metric: str) -> Resampled | None:
        """Bootstrap of one metric; None without a complete checkpoint."""
        if not self.measurements.complete_checkpoints:
            return None
        return self._bootstrap((metric,))

    def _bootstrap(self, metrics: tuple[str, ...]) -> Resampled:
        return self._once("bootstrap", metrics, lambda: set_intervals.resample(self.measurements, metrics))

    def nulls(self, metric: str) -> CurveScores | None:
        """Scores under random answer keys, see `validity.null_scores`."""
        return self._once("nulls", (metric,), lambda: validity.null_scores(self.measurements, metric))

    # --- scores -----------------------------------------------------------------------------------------

    def intervals(self, metric: str) -> MetricIntervals | None:
        """Intervals of the scores of one metric; None without a complete checkpoint."""
        if (bootstrap := self.bootstrap(metric)) is None:
            return None
        return self._once("intervals", (metric,), lambda: set_intervals.score_intervals(bootstrap, metric))

    def scores(self, metric: str, reading: str = readings.DEFAULT) -> Scores:
        """Scores of one metric with their intervals and null distributions, and one reading of RC selected."""
        return self._once("scores", (metric,), lambda: self._scores(metric)).with_reading(reading)

    def _scores(self, metric: str) -> Scores:
        values, bounds = set_scores.scores(self.measurements, metric), self.intervals(metric)
        if bounds is None:
            return values
        return null.attach_null(set_intervals.with_intervals(values, bounds), self.nulls(metric))

    def scores_without_intervals(self, metric: str, reading: str = readings.DEFAULT) -> Scores:
        """Scores of one metric with their null distributions alone, for comparisons."""
        return null.attach_null(set_scores.scores(self.measurements, metric, reading), self.nulls(metric))

    def weighted(
        self, metric: str, weights: Mapping[str, float], reading: str = readings.DEFAULT
    ) -> weighted.WeightedScore:
        """Score with weights of one's own, see `weighted.weighted_score`."""
        scores = set_scores.scores(self.measurements, metric, reading)
        return weighted.weighted_score(scores, self.nulls(metric), weights)

    def advice(self, metric: str, reading: str = readings.DEFAULT) -> parts.Advice:
        """Advice on raising the Score."""
        return parts.improvement_advice(self.measurements, self.scores(metric, reading), metric)

    def quality(self, metric: str) -> pd.DataFrame:
        """Signal quality and its parts, one row for each model, with intervals if a checkpoint is complete."""
        if (bootstrap := self.bootstrap(metric)) is None:
            return tables.quality_frame(self.measurements, metric)
        return tables.quality_interval_frame(self.measurements, bootstrap, metric)

    def all_right(self) -> AllRight:
        """All of a group right, for sets with groups of questions that have the same choices."""
        return self._once("all_right", (), lambda: all_right_by_model(self.measurements))

    # --- curves -----------------------------------------------------------------------------------------

    def curves(self, metric: str, bands: bool = False) -> pd.DataFrame:
        """Learning curves, on request with the intervals of their points if a checkpoint is complete."""
        frame = tables.curve_frame(self.measurements, (metric,))
        if not bands or (bootstrap := self.bootstrap(metric)) is None:
            return frame
        band_frame = tables.band_frame(self.measurements, bootstrap, metric)
        return frame.merge(band_frame, on=["model", "step"], how="left")

    def curves_by_subject(
        self, metric: str, bands: bool = False
    ) -> tuple[list[subjects.SubjectCurves], list[str]]:
        """Curves of the largest subjects, with bands on request, and the names of the other subjects."""
        return subjects.curves_by_subject(self.measurements, metric, bands)

    def onsets(self, metric: str) -> Mapping[str, Onset]:
        """First checkpoint above chance, by model; empty without a complete checkpoint."""
        if (bootstrap := self.bootstrap(metric)) is None:
            return {}
        return self._once(
            "onsets",
            (metric,),
            lambda: onsets_above_chance(self.measurements, bootstrap, metric),
        )

    def separations(self, metric: str, at_step: int | None = None) -> list[Separation]:
        """Separation of every two models; empty without a complete checkpoint.

        Args:
            metric: Name of a metric.
            at_step: Step of the only checkpoint to compare; None for all that two models share.
        """
        if (bootstrap := self.bootstrap(metric)) is None:
            return []
        return self._once(
            "separations",
            (metric, at_step),
            lambda: all_separations(self.measurements, bootstrap, metric, at_step),
        )

    def pairs(self, metric: str, at_step: int | None = None) -> list[leads.PairAnswer]:
        """Answer for every two models, see `leads.answer_pair`; arguments as of `separations`."""
        return [leads.answer_pair(pair, metric) for pair in self.separations(metric, at_step)]

    def pair(
        self, metric: str, one: str, other: str, with_training_noise: bool = leads.TRAINING_NOISE_INCLUDED
    ) -> leads.PairAnswer | None:
        """Answer for two models in either order, see `leads.find_answer`."""
        return leads.find_answer(self.separations(metric), metric, one, other, with_training_noise)

    def outlooks(
        self, metric: str, first: str, second: str, end_tokens: float | None = None
    ) -> list[Outlook]:
        """Probability that one of two models is ahead at the end, at every checkpoint, see `outlook.outlooks`."""
        return self._once(
            "outlooks",
            (metric, first, second, end_tokens),
            lambda: outlooks(self.measurements, metric, first, second, end_tokens),
        )

    def certainty(self, metric: str, end_tokens: float | None = None) -> Certainty | None:
        """Certainty over the pairs of models, checkpoint by checkpoint, see `outlook.set_certainty`."""
        return self._once(
            "certainty",
            (metric, end_tokens),
            lambda: set_certainty(self.measurements, metric, end_tokens),
        )

    def alternatives(self, metric: str, end_tokens: float | None = None) -> list[Alternative]:
        """Sets and metrics that would decide the pairs earlier, see `earlier.alternatives`."""
        return self._once(
            "alternatives",
            (metric, end_tokens),
            lambda: alternatives(self.measurements, self.bootstrap(metric), metric, end_tokens),
        )

    def noise(self, metric: str) -> dict[str, noises.NoiseComponents]:
        """Noise of questions, checkpoints and seeds, by model; empty without a complete checkpoint."""
        if (bootstrap := self.bootstrap(metric)) is None:
            return {}
        return noises.noise_components(self.measurements, bootstrap, metric)

    # --- ranking ----------------------------------------------------------------------------------------

    def rank_stability(self, metric: str) -> stability.RankStability | None:
        """Order of the models and its rank stability.

        None where fewer than two models that count share a complete checkpoint, one that they share lacks
        results, or models may be undeclared seeds of one model.
        """
        if (bootstrap := self.bootstrap(metric)) is None:
            return None
        return self._once(
            "rank_stability",
            (metric,),
            lambda: stability.rank_stability(self.measurements, bootstrap, metric),
        )

    def question_influence(self, metric: str, reading: str = readings.DEFAULT) -> QuestionInfluence | None:
        """Influence of each question on the order of the models.

        None where no checkpoint lies after the early window.
        """
        if (order := self.rank_stability(metric)) is None:
            return None
        return stability.influence_on_ranking(self.measurements, order.grid, metric, reading)

    # --- JSON documents ---------------------------------------------------------------------------------

    def score_document(self, with_advice: bool = False, reading: str = readings.DEFAULT) -> dict[str, Any]:
        """Return the scores of a set on every metric as one JSON document.

            {task, taught, assumption, all_right, metrics: {metric: {sq: {overall, models, beside, seeds}, rc, cs, score,
            snr, decision_accuracy, rc_reading, rc_readings, finetasks, snr_detrended, silent, advice}}}

        Each score is `{value, interval, coverage, why, null}`: `why` is the reason for a value of null, or for
        a missing interval of a defined value; `null` is `{mean, q95, p}` under random answer keys, where known.
        `silent` is the reason why these scores mean nothing, null where they mean something (`validity.silence_reason`).
        `rc` uses the definition named by `rc_reading` and enters `score`; `rc_readings` has all definitions.
        `beside` holds each model's ρ, AC, tie-aware Spearman and signed AC as plain numbers; `seeds` is the SQ
        over the models' training seeds as of `SeedSpread`, null where no model has another seed. `all_right` is
        `messages.all_right_document`.

        Args:
            with_advice: Add `advice` on raising the Score to each metric.
            reading: RC definition, a key of `readings.READINGS`.
        """
        return {
            "task": self.measurements.task,
            "taught": validity.known_facts_summary(self.measurements),
            "assumption": self.measurements.independence_note,
            "all_right": messages.all_right_document(self.all_right()),
            "metrics": {metric: self._metric_scores(metric, with_advice, reading) for metric in METRICS},
        }

    def _metric_scores(self, metric: str, with_advice: bool, reading: str) -> dict[str, Any]:
        measurements = self.measurements
        intervals = set_intervals.score_intervals(self._bootstrap((metric,)), metric)
        values = set_intervals.with_intervals(set_scores.scores(measurements, metric, reading), intervals)
        scores = null.attach_null(values, self.nulls(metric))
        models = set_intervals.model_values(scores, intervals)
        finetasks = parts.finetasks_with_intervals(measurements, metric, intervals)
        document = {
            "sq": {
                "overall": scores.sq.model_dump(),
                "models": {model: value.model_dump() for model, value in models.items()},
                "beside": parts.edge_case_values(measurements, metric),
                "seeds": scores.sq_seeds and scores.sq_seeds.model_dump(mode="json"),
            },
            **{part: getattr(scores, part).model_dump() for part in SCORE_PARTS},
            "rc_reading": scores.rc_reading,
            "rc_readings": {name: value.model_dump() for name, value in scores.rc_readings.items()},
            "finetasks": {name: value.model_dump() for name, value in finetasks.items()},
            "snr_detrended": parts.detrended_snr(measurements, metric, intervals).model_dump(),
            "silent": validity.silence_reason(measurements, scores),
        }
        if with_advice:
            advice = parts.improvement_advice(measurements, scores, metric)
            document["advice"] = messages.advice_document(advice)
        return document

    def ranking_document(
        self, task: TaskSet, metric: str, reading: str = readings.DEFAULT, at_step: int | None = None
    ) -> dict[str, Any]:
        """Ranking of the models and its stability as a JSON document, see `stability.ranking_document`.

        Args:
            task: Question set.
            metric: Name of a metric.
            reading: RC definition, a key of `readings.READINGS`.
            at_step: Step of the checkpoint of `wins`; by default the early window's last.
        """
        scores, order = self.scores(metric, reading), self.rank_stability(metric)
        return stability.ranking_document(self.measurements, order, scores, task, at_step)

    def onset_document(self, metric: str) -> dict[str, Any]:
        """Onsets, separations and noise of one metric as a JSON document, see `onsets.onset_document`."""
        found = self.onsets(metric), self.separations(metric), self.noise(metric)
        return onset_document(self.measurements, metric, *found)
