"""Every metric has a label and a help text, and what is said in percent is a score."""

from __future__ import annotations

from e2lm_core.base import labels
from e2lm_core.base.records import METRICS


def test_every_metric_is_named_and_explained() -> None:
    assert list(labels.METRIC_LABEL) == list(labels.METRIC_HELP) == list(METRICS)


def test_every_help_is_sentences() -> None:
    for texts in (labels.METRIC_HELP, labels.SCORE_HELP, labels.PART_HELP):
        assert all((text.endswith(".") and text[0].isupper()) or text[0] == "0" for text in texts.values())
    assert set(labels.SCORE_HELP) >= labels.PERCENT_SCORES
