"""What an edit changed, by hand and through a real run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from e2lm_core.analysis.questions import edits as question_edits
from e2lm_core.analysis.questions.edits import MetricChange
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import evaluate, results
from e2lm_core.runs.studio import Studio
from e2lm_core.scores import measurements
from e2lm_core.sets import authoring, collection
from tests.support import studios
from tests.support.workers import Watched


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def measured(here: Studio, task: TaskSet) -> measurements.Measurements:
    return results.load_measurements(here, task, here.catalogue.checkpoints)


def test_a_change_says_before_after_and_the_difference():
    assert MetricChange("margin", 0.42, 0.61).text == "margin 0.42 → 0.61 nats ↑ (+0.19)"
    assert MetricChange("acc", 1.0, 0.75).text == "acc 100.0% → 75.0% ↓ (−25.0 points)"
    assert MetricChange("norm_prob", 0.5, 0.5).text == "norm_prob 0.50 → 0.50 = (+0.00)"
    assert MetricChange("margin", None, 0.61).text == "margin – → 0.61 nats"
    assert MetricChange("margin", 0.42, None).difference is None
    assert MetricChange("margin", None, 0.61).current_text == "margin **0.61 nats**"
    assert MetricChange("acc", None, None).current_text == "acc **–**"


def test_final_values_are_means_of_the_models_that_count_at_their_last_checkpoint(here: Studio) -> None:
    task = studios.task()
    evaluate.evaluate(here, task, here.catalogue.checkpoints)
    found = measured(here, task)
    counted = [found.per_question[f"ladder-{size}-arch1"]["margin"][-1] for size in ("small", "large")]
    assert measurements.final_values(found, "margin") == pytest.approx(np.mean(counted, axis=0))
    frame = question_edits.finals_frame(found, task)
    assert list(frame["margin"]) == pytest.approx(np.mean(counted, axis=0))
    assert [len(curve) for curve in frame["norm_prob curve"]] == [10] * 6
    web = results.load_measurements(here, task, here.catalogue.checkpoints_of("ladder-small-arch1-web"))
    assert [c.model.role for c in question_edits.scored_models(web)] == ["web"]  # it alone is there


def test_edited_added_and_deleted_questions_are_told_apart(here: Studio) -> None:
    task = studios.task()
    evaluate.evaluate(here, task, here.catalogue.checkpoints)
    first, second, *rest = task.questions
    now = task.model_copy(
        update={
            "questions": (
                first.model_copy(
                    update={"choices": first.choices[::-1], "answer": 3 - first.answer, "note": "x"}
                ),
                second.model_copy(update={"question": "What is twice 2?"}),
                *rest[1:],
                studios.question(50),
            )
        }
    )
    before, after = measured(here, task), measured(here, now)
    found = question_edits.edit_effects(before, after)
    assert [(e.question_id, e.kind) for e in found] == [("q2", "edited"), ("q50", "added"), ("q3", "deleted")]
    assert all(e.changes[0].after is None for e in found)
    assert [e.changes[0].before is None for e in found] == [False, True, False]
    whole = question_edits.set_changes(before, after)
    assert all(change.after is None for change in whole)
    assert question_edits.headline(found, whole, 3, 40).endswith("3 of 40 checkpoints so far.")

    evaluate.evaluate(here, now, here.catalogue.checkpoints)
    after = measured(here, now)
    (edited, *_) = question_edits.edit_effects(before, after)
    old, new = (measurements.final_values(m, "margin")[1] for m in (before, after))
    assert edited.changes[0] == MetricChange("margin", pytest.approx(old), pytest.approx(new))
    frame = question_edits.effect_frame((edited,))
    assert frame["margin Δ"][0] == pytest.approx(new - old)
    said = question_edits.headline((edited,), question_edits.set_changes(before, after), 40, 40)
    assert said.startswith(f"**q2**: margin {old:.2f} → {new:.2f} nats".replace("-", "−"))


def test_another_gold_choice_is_a_change_and_a_note_is_none(here: Studio) -> None:
    task = studios.task()
    first, *rest = task.questions
    evaluate.evaluate(here, task, here.catalogue.checkpoints)
    moved = task.model_copy(
        update={"questions": (first.model_copy(update={"answer": (first.answer + 1) % 4}), *rest)}
    )
    noted = task.model_copy(update={"questions": (first.model_copy(update={"note": "n"}), *rest)})
    before = measured(here, task)
    (effect,) = question_edits.edit_effects(before, measured(here, moved))
    assert effect.changes[0].difference is not None  # nothing has to be computed for it
    assert question_edits.edit_effects(before, measured(here, noted)) == ()
    assert "did not change any prompt" in question_edits.headline((), (), 40, 40)


def test_a_questions_mean_curve_is_undefined_until_all_models_are_there(here: Studio) -> None:
    task = studios.task()
    evaluate.evaluate(
        here, task, here.catalogue.match_globs(["ladder-small-arch1/*", "ladder-large-arch1/iter_0001000"])
    )
    frame = question_edits.mean_frame(measured(here, task), "q1", "margin")
    assert list(frame["step"]) == list(studios.STEPS)
    assert np.isfinite(frame["value"]).tolist() == [False] * 9 + [True]
    assert set(frame["models"]) == {2}
    none = results.load_measurements(here, task, [])
    assert len(question_edits.mean_frame(none, "q1", "margin")) == 0
    assert np.isnan(measurements.final_values(none, "margin")).all()


def test_after_an_edit_the_coarse_points_come_first(here: Studio) -> None:
    """Every model's last checkpoint, its first and its middle: what the panel says first is the final margin. Further
    seeds follow."""
    collection.copy_set(here.settings, "little", "mine")
    evaluate.evaluate(here, collection.open_set(here.settings, "mine"), here.catalogue.checkpoints)
    edited = authoring.update_questions(here.settings, "mine", {"q3": {"question": "Another?"}})
    told: list[str] = []
    evaluate.evaluate(
        here,
        edited,
        here.catalogue.checkpoints,
        progress=Watched(lambda row: told.append(row.name) if row.done == row.total else None),
    )
    assert told == [c.name for c in run_order.plan_order(here.catalogue.checkpoints)]
    own = [c for c in here.catalogue.checkpoints if c.model.seed_of is None]
    coarse = {c.name for c in run_order.thin_out(own, "ends and middle")}
    assert set(told[: len(coarse)]) == coarse


def test_a_row_a_point_of_the_question_and_of_each_model_but_further_seeds(here: Studio) -> None:
    task = studios.task()
    evaluate.evaluate(here, task, here.catalogue.checkpoints)
    found = measured(here, task)
    name = task.questions[0].id
    frame = question_edits.points_frame(found, found, name, "margin")
    own = {c.model.name: len(c.checkpoints) for c in found.curves if c.model.seed_of is None}
    assert frame.groupby("of", sort=False).size().to_dict() == {name: 10, **own}
    assert frame["before"].tolist() == frame["now"].tolist()
    of_question = question_edits.mean_frame(found, name, "margin")
    assert frame["now"][:10].tolist() == of_question["value"].tolist()
    assert frame["tokens_seen"][:10].tolist() == of_question["tokens_seen"].tolist()
    gone = question_edits.points_frame(found, found, None, "margin")
    assert set(gone["of"]) == set(own)
