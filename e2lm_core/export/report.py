"""Report of a set as one JSON document.

The scores are those of `Answers.score_document`, as on the pages and the command line; nothing is computed a
second way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from e2lm_core.analysis import leads, tables, validity
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.curves import messages as curve_words
from e2lm_core.analysis.questions import judge_messages
from e2lm_core.analysis.questions.suspects import messages as suspect_messages
from e2lm_core.analysis.questions.suspects import wrong_question_control
from e2lm_core.analysis.ranks import stability
from e2lm_core.analysis.score import messages as score_words
from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.json_values import frame_to_records, to_json_numbers, to_json_value
from e2lm_core.base.records import METRICS, TaskSet
from e2lm_core.export import provenance
from e2lm_core.export.submission import check_findings
from e2lm_core.runs import results
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.runs.messages.fleets import fleet_sentence, missing_sentence
from e2lm_core.runs.store import control_results
from e2lm_core.runs.studio import Studio
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements, ModelCurve, final_values
from e2lm_core.scores.ranking import readings

VERSION = 1
NOT_ASKED = "It was not asked for: the switch With scientific relevance, or report --relevance, adds it."


def build_report(
    studio: Studio,
    task: TaskSet,
    fleet: OpenFleet,
    with_relevance: bool = False,
    rc_reading: str = readings.DEFAULT,
) -> dict[str, Any]:
    """Report of a set as one JSON document, described in docs/results.md; undefined values are null.

    Args:
        studio: Studio with the caller's settings.
        task: Set to report on.
        fleet: Fleet whose stored results it describes.
        with_relevance: Whether to judge the questions' scientific relevance.
        rc_reading: Definition of RC, and so of the Score.
    """
    checkpoints, num_fewshot = fleet.run_arguments
    own = results.load_measurements(studio, task, checkpoints, num_fewshot)
    control = control_results.load_control(studio, task, own, num_fewshot)
    measured = control_results.with_cue_words(own, control)
    answers = Answers(measured)
    taught = validity.known_facts_summary(measured) if task.questions else None
    chosen = validity.selection_summary(measured)
    about = provenance.build_provenance(studio, task, checkpoints, num_fewshot)
    dtype = about["dtype"][0] if about["dtype"] else studio.settings.dtype
    return {
        "report": VERSION,
        "task": task.name,
        "title": task.config.title or None,
        "fleet": fleet.document() | {"sentence": fleet_sentence(fleet), "absent": missing_sentence(fleet)},
        "finding": _finding(task, answers, [one["sentence"] or "" for one in (taught, chosen) if one]),
        "taught": taught,
        "chosen": chosen,
        "control": None
        if control is None
        else suspect_messages.control_document(wrong_question_control.evaluate_control(own, control)),
        "chance": None if not task.questions else float(measured.chance),
        "early_end_tokens": set_scores.early_end(measured),
        "complete_checkpoints": measured.complete_checkpoints,
        "checkpoints": measured.checkpoints,
        "curves": _curves(answers),
        "rc_reading": rc_reading,
        "scores": answers.score_document(reading=rc_reading)["metrics"]
        if measured.complete_checkpoints
        else None,
        "all_right": score_words.all_right_document(answers.all_right()),
        "ranks": _ranks(answers),
        "pairs": _pairs(answers),
        "quality": frame_to_records(answers.quality("acc")) if measured.complete_checkpoints else [],
        "checks": [f.model_dump() for f in check_findings(studio, task)] if task.questions else [],
        "relevance": _relevance(studio, task, with_relevance),
        "judgements": judge_messages.judgement_document(task.questions),
        "questions": _questions(task, measured),
        "provenance": about,
        "commands": provenance.reproduction_commands(studio, task, fleet, dtype, rc_reading, with_relevance),
    }


def _finding(task: TaskSet, answers: Answers, beside: Sequence[str]) -> str:
    """Finding of a report, without the reason against advice where a sentence beside it says the same."""
    measured = answers.measurements
    if not task.questions:
        return "This set has no questions yet."
    if not measured.complete_checkpoints:
        return "No checkpoint is complete for this set yet, so nothing is known of its signal."
    scores = answers.scores("acc")
    silent = validity.no_advice_reason(measured, scores)
    is_said = any((silent or "") in sentence for sentence in beside)
    with_order = validity.silence_reason(measured, scores) is None
    rise = curve_words.rise_sentence(measured, "acc", with_order=with_order).replace("**", "")
    return f"{rise} {silent}" if silent and not is_said else rise


def _curves(answers: Answers) -> list[dict[str, Any]]:
    """One entry per model: its facts, its axes, and every metric with the 95% interval of its points."""
    measured = answers.measurements
    if not measured.curves:
        return []
    bands = {
        metric: tables.band_frame(measured, bootstrap, metric)
        for metric in METRICS
        if (bootstrap := answers.bootstrap(metric)) is not None
    }
    return [
        {
            "model": curve.model.model_dump(),
            "steps": curve.steps.tolist(),
            "tokens_seen": to_json_numbers(curve.tokens_seen, as_integers=True),
            "early": [c.early for c in curve.checkpoints],
            "metrics": {
                metric: _points(curve, measured.values(curve.model.name, metric), bands.get(metric))
                for metric in METRICS
            },
        }
        for curve in measured.curves
    ]


def _points(curve: ModelCurve, values: np.ndarray, band: pd.DataFrame | None) -> dict[str, Any]:
    """Values of a metric at a model's checkpoints [K] and their intervals, null where there are none."""
    low = high = np.full(len(curve.steps), np.nan)
    if band is not None:
        of_model = band[band["model"] == curve.model.name]
        low, high = of_model["low"].to_numpy(), of_model["high"].to_numpy()
    return {"values": to_json_numbers(values), "low": to_json_numbers(low), "high": to_json_numbers(high)}


