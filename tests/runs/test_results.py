"""From stored log-likelihoods to measurements; measuring again takes over what cannot have changed, and nothing else."""

from __future__ import annotations

import gc
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.analysis import tables
from e2lm_core.analysis.questions import pool
from e2lm_core.base.memory import mapped
from e2lm_core.base.records import METRICS, Checkpoint, Loglikelihood, TaskSet
from e2lm_core.commands import runs as run_commands
from e2lm_core.runs import evaluate, results
from e2lm_core.runs.store import requests
from e2lm_core.runs.store.loglikelihood_store import request_digest
from e2lm_core.runs.studio import Studio
from e2lm_core.scores import set_scores, trends
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets import collection
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def put(studio: Studio, task: TaskSet, checkpoint: Checkpoint, ll: list[list[float]]) -> None:
    from e2lm_core.sets.prompts.render import render_set

    items = [
        (request_digest(request), Loglikelihood(value, 1))
        for doc, values in zip(render_set(task), ll, strict=True)
        for request, value in zip(requests.requests_of(doc), values, strict=True)
    ]
    studio.store.put(studio.backend.scope(checkpoint), items)


def test_the_five_metrics_by_hand(here: Studio) -> None:
    task = studios.task(count=0).model_copy(
        update={
            "questions": (
                studios.question(1, choices=("iron", "tin"), answer=0),
                studios.question(2, choices=("é", "gold"), answer=0),
            )
        }
    )
    checkpoint = here.catalogue.checkpoints[0]
    put(here, task, checkpoint, [[-2.0, -1.8], [-1.0, -3.0]])
    measured = results.load_measurements(here, task, [checkpoint])
    name = checkpoint.model.name
    values = {metric: measured.per_question[name][metric][0].tolist() for metric in METRICS}
    assert values["acc"] == [0.0, 1.0]  # −2.0 < −1.8; −1.0 > −3.0
    assert values["acc_norm"] == [1.0, 0.0]  # −2.0/4 > −1.8/3; −1.0/1 < −3.0/4
    assert values["margin"] == pytest.approx([-0.2, 2.0])
    assert values["norm_prob"] == pytest.approx([1 / (1 + math.exp(0.2)), 1 / (1 + math.exp(-2.0))])
    # the characters of "é" are one, its bytes two
    assert values["bpb"] == pytest.approx([2.0 / (4 * math.log(2)), 1.0 / (2 * math.log(2))])
    assert measured.values(name, "acc").tolist() == [0.5]
    assert measured.chance == 0.5


def test_of_an_ending_the_bits_are_over_its_bytes_and_characters_are_the_choices(here: Studio) -> None:
    """As the harness divides: acc_norm by the choices that stand before, whatever is scored."""
    task = studios.task(count=0)
    config = task.config.model_copy(update={"doc_to_text": "answer", "doc_to_target": "question"})
    question = studios.question(1, question="é is hot", choices=("iron", "tin"), answer=0)
    task = task.model_copy(update={"config": config, "questions": (question,)})
    checkpoint = here.catalogue.checkpoints[0]
    put(here, task, checkpoint, [[-2.0, -1.8]])
    measured = results.load_measurements(here, task, [checkpoint])
    values = measured.per_question[checkpoint.model.name]
    assert (values["acc"][0, 0], values["acc_norm"][0, 0]) == (0.0, 1.0)  # −2.0 < −1.8; −2.0/4 > −1.8/3
    assert values["bpb"][0, 0] == pytest.approx(2.0 / (9 * math.log(2)))


