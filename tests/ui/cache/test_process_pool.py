"""Work beside the pages: another process, the same answers, errors that come back, and life after its death."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.analysis.answers import Answers
from e2lm_core.base.errors import TaskError
from e2lm_core.base.memory import mapped
from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui.cache import process_pool, worker_analysis
from e2lm_core.ui.cache.process_pool import Aside
from tests.support import measured


@pytest.fixture(scope="module")
def beside() -> Iterator[Aside]:
    process = Aside()
    yield process
    process.stop()


def made() -> Measurements:
    rising = measured.RISING
    return measured.measurements(
        measured.curve(measured.SMALL, rising), measured.curve(measured.LARGE, rising)
    )


def where(*_: object) -> int:
    return os.getpid()


def slow(asker: int) -> str:
    """At once where it is asked for, else in a minute."""
    if os.getpid() != asker:
        time.sleep(60)
        return "beside"
    return "here"


def refuse(word: str) -> None:
    raise TaskError(f"The word {word} is not allowed: use another.")


def same(measurements: Measurements) -> int:
    return id(measurements)


def both(one: Measurements, other: Measurements) -> int:
    return one.nbytes + other.nbytes


def secret() -> str | None:
    return os.environ.get("HF_TOKEN")


def lambda_of(_: object) -> object:
    return lambda: None


def test_a_call_is_made_in_another_process_with_less_weight(beside: Aside) -> None:
    assert beside.call(where) == beside.process != os.getpid()
    assert (
        beside.call(os.getpriority, os.PRIO_PROCESS, 0)
        == os.getpriority(os.PRIO_PROCESS, 0) + process_pool.NICE
    )


def test_what_cannot_be_sent_is_computed_here(beside: Aside) -> None:
    assert beside.call(where, made(), lambda: None) == os.getpid()
    assert beside.call(where) == beside.process


def test_a_secret_of_the_environment_stays_here(monkeypatch: pytest.MonkeyPatch, beside: Aside) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    beside.stop()
    assert beside.call(secret) is None


def test_who_waits_longest_is_next() -> None:
    turns, served, threads = process_pool._Turns(), [], []

    def take(number: int) -> None:
        with turns:
            served.append(number)

    with turns:
        for number in range(5):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            while len(turns._waiting) <= number:
                time.sleep(0.001)
        assert not turns.free
    for thread in threads:
        thread.join()
    assert served == [0, 1, 2, 3, 4]
    assert turns.free


def test_who_stops_it_does_not_wait_for_what_it_is_at(beside: Aside) -> None:
    """A server that computes for minutes is told to end, and a container waits ten seconds for that."""
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(beside.call(slow, os.getpid())))
    asking.start()
    while beside.process is None or not beside._lock._taken:
        time.sleep(0.01)
    time.sleep(1)
    begun = time.monotonic()
    beside.stop()
    assert time.monotonic() - begun < 10
    asking.join()
    assert answers == ["here"]
    assert beside.call(where) != os.getpid()


def test_an_error_comes_back_as_what_it_is(beside: Aside) -> None:
    with pytest.raises(TaskError, match="The word no is not allowed"):
        beside.call(refuse, "no")
    with pytest.raises(RuntimeError, match="cannot be sent"):
        beside.call(lambda_of, 1)
    assert beside.call(where) == beside.process


def test_measurements_are_sent_once_and_give_the_same_numbers(beside: Aside) -> None:
    measurements = made()
    assert beside.call(same, measurements) == beside.call(same, measurements)
    here, there = (
        call(worker_analysis.answer, measurements, Answers.scores, "acc") for call in (_here, beside.call)
    )
    assert here == there
    here, there = (
        call(worker_analysis.answer, measurements, Answers.curves, "acc", True)
        for call in (_here, beside.call)
    )
    np.testing.assert_array_equal(here.to_numpy(), there.to_numpy())
    others = [made() for _ in range(process_pool.KNOWN + 1)]
    for other in others:
        beside.call(same, other)
    assert beside.call(worker_analysis.answer, measurements, Answers.scores, "acc") == _here(
        worker_analysis.answer, measurements, Answers.scores, "acc"
    )


@pytest.mark.slow
def test_where_it_dies_the_answer_is_made_here_and_the_next_one_beside_again(beside: Aside) -> None:
    beside.start()
    assert beside.process
    os.kill(beside.process, signal.SIGKILL)
    time.sleep(0.1)
    assert beside.call(where) in (os.getpid(), beside.process)
    assert beside.call(where) == beside.process != os.getpid()


@pytest.mark.slow
def test_one_that_has_grown_gives_its_memory_back() -> None:
    small = Aside(most_mb=1)
    try:
        first, second = small.call(where), small.call(where)
        assert os.getpid() not in (first, second)
        assert first != second
    finally:
        small.stop()


@pytest.mark.slow
def test_one_with_large_measurements_stays_as_far_as_the_machine_allows(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = made()
    monkeypatch.setattr(process_pool, "OF_MEASURED", 2_000 * 2**20 / first.nbytes)
    small = Aside(most_mb=1)
    try:
        assert small.call(where, first) == small.call(where, first)
        monkeypatch.setattr(process_pool, "total_memory_bytes", lambda: 2**20)
        small.call(where, first)
        assert small.process is None
        assert "it is replaced" in caplog.text
    finally:
        small.stop()


def test_of_large_measurements_those_of_the_call_alone_are_kept(
    monkeypatch: pytest.MonkeyPatch, beside: Aside
) -> None:
    monkeypatch.setattr(process_pool, "KNOWN_BYTES", 1)
    one, other = made(), made()
    scores = [
        beside.call(worker_analysis.answer, measurements, Answers.scores, "acc")
        for measurements in (one, other, one)
    ]
    assert scores == [_here(worker_analysis.answer, one, Answers.scores, "acc")] * 3
    assert [known for known in beside._known.values() if isinstance(known, Measurements)] == [one]
    assert beside.call(both, one, other) == both(one, other)


def test_one_that_rests_is_there_again_when_it_is_asked(beside: Aside) -> None:
    beside.call(where)
    beside.rest(idle_s=60.0)
    assert beside.process
    beside.rest(idle_s=-1.0)
    assert beside.process is None


def test_unless_a_server_opens_it_everything_is_computed_here() -> None:
    assert process_pool.figures(where) == process_pool.texts(where) == os.getpid()


def _here(function, *arguments):
    return function(*arguments)


def seen(task: TaskSet) -> list[int]:
    return [id(question) for question in task.questions]


def back(task: TaskSet) -> TaskSet:
    return task


def a_set(*names: str) -> TaskSet:
    questions = (Question(id=name, question=f"{name}?", choices=("a", "b"), answer=0) for name in names)
    return TaskSet(config=TaskConfig(task="sent"), questions=tuple(questions), readme="Of four.")


def test_of_an_edited_set_only_what_changed_is_sent(beside: Aside) -> None:
    first = a_set("one", "two", "three", "four")
    new = Question(id="five", question="five?", choices=("a", "b"), answer=1)
    one, two, _, four = first.questions
    edited = first.model_copy(update={"questions": (four, new, one, two), "readme": "Moved."})
    before, after = beside.call(seen, first), beside.call(seen, edited)
    assert [after[0], *after[2:]] == [before[3], before[0], before[1]]
    assert beside.call(back, edited) == edited
    assert beside.call(seen, edited) == after  # it is there as a whole
    for number in range(process_pool.KNOWN + 1):  # until the first is forgotten
        edited = edited.model_copy(update={"readme": str(number)})
        assert beside.call(back, edited) == edited
    assert beside.call(back, a_set("other")).questions[0].id == "other"
    assert beside.call(back, first) == first


def probability(measurements: Measurements) -> float:
    return sum(float(by["norm_prob"].mean()) for by in measurements.per_question.values())


def test_of_a_large_sets_results_neither_process_holds_a_copy(beside: Aside, tmp_path: Path) -> None:
    """An array of 96 MB, and a metric of it of half of that: both processes read all of it."""
    rows, questions = 60, 100_000
    rng = np.random.default_rng(0)
    blocks = (rng.normal(-5, 1, (1, questions, 2)) for _ in range(rows))
    large = mapped.written(tmp_path / f"large{mapped.SUFFIX}", blocks, "<f8")
    assert large is not None
    small = made()
    curves = tuple(
        replace(curve, checkpoints=curve.checkpoints[:10], ll=large[10 * n : 10 * (n + 1)])
        for n, curve in enumerate(small.curves)
    )
    several = {
        "question_ids": tuple(map(str, range(questions))),
        "gold": np.zeros(questions, int),
        "chars": np.full((questions, 2), 3.0),
        "gold_bytes": np.full(questions, 3.0),
    }
    measurements = replace(small, curves=curves, **several)
    beside.call(probability, small)
    before = beside._mb()
    there = beside.call(probability, measurements)
    assert there == probability(measurements)
    assert beside._mb() - before < 30  # of questions and their choices, and one model's while it is computed
    assert [one.name for one in tmp_path.iterdir() if "norm_prob" in one.name]
