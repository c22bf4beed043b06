"""All of a group right on results whose answers are known, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.score import messages
from e2lm_core.analysis.score.all_right import NOT_COMPLETE, ONE_GROUP, all_right_by_model
from e2lm_core.base.records import Checkpoint, SelectionOrigin
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty.means import proportions
from tests.support.measured import LARGE, SMALL, WEB

READS, SUBJECT = (0, 1, 2, 3), (0, 0, 2, 2)  # the choice that each of a group's questions is answered with


def in_fours(count: int, *models: tuple, others: int = 0, **more) -> Measurements:
    """Results in groups of four; of each model, the answers [K][group] and its record."""
    questions, curves = 4 * count + others, []
    texts = np.array([[10 * g + c for c in range(4)] for g in range(count) for _ in range(4)])
    texts = np.concatenate([texts.reshape(-1, 4), 10_000 + np.arange(4 * others).reshape(others, 4)])
    for model, answers in models:
        ll = np.full((len(answers), questions, 4), -2.0)
        for k, by_group in enumerate(answers):
            picks = [pick for group in by_group for pick in group] + [0] * others
            ll[k, np.arange(questions), picks] = -1.0
        checkpoints = tuple(
            Checkpoint(model=model, step=100 * (k + 1), tokens_seen=1_000 * (k + 1))
            for k in range(len(answers))
        )
        curves.append(ModelCurve(model=model, checkpoints=checkpoints, ll=ll))
    return Measurements(
        **{
            "task": "fours",
            "question_ids": tuple(f"q{n}" for n in range(questions)),
            "subjects": ("",) * questions,
            "gold": np.array([0, 1, 2, 3] * count + [0] * others),
            "chars": np.full((questions, 4), 3.0),
            "gold_bytes": np.full(questions, 3.0),
            "curves": tuple(curves),
            "choice_texts": texts,
            **more,
        }
    )


def test_curves_and_last_values_by_hand():
    half = [READS] * 10 + [SUBJECT] * 10
    measured = in_fours(20, (LARGE, [[SUBJECT] * 20, half]), (WEB, [[SUBJECT] * 20, [SUBJECT] * 20]))
    found = Answers(measured).all_right()
    assert (found.groups, found.questions, found.of) == (20, 80, 80)
    assert found.chance == pytest.approx(1 / 256)
    assert found.curves["value"].tolist() == [0.0, 0.5, 0.0, 0.0]
    assert found.curves["n"].tolist() == [80] * 4
    end = found.ends[LARGE.name]
    assert end.value == 0.5
    assert end.interval == pytest.approx([float(b) for b in proportions.wilson(0.5, 20, 1.959964)], abs=1e-6)
    assert found.curves["high"].tolist()[1] == end.interval[1]
    assert end.null.mean == pytest.approx(10 / 24 / 20)
    assert end.null.p == pytest.approx(24.0**-10)
    assert found.best == (LARGE, end)
    web = found.ends[WEB.name]
    assert (web.value, web.null.p) == (0.0, 1.0)
    assert web.interval[0] == 0.0 < web.interval[1]
    # The subject alone is right in half of the questions, and in no group.
    assert measured.values(WEB.name, "acc").tolist() == [0.5, 0.5]


def test_what_is_said_has_the_value_its_interval_and_guessing():
    measured = in_fours(20, (LARGE, [[READS] * 15 + [SUBJECT] * 5]), (SMALL, [[SUBJECT] * 20]))
    found = all_right_by_model(measured)
    low, high = found.ends[LARGE.name].interval
    assert messages.all_right_sentence(found) == (
        f"**{LARGE.short_name}** has **75.0%** [{low:.1%}, {high:.1%}] of 20 groups all right; guessing gets 0.4%."
    )
    lines = messages.all_right_lines(found)
    assert lines[0].startswith("All of a group right: ")
    assert f"  {SMALL.name}: 0.0% [0.0%, {found.ends[SMALL.name].interval[1]:.1%}]; random answers give 0.0%" in "\n".join(lines)  # fmt: skip
    assert lines[-1] == messages.ALL_RIGHT_PROVES


def test_what_a_random_order_of_the_answers_gives_is_said_to_be_no_better():
    one = [READS] + [(1, 2, 3, 0)] * 19  # each answer once, in one of 24 orders: one of 20 groups
    found = all_right_by_model(in_fours(20, (LARGE, [one])))
    assert found.ends[LARGE.name].null.p == pytest.approx(1 - (23 / 24) ** 20)
    assert messages.all_right_sentence(found) == (
        f"No model is better at whole groups than random answers: {LARGE.short_name} has **5.0%** of 20 groups all right."
    )


def test_a_set_without_groups_has_a_reason_and_nothing_else():
    measured = in_fours(1, (LARGE, [[READS]]), choice_texts=np.arange(16).reshape(4, 4))
    found = all_right_by_model(measured)
    assert messages.all_right_sentence(found) is None
    assert messages.all_right_lines(found) == []
    document = messages.all_right_document(found)
    assert document["models"] == {}
    assert document["chance"] is None
    assert "no group to get right" in document["why"]
    # Results of other programs may have no texts of choices.
    assert messages.all_right_document(all_right_by_model(replace(measured, choice_texts=None))) == document


def test_groups_that_hold_less_than_half_of_the_set_are_no_score_of_it():
    assert all_right_by_model(in_fours(2, (LARGE, [[READS] * 2]), others=8)).chance == pytest.approx(1 / 256)
    found = all_right_by_model(in_fours(2, (LARGE, [[READS] * 2]), others=9))
    assert found.chance is None
    assert messages.all_right_lines(found) == [messages.no_all_right_reason(found)]
    assert messages.no_all_right_reason(found).startswith("8 of 17 questions ")


def test_one_group_has_no_interval():
    end = all_right_by_model(in_fours(1, (LARGE, [[READS]]))).ends[LARGE.name]
    assert (end.value, end.interval, end.why) == (1.0, None, ONE_GROUP)


def test_an_incomplete_checkpoint_is_no_last_value():
    measured = in_fours(12, (LARGE, [[READS] * 12, [SUBJECT] * 12]), (SMALL, [[READS] * 12]))
    measured.curves[0].ll[1, 5] = np.nan
    measured.curves[1].ll[0, 5] = np.nan
    found = all_right_by_model(measured)
    assert found.ends[LARGE.name].value == 1.0
    assert found.ends[SMALL.name].why == NOT_COMPLETE
    assert np.isnan(found.curves["value"]).tolist() == [False, True, True]
    assert found.curves["n"].tolist() == [48, 47, 47]
    json.dumps(messages.all_right_document(found), allow_nan=False)
    assert any("– No checkpoint" in line for line in messages.all_right_lines(found))


def test_groups_that_the_author_declares_are_resampled_together():
    half = [READS, SUBJECT] * 20
    groups = tuple(f"topic {n // 40}" for n in range(160))  # ten groups in each of four topics
    apart = all_right_by_model(in_fours(40, (LARGE, [half]))).ends[LARGE.name]
    few = all_right_by_model(in_fours(40, (LARGE, [half]), groups=groups)).ends[LARGE.name]
    assert apart.interval is not None
    assert few.interval is None
    assert "need 10 groups, and there are 4" in few.why
    pairs = tuple(f"topic {n // 8}" for n in range(160))  # two in each of twenty, both right or both not
    same = [READS, READS, SUBJECT, SUBJECT] * 10
    wide = all_right_by_model(in_fours(40, (LARGE, [same]), groups=pairs)).ends[LARGE.name]
    assert wide.interval[0] < apart.interval[0] < apart.interval[1] < wide.interval[1]
    assert wide.null.p == pytest.approx(24.0**-10)  # ten topics, not twenty groups


def test_questions_that_a_rule_chose_on_these_models_have_no_null():
    origin = SelectionOrigin(
        rule="by hand", parent="other", parent_digest="", models=(LARGE.name,), model_count=1
    )
    found = all_right_by_model(in_fours(12, (LARGE, [[READS] * 12]), chosen=origin))
    assert found.ends[LARGE.name].null is None
    assert found.ends[LARGE.name].value == 1.0