def test_what_was_not_run_is_missing_and_never_zero(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    every = here.catalogue.checkpoints_of("ladder-small-arch1")
    evaluate.evaluate(here, task, every[3:5])
    measured = results.load_measurements(here, task, every)
    acc = measured.values("ladder-small-arch1", "acc")
    assert np.isfinite(acc).tolist() == [False] * 3 + [True] * 2 + [False] * 5
    assert (measured.complete_pairs, measured.complete_checkpoints, measured.checkpoints) == (12, 2, 10)
    document = run_commands.evaluation(
        here, task, every, None, evaluate.RunResult(computed=0, reused=0, seconds=0), with_questions=True
    )
    own = document["curves"]["ladder-small-arch1"]
    assert own["acc"][:3] == [None] * 3
    assert own["tokens_seen"] == [1_000 * s for s in studios.STEPS]
    assert document["questions"][0]["loglikelihoods"]["ladder-small-arch1"][0] == [None] * 4


def test_measuring_computes_nothing(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    results.load_measurements(here, task, here.catalogue.checkpoints)
    assert here.backend.computed == 0


def test_questions_with_fewer_choices_have_no_phantom_choice(here: Studio) -> None:
    task = studios.task(count=2)
    shorter = task.questions[0].model_copy(update={"choices": task.questions[0].choices[:3], "answer": 0})
    task = task.model_copy(update={"questions": (shorter, task.questions[1])})
    checkpoint = here.catalogue.checkpoints[0]
    evaluate.evaluate(here, task, [checkpoint])
    measured = results.load_measurements(here, task, [checkpoint])
    assert measured.choice_counts.tolist() == [3, 4]
    assert measured.chance == pytest.approx((1 / 3 + 1 / 4) / 2)
    assert measured.complete_checkpoints == 1


def test_a_set_without_questions_or_checkpoints_is_measured_as_nothing(here: Studio) -> None:
    empty = studios.task(count=0)
    measured = results.load_measurements(here, empty, here.catalogue.checkpoints)
    assert measured.complete_pairs == 0
    assert tables.curve_frame(measured)["value"].isna().all()
    none = results.load_measurements(here, studios.task(), [])
    for metric in METRICS:
        assert set_scores.scores(none, metric).score.value is None
    assert len(tables.curve_frame(none)) == 0
    assert len(tables.rank_frame(none, "acc")) == 0
    assert trends.score_courses(none, "acc") == {}
    assert set_scores.early_end(none) is None


# --- again ---------------------------------------------------------------------------------------------


def little(here: Studio) -> TaskSet:
    return collection.open_set(here.settings, "little")


def edited(task: TaskSet) -> TaskSet:
    """Another second question, the first two in the other order, and one fewer at the end."""
    first, _, *rest = task.questions
    changed = studios.question(77, id="q2", choices=("1", "2", "3", "4", "5"))
    return task.model_copy(update={"questions": (changed, first, *rest[:-1])})


def same(a: Measurements, b: Measurements) -> bool:
    return (a.question_ids, a.keys, a.scopes) == (b.question_ids, b.keys, b.scopes) and all(
        np.array_equal(x.ll, y.ll, equal_nan=True) for x, y in zip(a.curves, b.curves, strict=True)
    )


def test_an_edited_set_is_measured_as_if_for_the_first_time(here: Studio) -> None:
    task, every = little(here), here.catalogue.checkpoints
    evaluate.evaluate(here, task, every[:15])
    before = results.load_measurements(here, task, every)
    evaluate.evaluate(here, edited(task), every[10:12])
    evaluate.evaluate(here, task, every[15:20])
    again = results.load_measurements(here, edited(task), every, reuse_from=before)
    assert same(again, results.load_measurements(here, edited(task), every))
    assert same(
        results.load_measurements(here, task, every[5:], reuse_from=again),
        results.load_measurements(here, task, every[5:]),
    )


def test_other_prompts_and_other_weights_take_nothing_over(here: Studio, monkeypatch) -> None:
    task, every = little(here), here.catalogue.checkpoints
    evaluate.evaluate(here, task, every)
    before = results.load_measurements(here, task, every)
    assert results.load_measurements(here, task, every, 1, reuse_from=before).complete_pairs == 0
    real = here.backend.scope
    monkeypatch.setattr(
        here.backend, "scope", lambda c: real(c).model_copy(update={"fingerprint": f"anew {c.name}"})
    )
    assert results.load_measurements(here, task, every, reuse_from=before).complete_pairs == 0
    assert results.refresh(here, before).complete_pairs == 0


def test_refreshing_adds_what_came_in_and_is_the_same_object_where_nothing_did(here: Studio) -> None:
    task, every = little(here), here.catalogue.checkpoints
    nothing = results.load_measurements(here, task, every)
    assert results.refresh(here, nothing) is nothing
    evaluate.evaluate(here, task, every[3:9])
    some = results.refresh(here, nothing)
    assert some.complete_checkpoints == 6
    assert same(some, results.load_measurements(here, task, every))
    assert results.refresh(here, some) is some


# --- large sets, whose log-likelihoods lie in a file ------------------------------------------------------


@pytest.fixture
def mapping(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """From now on every set is a large one."""
    monkeypatch.setattr(results, "MAPPED_FROM", 0)
    return tmp_path / "mapped"


def same_numbers(one: Measurements, other: Measurements) -> None:
    for here, there in zip(one.curves, other.curves, strict=True):
        assert here.ll.tobytes() == there.ll.tobytes()
        for metric in METRICS:
            own, others = (m.per_question[here.model.name][metric] for m in (one, other))
            assert own.tobytes() == others.tobytes()
    assert one.scopes == other.scopes
    assert one.complete_checkpoints == other.complete_checkpoints
    pools = [questions_pool(m) for m in (one, other)]
    for metric in METRICS:
        own, others = (made.sample.values[metric] for made in pools)
        assert own.strides == others.strides
        assert own.tobytes() == others.tobytes()


def questions_pool(measured: Measurements) -> pool.Pool:
    return pool.build_pool(measured, studios.task(len(measured.question_ids)))


def in_file(measured: Measurements) -> bool:
    return mapped.together(curve.ll for curve in measured.curves) is not None


def test_a_large_sets_results_lie_in_a_file_and_are_the_same(here: Studio, mapping: Path) -> None:
    task = collection.open_set(here.settings, "little")
    every = here.local_checkpoints
    evaluate.evaluate(here, task, every)
    small, large = (
        results.load_measurements(here, task, every),
        results.load_measurements(here, task, every, folder=mapping),
    )
    assert not in_file(small)
    assert in_file(large)
    same_numbers(large, small)
    sent = pickle.loads(pickle.dumps(large))
    assert in_file(sent)
    assert len(pickle.dumps([curve.ll for curve in large.curves])) < 200 * len(large.curves)
    same_numbers(sent, small)
    assert results.refresh(here, large, mapping) is large


def test_a_small_set_writes_no_file(here: Studio, tmp_path: Path) -> None:
    task = collection.open_set(here.settings, "little")
    measured = results.load_measurements(here, task, here.local_checkpoints, folder=tmp_path / "mapped")
    assert not in_file(measured)
    results.refresh(here, measured, tmp_path / "mapped")
    assert not (tmp_path / "mapped").exists()


def test_an_edit_of_a_large_set_takes_over_the_rest_and_is_whole_in_a_file_once_it_was_run(
    here: Studio, mapping: Path
) -> None:
    task = collection.open_set(here.settings, "little")
    every = here.local_checkpoints
    evaluate.evaluate(here, task, every)
    before = results.load_measurements(here, task, every, folder=mapping)
    first = task.questions[0].model_copy(update={"question": "Another one?"})
    edited = task.model_copy(update={"questions": (first, *task.questions[1:])})
    after = results.load_measurements(here, edited, every, reuse_from=before, folder=mapping)
    assert in_file(after)
    assert np.isnan(after.curves[0].ll[:, 0]).all()
    np.testing.assert_array_equal(after.curves[0].ll[:, 1:], before.curves[0].ll[:, 1:])
    assert results.refresh(here, after, mapping) is after
    some = [checkpoint for checkpoint in every if checkpoint.model.name == after.curves[0].model.name]
    evaluate.evaluate(here, edited, some)
    now = results.refresh(here, after, mapping)
    assert now.complete_checkpoints == len(some)
    assert now.curves[1].ll is after.curves[1].ll
    evaluate.evaluate(here, edited, every)
    whole = results.refresh(here, now, mapping)
    assert in_file(whole)
    same_numbers(whole, results.load_measurements(here, edited, every))


def test_with_the_last_measurements_their_files_go(here: Studio, mapping: Path) -> None:
    task = collection.open_set(here.settings, "little")
    evaluate.evaluate(here, task, here.local_checkpoints)
    large = results.load_measurements(here, task, here.local_checkpoints, folder=mapping)
    questions_pool(large).sample.column("norm_prob")
    assert len(list(mapping.iterdir())) == 3  # the log-likelihoods, a metric, and it by questions
    del large
    gc.collect()
    assert list(mapping.iterdir()) == []


def test_where_no_file_can_be_written_a_large_set_is_in_memory(here: Studio, mapping: Path) -> None:
    mapping.write_text("in the way")
    task = collection.open_set(here.settings, "little")
    evaluate.evaluate(here, task, here.local_checkpoints)
    measured = results.load_measurements(here, task, here.local_checkpoints, folder=mapping)
    assert not in_file(measured)
    assert measured.complete_checkpoints == measured.checkpoints