def _ranks(answers: Answers) -> list[dict[str, Any]]:
    """Rank of each model on accuracy at each shared checkpoint, with the probability of each rank."""
    stable = answers.rank_stability("acc")
    return frame_to_records(stability.bump_frame(stable)) if stable else []


def _pairs(answers: Answers) -> dict[str, Any]:
    """`{sentences, metrics}`: on which of two models is ahead, on accuracy, and every pair on every metric."""
    measured = answers.measurements
    pair = curve_words.most_informative_pair(measured)
    found = None if pair is None else answers.pair("acc", *pair)
    said = () if found is None else leads.pair_sentences(measured, found)
    return {
        "sentences": [sentence.replace("**", "") for sentence in said],
        "metrics": {
            metric: [one.model_dump(mode="json") for one in answers.pairs(metric)] for metric in METRICS
        },
    }


def _relevance(studio: Studio, task: TaskSet, wanted: bool) -> dict[str, Any]:
    """`{accepted_share, whole_accepted_share, questions, why}`: null with its reason if not requested or not available."""
    nothing: dict[str, Any] = {"accepted_share": None, "whole_accepted_share": None, "questions": []}
    if not task.questions:
        return {**nothing, "why": "The set has no questions."}
    if not wanted:
        return {**nothing, "why": NOT_ASKED}
    from e2lm_core.relevance.judge import assess

    try:
        return {**assess(studio.settings, task.questions), "why": None}
    except StudioError as error:
        return {**nothing, "why": str(error)}


def _questions(task: TaskSet, measured: Measurements) -> list[dict[str, Any]]:
    """Each question with the share of models that answer it right at the end, null where not computed."""
    last = {metric: final_values(measured, metric, fall_back_to_all=False) for metric in ("acc", "norm_prob")}
    return [
        {
            "id": question.id,
            "subject": question.subject,
            "question": question.question,
            "choices": list(question.choices),
            "answer": question.answer,
            "acc_last": to_json_value(last["acc"][q]),
            "norm_prob_last": to_json_value(last["norm_prob"][q]),
        }
        for q, question in enumerate(task.questions)
    ]


def report_summary(document: dict[str, Any]) -> str:
    """Sentence on a written report for the command line."""
    scores = document["scores"]
    if scores is None:
        return document["finding"]
    sq, told = scores["acc"]["sq"]["overall"], document["taught"] or {}
    chosen = document["chosen"] or {}
    finding = document["finding"]
    more = [said for said in (told.get("sentence"), chosen.get("sentence")) if said and said not in finding]
    return " ".join([f"SQ {formatting.with_interval(sq)} on accuracy.", finding, *more])
