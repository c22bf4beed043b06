"""JSON documents of the command line, computed from measurements; undefined values are null."""

from __future__ import annotations

from typing import Any

from e2lm_core.analysis import validity
from e2lm_core.analysis.score import messages as score_words
from e2lm_core.analysis.score import parts as score_parts
from e2lm_core.base.records import METRICS
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.uncertainty import null, set_intervals

SCORE_PARTS = ("rc", "cs", "score", "snr", "decision_accuracy")


def score_document(
    measurements: Measurements, with_advice: bool = False, reading: str = readings.DEFAULT
) -> dict[str, Any]:
    """Return the scores of a set on every metric as one JSON document.

        {task, taught, assumption, metrics: {metric: {sq: {overall, models, beside}, rc, cs, score, snr,
        decision_accuracy, rc_reading, rc_readings, finetasks, snr_detrended, advice}}}

    Each score is `{value, interval, coverage, why, null}`: `why` is the reason for a value of null, or for a
    missing interval of a defined value; `null` is `{mean, q95, p}` under random answer keys, where known.
    `rc` uses the definition named by `rc_reading` and enters `score`; `rc_readings` has all definitions.
    `beside` holds each model's ρ, AC, tie-aware Spearman and signed AC as plain numbers.

    Args:
        measurements: Results of the set.
        with_advice: Add `advice` on raising the Score to each metric.
        reading: RC definition, a key of `readings.READINGS`.
    """
    resampled = set_intervals.resample(measurements)
    document: dict[str, Any] = {
        "task": measurements.task,
        "taught": validity.known_facts_summary(measurements),
        "assumption": measurements.independence_note,
        "metrics": {},
    }
    for metric in METRICS:
        intervals = set_intervals.score_intervals(resampled, metric)
        scores = null.scores_with_null(
            measurements,
            set_intervals.with_intervals(set_scores.scores(measurements, metric, reading), intervals),
            metric,
        )
        document["metrics"][metric] = {
            "sq": {
                "overall": scores.sq.model_dump(),
                "models": {
                    model: value.model_dump()
                    for model, value in set_intervals.model_values(scores, intervals).items()
                },
                "beside": score_parts.edge_case_values(measurements, metric),
            },
            **{part: getattr(scores, part).model_dump() for part in SCORE_PARTS},
            "rc_reading": scores.rc_reading,
            "rc_readings": {name: value.model_dump() for name, value in scores.rc_readings.items()},
            "finetasks": {
                name: value.model_dump()
                for name, value in score_parts.finetasks_with_intervals(
                    measurements, metric, intervals
                ).items()
            },
            "snr_detrended": score_parts.detrended_snr(measurements, metric, intervals).model_dump(),
        }
        if with_advice:
            advice = score_parts.improvement_advice(measurements, scores, metric)
            document["metrics"][metric]["advice"] = score_words.advice_document(advice)
    return document
