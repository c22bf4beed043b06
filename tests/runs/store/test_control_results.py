"""Results of the wording control in the store: whether it was run, its verdict, an edit, and an edit's new words."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.analysis import validity
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import evaluate, results, start, worker
from e2lm_core.runs.checkpoint_order import last_of_each
from e2lm_core.runs.store import control_results
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection
from e2lm_core.sets.prompts.wrong_question_control import control_set, words_set
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def task_of(here: Studio) -> TaskSet:
    return collection.open_set(here.settings, "little")


def edited(task: TaskSet, text: str) -> TaskSet:
    first = task.questions[0].model_copy(update={"question": text})
    return task.model_copy(update={"questions": (first, *task.questions[1:])})


def test_a_control_is_found_once_it_was_run_and_after_an_edit_still(here: Studio) -> None:
    task, ends = task_of(here), last_of_each(here.catalogue.checkpoints)
    assert not control_results.was_control_run(here, task, ends)
    evaluate.evaluate(here, task, here.catalogue.checkpoints)
    assert not control_results.was_control_run(here, task, ends)
    own = results.load_measurements(here, task, here.catalogue.checkpoints)
    assert control_results.load_control(here, task, own) is None
    run = evaluate.evaluate(here, control_set(task), ends)
    assert control_results.was_control_run(here, task, ends)
    control = control_results.load_control(here, task, own)
    assert control is not None
    assert control.complete_checkpoints == len(ends)
    now = edited(task, "How much is a dozen less five?")
    assert control_results.was_control_run(here, now, ends)
    again = evaluate.evaluate(here, control_set(now), ends)
    assert 3 * len(ends) <= again.computed < run.computed / 2


def test_a_verdict_silences_every_command_and_the_report(
    here: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fake models know nothing, so the verdict is given here; where it goes is what is looked at."""
    task, every = task_of(here), here.catalogue.checkpoints
    evaluate.evaluate(here, task, every)
    evaluate.evaluate(here, control_set(task), last_of_each(every))
    sentence = "The models answer **97%** from one word of each question: this set measures nothing."
    monkeypatch.setattr(control_results.messages, "cue_sentence", lambda _: sentence)
    measured = control_results.load_judged(here, task, every)
    assert measured.cue_words == sentence.replace("**", "")
    plain = results.load_measurements(here, task, every)
    assert plain.cue_words is None
    assert plain.digest != measured.digest
    silent = validity.silence_reason(measured, validity.scores_with_null(measured, "acc"))
    assert silent.startswith("The models answer 97% from one word") or "never learned" in silent


def test_a_new_word_is_run_by_the_worker_alone_and_read_back(here: Studio) -> None:
    task, ends = task_of(here), last_of_each(here.catalogue.checkpoints)
    now = edited(task, "What is twice the number 1, a dozen?")
    name = task.questions[0].id
    assert control_results.new_words(task, now, [name, "gone"]) == {name: "dozen?"}
    for one in (task, now):
        evaluate.evaluate(here, one, ends)
    assert control_results.load_edit_controls(here, task, now, [name], ends) == []
    number = start.submit_run(here, task, ends, kind=start.CUE_WORDS, words={name: "dozen?"})
    assert worker.run_worker(here, once=True) == 1
    job = here.jobs.get(number)
    assert (job.state, sum(row.computed for row in job.progress)) == ("done", len(ends))
    assert results.load_measurements(here, words_set(now, {name: "dozen?"}), ends).complete_pairs == len(ends)
    found = control_results.load_edit_controls(here, task, now, [name], ends)
    assert [one.word for one in found] in (["dozen"], [])  # three models beside the twin are needed
    assert len(found) == 1


def test_words_that_stood_before_are_not_new(here: Studio) -> None:
    task = task_of(here)
    name = task.questions[0].id
    assert control_results.new_words(task, edited(task, "Twice the NUMBER 1: what is it?"), [name]) == {
        name: "it?"
    }
    assert control_results.new_words(task, edited(task, "twice 1"), [name]) == {name: ""}
