"""The pool of questions, its table, some against the rest, and keeping some as a copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions import rule_text
from e2lm_core.base.errors import StudioError
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.sets import authoring, collection, versions
from tests.support import studios
from tests.support.measured import EARLY, FLEET, STEPS, fleet_measured, question_set
from tests.support.simulation import answered


@pytest.fixture(scope="module")
def measured() -> Measurements:
    return fleet_measured()


@pytest.fixture(scope="module")
def pool(measured: Measurements) -> question_pool.Pool:
    return question_pool.build_pool(measured, question_set())


def test_the_pool_holds_the_models_that_count(pool: question_pool.Pool, measured: Measurements) -> None:
    assert [m.name for m in pool.models] == list(FLEET)
    assert pool.steps.tolist() == list(STEPS)
    assert pool.sample.early.sum() == EARLY
    assert pool.incomplete == 0
    expected = measured.per_question["large-arch1"]["margin"]
    assert np.array_equal(pool.sample.values["margin"][2], expected)


def test_the_table_by_hand(pool: question_pool.Pool, measured: Measurements) -> None:
    frame = question_pool.question_frame(pool, question_set())
    assert len(frame) == 60
    last = [measured.per_question[name]["acc"][-1, 7] for name in FLEET]
    assert frame["acc"][7] == pytest.approx(np.mean(last))
    twin = measured.per_question["web"]["norm_prob"][-1, 7]
    assert frame["contrast"][7] == pytest.approx(
        measured.per_question["small-arch1"]["norm_prob"][-1, 7] - twin
    )
    early = np.mean([measured.per_question[name]["margin"][:EARLY, 7] for name in FLEET], axis=0)
    expected = np.polyfit(np.log2(np.array(STEPS[:EARLY]) * 1000), early, 1)[0]
    assert frame["slope"][7] == pytest.approx(expected)
    assert frame["relevance"].isna().all()
    (small,) = question_pool.sparkline_rows(pool, np.array([7]))
    assert len(small) == len(STEPS)
    assert small[-1] == pytest.approx(frame["norm_prob"][7], abs=1e-3)


def test_what_is_known_beside_the_models_stands_in_its_column(measured: Measurements) -> None:
    task = question_set()
    told = {q.id: n % 2 == 0 for n, q in enumerate(task.questions)}
    pool = question_pool.build_pool(measured, task, told, np.linspace(0, 1, 60))
    frame = question_pool.question_frame(pool, task)
    assert frame["taught"].tolist() == [n % 2 == 0 for n in range(60)]
    assert frame["relevance"].iloc[-1] == 1.0
    assert question_pool.empty_columns(pool) == {}
    assert (
        question_pool.matching_questions(
            pool, rule_text.parse_rule("taught = yes and relevance >= 0.5")
        ).sum()
        == 15
    )


def test_an_edited_question_stands_aside(measured: Measurements) -> None:
    curves = [ModelCurve(c.model, c.checkpoints, c.ll.copy()) for c in measured.curves]
    for curve in curves:
        curve.ll[:, 3] = np.nan
    changed = Measurements(**{**vars_of(measured), "curves": tuple(curves)})
    pool = question_pool.build_pool(changed, question_set())
    assert pool.incomplete == 1
    assert "q3" not in pool.ids
    assert len(pool.ids) == len(pool.rows) == 59
    frame = question_pool.question_frame(pool, question_set())
    assert frame["question"][3] == question_set().questions[4].question


def vars_of(measured: Measurements) -> dict:
    return {name: getattr(measured, name) for name in measured.__dataclass_fields__}


def test_a_run_on_its_way_shows_the_checkpoints_that_all_models_share(measured: Measurements) -> None:
    curves = [ModelCurve(c.model, c.checkpoints, c.ll.copy()) for c in measured.curves]
    for curve in curves:
        curve.ll[1:-1] = np.nan  # ends first
    curves[1].ll[8] = measured.curves[1].ll[8]
    pool = question_pool.build_pool(
        Measurements(**{**vars_of(measured), "curves": tuple(curves)}), question_set()
    )
    assert pool.steps.tolist() == [STEPS[0], STEPS[-1]]
    assert "slope" in question_pool.empty_columns(pool)  # one early point


def test_nothing_shared_is_said(measured: Measurements) -> None:
    curves = [ModelCurve(c.model, c.checkpoints, np.full_like(c.ll, np.nan)) for c in measured.curves]
    empty = Measurements(**{**vars_of(measured), "curves": tuple(curves)})
    with pytest.raises(StudioError, match="no checkpoint yet at which every model"):
        question_pool.build_pool(empty, question_set())


@pytest.mark.parametrize(("models", "why"), [(1, "three models"), (2, "three models"), (3, None)])
def test_discrimination_needs_three_models(models: int, why: str | None) -> None:
    pool = question_pool.build_pool(fleet_measured(models=tuple(FLEET)[:models], twin=False), question_set())
    empty = question_pool.empty_columns(pool)
    assert ("discrimination" in empty) == (why is not None)
    assert "twin" in empty["contrast"]


def test_one_question() -> None:
    pool = question_pool.build_pool(fleet_measured(count=1), question_set(1))
    frame = question_pool.question_frame(pool, question_set(1))
    assert len(frame) == 1
    assert "one question" in question_pool.empty_columns(pool)["discrimination"]
    found = question_pool.compared_frame(pool, np.array([True]), "acc")
    assert found["rest"].isna().all()
    assert found["selection"].notna().all()


def test_narrowing_down(pool: question_pool.Pool) -> None:
    frame = question_pool.question_frame(pool, question_set())
    assert question_pool.filter_rows(frame).all()
    assert question_pool.filter_rows(frame, ["physics"]).sum() == 30
    assert question_pool.filter_rows(frame, search="NUMBER 7?").sum() == 1
    assert question_pool.filter_rows(frame, search="q59").sum() == 1
    middle = float(frame["slope"].median())
    assert question_pool.filter_rows(frame, ranges={"slope": (middle, 99.0)}).sum() == 30
    assert not question_pool.filter_rows(frame, ranges={"relevance": (0.0, 1.0)}).any()


def test_some_against_the_rest(pool: question_pool.Pool, measured: Measurements) -> None:
    chosen = np.arange(60) < 20
    frame = question_pool.compared_frame(pool, chosen, "norm_prob")
    own = np.mean([measured.per_question[n]["norm_prob"][:, :20].mean(axis=1) for n in FLEET], axis=0)
    assert frame["selection"].to_numpy() == pytest.approx(own)
    assert frame["difference"].to_numpy() == pytest.approx(frame["selection"] - frame["rest"])
    assert frame["early"].sum() == EARLY


def test_a_rule_on_an_undefined_column_is_refused(pool: question_pool.Pool) -> None:
    with pytest.raises(StudioError, match="relevance, which is undefined here: Not computed"):
        question_pool.matching_questions(pool, rule_text.parse_rule("relevance > 0.5"))


# --- keeping --------------------------------------------------------------------------------------------


def test_a_copy_keeps_the_chosen_and_undo_brings_the_others_back(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    before = studios.tree(settings.tasks)
    kept = authoring.copy_with_questions(settings, "little", "chosen", ["q5", "q2"])
    assert [q.id for q in kept.questions] == ["q2", "q5"]
    assert [q.id for q in collection.open_set(settings, "chosen").questions] == ["q2", "q5"]
    assert studios.tree(settings.tasks) == before
    assert versions.available_undo(settings, "chosen")[0] == "delete 4 questions"
    assert len(versions.undo(settings, "chosen").questions) == 6


def test_keeping_nothing_or_under_a_taken_name_makes_no_copy(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    with pytest.raises(StudioError, match="nothing to keep"):
        authoring.copy_with_questions(settings, "little", "chosen", [])
    with pytest.raises(StudioError, match="already a set"):
        authoring.copy_with_questions(settings, "little", "little", ["q1"])
    assert [info.name for info in collection.list_sets(settings)] == ["little"]


def test_discrimination_is_told_of_single_questions_where_it_repeats() -> None:
    measured = answered(120, seed=2, taught=0.0)
    noise = question_pool.build_pool(measured, question_set(120))
    why = question_pool.undefined_reasons(noise)["discrimination"]
    assert why.startswith("Measured on one half of the models, it sorts the questions otherwise")
    assert why.endswith("So it tells nothing of a single question.")
    assert question_pool.question_frame(noise, question_set(120))["discrimination"].isna().all()
    assert "discrimination" not in question_pool.empty_columns(noise)  # a rule may use it
