"""Names and help texts: one for every metric, and no score's weight said wrongly."""

from __future__ import annotations

from e2lm_core.base import labels
from e2lm_core.base.records import METRICS
from e2lm_core.scores import composite
from e2lm_core.scores.set_scores import Scores


def test_every_metric_is_named_and_explained() -> None:
    assert list(labels.METRIC_LABEL) == list(labels.METRIC_HELP) == list(METRICS)


def test_every_help_is_sentences() -> None:
    for texts in (labels.METRIC_HELP, labels.SCORE_HELP, labels.PART_HELP):
        assert all((text.endswith(".") and text[0].isupper()) or text[0] == "0" for text in texts.values())


def test_every_score_of_a_set_has_a_name() -> None:
    told = {
        "metric",
        "counted",
        "sq_models",
        "sq_seeds",
        "rc_reading",
        "rc_readings",
        "score_readings",
        "is_rc_by_design",
    }
    assert set(Scores.model_fields) - told <= set(labels.SCORES)


def test_help_is_found_under_the_name_that_is_shown() -> None:
    shown = {name[0].upper() + name[1:] for name in labels.SCORES.values()}
    assert set(labels.SCORE_HELP) <= shown
    assert set(labels.SCORE_HELP) >= labels.PERCENT_SCORES


def test_the_weights_that_are_said_are_those_that_are_computed_with() -> None:
    weights = " + ".join(f"{weight:g} · {name.upper()}" for name, weight in composite.WEIGHTS.items())
    assert labels.SCORE_HELP["Score"].startswith(f"{weights}.")
