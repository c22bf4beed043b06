"""Choosing by a preset or an own rule, with what holds on other models; and what is said of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from e2lm_core.analysis.questions import heldout, selection
from e2lm_core.analysis.questions import messages as choice_words
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.selection import Selection
from e2lm_core.base import labels
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS
from tests.support.measured import FLEET, fleet_measured, question_set

RULES = (*selection.PRESETS, "margin > 0 and slope > 0", 'subject = "physics"')


@pytest.fixture(scope="module")
def pool() -> Pool:
    return question_pool.build_pool(fleet_measured(), question_set())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("metric", METRICS)
def test_every_rule_on_every_metric(pool: Pool, rule: str, metric: str) -> None:
    found = selection.select_questions(pool, rule, metric)
    assert 0 < len(found.ids) <= 60
    assert len(found.folds) == 4
    final = found.scores["final"]
    assert final.held_out is not None
    assert final.interval is not None
    assert final.covers == ("folds" if rule == "snr-greedy" else "questions")
    low, high = final.interval
    assert low <= high
    assert (found.scores["snr"].held_out is None) == (metric == "margin")
    for gain in found.scores.values():
        assert gain.held_out is not None or gain.why
    document = json.dumps(selection.selection_document(found, pool), allow_nan=False)
    assert json.loads(document)["size"] == len(found.ids)
    assert choice_words.selection_headline(found, 60).startswith("The rule keeps **")


def test_structure_is_found_and_noise_is_called_what_it_is() -> None:
    real = selection.select_questions(
        question_pool.build_pool(fleet_measured(), question_set()), "easiest-half", "margin"
    )
    assert real.scores["final"].held_out is not None
    assert real.scores["final"].held_out > 0.05
    assert real.scores["final"].interval is not None
    assert real.scores["final"].interval[0] > 0
    assert not real.scores["final"].flatters
    noise = selection.select_questions(
        question_pool.build_pool(fleet_measured(structure=0.0), question_set()), "easiest-half", "margin"
    )
    assert noise.scores["final"].in_sample is not None
    assert noise.scores["final"].in_sample > 0.05
    assert noise.scores["final"].flatters
    assert any(
        "the gain does not carry over to other models." in sentence
        for sentence in choice_words.selection_warnings(noise)
    )


def test_what_the_rule_does_not_read_of_models_is_chosen_alike_in_every_fold(pool: Pool) -> None:
    found = selection.select_questions(pool, 'subject = "physics"')
    assert {fold.size for fold in found.folds} == {30}
    named = selection.select_questions(pool, "one-source", source="source 1")
    assert set(named.ids) == {f"q{n}" for n in range(60) if n % 3 == 1}


@pytest.mark.parametrize(
    ("rule", "reads"),
    [
        ("easiest-half", True),
        ("snr-greedy", True),
        ("slope > 0", True),
        ('subject = "physics" and margin > 0', True),
        ('subject = "physics"', False),
        ("length < 1000", False),
    ],
)
def test_a_copy_names_the_models_if_its_rule_reads_their_results(pool: Pool, rule: str, reads: bool) -> None:
    assert selection.reads_models(selection.resolve_rule(pool, rule)) is reads


def test_the_same_choice_twice(pool: Pool) -> None:
    one, other = (
        selection.selection_document(selection.select_questions(pool, "easiest-half"), pool) for _ in range(2)
    )
    assert one == other


def test_groups_are_drawn_together() -> None:
    task = question_set()
    grouped = task.model_copy(
        update={
            "questions": tuple(
                q.model_copy(update={"group": f"g{n // 10}"}) for n, q in enumerate(task.questions)
            )
        }
    )
    alone, together = (
        selection.select_questions(question_pool.build_pool(fleet_measured(), t), "easiest-half")
        for t in (task, grouped)
    )
    assert alone.scores["final"].held_out == together.scores["final"].held_out
    assert alone.scores["final"].interval != together.scores["final"].interval


# --- what cannot be told --------------------------------------------------------------------------------


def test_one_model_has_nothing_to_hold_out() -> None:
    pool = question_pool.build_pool(fleet_measured(models=("small-arch1",)), question_set())
    found = selection.select_questions(pool, "easiest-half")
    assert len(found.ids) == 30
    assert found.folds == ()
    assert found.why is not None
    assert "one model" in found.why
    assert all(gain.held_out is None for gain in found.scores.values())
    assert "cannot be told: There is one model" in choice_words.selection_headline(found, 60)
    assert choice_words.selection_warnings(found) == []
    assert selection.fold_table(found) == []


def test_one_family_holds_single_models_out_and_says_so() -> None:
    measured = fleet_measured(models=("small-arch1", "small-arch2"), twin=False)
    curves = tuple(
        type(c)(c.model.model_copy(update={"arch": "arch1"}), c.checkpoints, c.ll) for c in measured.curves
    )
    changed = type(measured)(
        **{n: getattr(measured, n) for n in measured.__dataclass_fields__} | {"curves": curves}
    )
    found = selection.select_questions(question_pool.build_pool(changed, question_set()), "easiest-half")
    assert [fold.label for fold in found.folds] == ["small-arch1", "small-arch2"]
    assert found.why is not None
    assert "one size and one shape" in found.why
    assert found.scores["final"].held_out is not None
    assert found.scores["snr"].held_out is None  # one model has no spread
    assert found.scores["snr"].why


def test_one_question() -> None:
    pool = question_pool.build_pool(fleet_measured(count=1), question_set(1))
    found = selection.select_questions(pool, "easiest-half")
    assert found.ids == ("q0",)
    assert found.scores["final"].held_out == 0.0
    assert found.scores["final"].covers == "folds"


def test_a_fold_that_keeps_nothing_makes_the_gain_undefined() -> None:
    measured = fleet_measured(twin=False)
    for curve in measured.curves:  # only the large models know the first question, and no model another
        curve.ll[:] = -5.0
        curve.ll[:, :, 0] = -6.0
        if curve.model.size == "large":
            curve.ll[:, 0, 0] = -1.0
    found = selection.select_questions(question_pool.build_pool(measured, question_set()), "margin > 0")
    assert found.ids == ("q0",)
    assert found.scores["final"].held_out is None
    assert found.why == "The rule keeps no question when size large is held out, so its gain is undefined."
    assert "cannot be told: The rule keeps no question" in choice_words.selection_headline(found, 60)


@pytest.mark.parametrize(
    ("rule", "source", "says"),
    [
        ("margin > 1000", None, "keeps none of the 60 questions: loosen it"),
        ("one-source", "nowhere", "has the source 'nowhere': use one of source 0"),
        ("easiest-half", "source 1", "for the rule one-source alone"),
        ("relevance > 0.5", None, "undefined here: Not computed."),
        ("easiest_half", None, "cannot be read"),
    ],
)
def test_refusals(pool: Pool, rule: str, source: str | None, says: str) -> None:
    with pytest.raises(StudioError, match=r"^[^\n]+$") as refused:
        selection.select_questions(pool, rule, source=source)
    assert says in str(refused.value)


def test_presets_that_need_subjects_or_sources_say_so() -> None:
    task = question_set()
    bare = task.model_copy(
        update={
            "questions": tuple(q.model_copy(update={"subject": None, "source": None}) for q in task.questions)
        }
    )
    pool = question_pool.build_pool(fleet_measured(), bare)
    with pytest.raises(StudioError, match="hard-science subject"):
        selection.select_questions(pool, "rising-hard-science")
    with pytest.raises(StudioError, match="names its source"):
        selection.select_questions(pool, "one-source")


def test_the_rows_end_with_the_mean(pool: Pool) -> None:
    found: Selection = selection.select_questions(pool, "easiest-half")
    rows = selection.fold_table(found)
    assert [row["held out"] for row in rows] == [
        "size small",
        "size large",
        "shape arch1",
        "shape arch2",
        "mean",
    ]
    column = [row["final value, held out"] for row in rows]
    assert column[-1] == pytest.approx(np.mean(column[:-1]))
    assert rows[0]["models"] == ", ".join(list(FLEET)[:2])
    assert set(heldout.SCORES) <= set(labels.SCORES)
