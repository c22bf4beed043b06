"""Question formats side by side: the better one is preferred, and none where they are alike."""

from __future__ import annotations

import json

import numpy as np

from e2lm_core.analysis.alternatives.forms import (
    FEW_QUESTIONS,
    NO_JUDGE,
    ONE_FORM,
    evaluate_forms,
    gain_through_rule,
    preferred_form,
)
from e2lm_core.analysis.alternatives.messages import forms as messages
from tests.support import measured
from tests.support.formats import form_sets

LABELS = [f"f{n}" for n in range(6)]


def test_the_rule_by_hand() -> None:
    better = np.array([[0.0] * 40, [1.0] * 40])
    chosen, gain, p = gain_through_rule(better, better, np.arange(40))
    assert (chosen, gain) == (1, 1.0)
    assert p == 0.001
    chosen, gain, p = gain_through_rule(better[::-1], better[::-1], np.arange(40))
    assert (chosen, gain, p) == (0, 0.0, 1.0), "the own format is the best, so nothing is gained"
    # In one group all questions are shuffled alike: half of the draws keep the better format or gain as much by it.
    assert gain_through_rule(better, better, np.zeros(40, int))[2] > 0.3


def test_a_better_format_is_preferred_and_its_like_are_not() -> None:
    found, why = preferred_form(form_sets(1, True, 1.0), LABELS)
    assert found is not None
    assert why is None
    assert found.is_preferred
    assert found.chosen == "f3"
    assert set(found.chosen_on).isdisjoint(found.judged_on)
    alike = [preferred_form(form_sets(seed, True, 0.0), LABELS)[0] for seed in range(20, 30)]
    assert sum(one is not None and one.is_preferred for one in alike) <= 1


def test_further_trials_count_more() -> None:
    sets = form_sets(2, True, 0.35)
    first, fifth = (preferred_form(sets, LABELS, trial)[0] for trial in (1, 5))
    assert first is not None
    assert fifth is not None
    assert fifth.p == min(1.0, 15 * first.p)


def test_no_format_is_preferred_where_it_cannot_be() -> None:
    sets = form_sets(3, True, 1.0)
    assert preferred_form(sets[:1], LABELS[:1]) == (None, ONE_FORM)
    few = [measured.measurements(measured.curve(measured.SMALL, measured.RISING))] * 2
    assert preferred_form(few, LABELS[:2]) == (None, NO_JUDGE)
    pair = [
        measured.measurements(
            measured.curve(measured.SMALL, measured.RISING), measured.curve(measured.LARGE, measured.FASTER)
        )
    ] * 2
    assert preferred_form(pair, LABELS[:2]) == (None, FEW_QUESTIONS)


def test_figures_sentences_and_document() -> None:
    found = evaluate_forms(form_sets(4, True, 1.0, 60), LABELS, draws=199)
    assert len(found.figures) == 6 * 5
    acc = [one for one in found.figures if one.metric == "acc"]
    assert acc[3].final == max(one.final or 0 for one in acc)
    assert acc[0].pairs == 15
    assert acc[3].leaving == 6
    assert acc[0].sq.null is not None
    assert next(one for one in found.figures if one.metric == "margin").leaving is None
    assert len(messages.rows(found, "acc")) == 6
    assert tuple(messages.rows(found)[0]) == messages.COLUMNS
    document = json.loads(json.dumps(messages.document(found), allow_nan=False))
    assert document["preference"]["tried"] == 6
    assert "f3" in messages.headline(found)
    said = messages.trial_sentence(found)
    assert said is not None
    assert "counted as the 1st trial" in said
