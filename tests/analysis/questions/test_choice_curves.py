"""Probabilities of all choices over training: the right one's is the question's norm_prob, and the favourite is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from e2lm_core.analysis.questions import choice_curves, edits
from e2lm_core.base.records import Question
from tests.support.simulation import answered

QUESTION = Question(id="q1", question="Which is a planet?", choices=("Sirius", "Mars"), answer=1)


def test_the_right_choices_probability_is_norm_prob_and_all_add_up_to_one():
    measured = answered(12, taught=1.0)
    for place, name in enumerate(measured.question_ids[:3]):
        frame = choice_curves.choice_frame(measured, name)
        names = [str(choice) for choice in range(int(measured.choice_counts[place]))]
        assert list(frame.columns) == ["step", "tokens_seen", *names]
        own = edits.mean_frame(measured, name, "norm_prob")["value"]
        assert np.allclose(frame[str(int(measured.gold[place]))], own, equal_nan=True)
        assert np.allclose(frame[names].sum(axis=1), 1)


def test_a_checkpoint_that_one_model_lacks_has_no_value():
    measured = answered(12, taught=1.0)
    scored = edits.scored_models(measured)[0]
    ll = scored.ll.copy()
    ll[0, 0, 1] = np.nan
    curves = tuple(replace(c, ll=ll) if c.model.name == scored.model.name else c for c in measured.curves)
    frame = choice_curves.choice_frame(replace(measured, curves=curves), measured.question_ids[0])
    assert frame["0"].isna().tolist() == [True, *[False] * (len(frame) - 1)]


def test_the_favourite_is_named_first_and_last():
    frame = pd.DataFrame({"step": [1, 2], "tokens_seen": [1.0, 2.0], "0": [0.6, 0.2], "1": [0.4, 0.8]})
    assert choice_curves.favourites_sentence(frame, QUESTION) == (
        "At the first checkpoint the models favour A (Sirius), at the last one B (Mars, right)."
    )
    same = choice_curves.favourites_sentence(frame.iloc[1:], QUESTION)
    assert same == "At the first and at the last checkpoint the models favour B (Mars, right)."
    assert choice_curves.favourites_sentence(frame.iloc[:0], QUESTION) == ""
