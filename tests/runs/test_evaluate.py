"""Running a set: what is computed and what is not, in which order, and what stays after a stop."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.errors import Cancelled, CheckpointError, LimitError, TaskError
from e2lm_core.base.records import Checkpoint, Loglikelihood, Request, ScoredChunk, TaskSet
from e2lm_core.base.settings import Limits, Settings
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import evaluate, start
from e2lm_core.runs import state as run_state
from e2lm_core.runs.queue.batch_plans import BatchPlans
from e2lm_core.runs.queue.records import Progress
from e2lm_core.runs.store import requests as run_requests
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.prompts import render
from tests.conftest import needs
from tests.support import studios, workers
from tests.support.fake_backend import FakeBackend
from tests.support.workers import Watched


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def little(studio: Studio) -> TaskSet:
    return collection.open_set(studio.settings, "little")


def run(studio: Studio, task: TaskSet, **options) -> evaluate.RunResult:
    return evaluate.evaluate(studio, task, studio.catalogue.checkpoints, **options)


# --- computing ----------------------------------------------------------------------------------------


def test_a_second_run_computes_nothing(here: Studio) -> None:
    first = run(here, little(here))
    pairs = 6 * len(here.catalogue.checkpoints)
    assert (first.computed, first.reused) == (pairs, 0)
    asked = here.backend.computed
    second = run(here, little(here))
    assert (second.computed, second.reused) == (0, pairs)
    assert here.backend.computed == asked


def test_an_edit_recomputes_only_the_edited_question(here: Studio) -> None:
    collection.copy_set(here.settings, "little", "mine")
    run(here, little(here))
    asked = here.backend.computed
    edited = authoring.update_questions(here.settings, "mine", {"q3": {"question": "Another wording?"}})
    result = run(here, edited)
    models = len(here.catalogue.checkpoints)
    assert (result.computed, result.reused) == (models, 5 * models)
    assert here.backend.computed - asked == 4 * models  # its four choices


def test_the_next_checkpoint_is_read_while_the_present_one_computes(tmp_path: Path) -> None:
    happened: list[tuple[str, str]] = []

    class Noting(FakeBackend):
        def prefetch(self, checkpoint: Checkpoint) -> None:
            happened.append(("read", checkpoint.name))

        def chunks(
            self,
            checkpoint: Checkpoint,
            requests: Sequence[Request],
            cancelled: Callable[[], bool] | None = None,
            skip: Collection[int] = (),
        ) -> Iterator[ScoredChunk]:
            happened.append(("compute", checkpoint.name))
            yield from super().chunks(checkpoint, requests, cancelled, skip)

    noting = studios.studio(tmp_path, Noting())
    run(noting, little(noting))
    computed = [name for what, name in happened if what == "compute"]
    assert len(computed) == len(noting.catalogue.checkpoints)
    for present, following in itertools.pairwise(computed):
        assert happened.index(("read", following)) < happened.index(("compute", present))


def test_one_changed_choice_costs_one_request(here: Studio) -> None:
    collection.copy_set(here.settings, "little", "mine")
    run(here, little(here))
    asked = here.backend.computed
    choices = [*little(here).questions[2].choices[:3], "something else"]
    run(here, authoring.update_questions(here.settings, "mine", {"q3": {"choices": choices}}))
    assert here.backend.computed - asked == len(here.catalogue.checkpoints)


def test_reordering_choices_or_questions_and_renaming_compute_nothing(here: Studio) -> None:
    task = little(here)
    run(here, task)
    turned = [
        q.model_copy(update={"choices": q.choices[::-1], "answer": 3 - q.answer}) for q in task.questions
    ]
    other = task.model_copy(update={"questions": tuple(turned[::-1])})
    assert run(here, other).computed == 0


def test_undoing_an_edit_computes_nothing(here: Studio) -> None:
    collection.copy_set(here.settings, "little", "mine")
    run(here, little(here))
    run(here, authoring.update_questions(here.settings, "mine", {"q3": {"question": "Another?"}}))
    assert run(here, versions.undo(here.settings, "mine")).computed == 0


def test_another_few_shot_count_is_another_prompt(here: Studio) -> None:
    run(here, little(here))
    assert run(here, little(here), num_fewshot=1).reused == 0
    assert run(here, little(here), num_fewshot=1).computed == 0
    assert run(here, little(here), num_fewshot=0).computed == 0


def test_results_come_coarse_to_fine(here: Studio) -> None:
    told: list[Progress] = []
    run(here, little(here), progress=Watched(told.append))
    done = [row.name for row in told if row.done == row.total]
    assert done == [c.name for c in run_order.plan_order(here.catalogue.checkpoints)]
    assert [name.split("/")[1] for name in done[:9:4]] == ["iter_0001000", "iter_0000100", "iter_0000500"]


class Refusing(FakeBackend):
    """The fake backend, which cannot score a request of the third question."""

    def chunks(
        self, checkpoint: Checkpoint, requests: Sequence[Request], *others: Any
    ) -> Iterator[ScoredChunk]:
        error = LimitError("The continuation is too long.")
        error.request = requests[2 * 4]
        raise error


def test_a_request_that_cannot_be_scored_is_told_with_its_question(tmp_path: Path) -> None:
    studio = studios.studio(tmp_path, backend=Refusing())
    task = little(studio)
    with pytest.raises(LimitError) as refused:
        run(studio, task)
    assert str(refused.value) == f"Question {task.questions[2].id}: The continuation is too long."


def test_a_run_records_its_tokens_and_those_that_the_harness_would_send(here: Studio) -> None:
    told: list[Progress] = []
    task = little(here)
    whole = run(here, task, progress=Watched(told.append))
    requests = [request for doc in render.render_set(task) for request in run_requests.requests_of(doc)]
    sent = sum(here.backend.prompt_tokens(here.catalogue.checkpoints[0], requests))
    ends = {row.name: row for row in told}.values()
    assert {row.harness_tokens for row in ends} == {sent}
    assert whole.harness_tokens == sent * len(here.catalogue.checkpoints)
    assert whole.tokens == sum(row.tokens or 0 for row in ends)
    assert all(row.tokens is not None and 0 < row.tokens < sent for row in ends)
    again: list[Progress] = []
    run(here, task, progress=Watched(again.append))
    assert {(row.tokens, row.harness_tokens) for row in again} == {(0, 0)}


def test_a_repeated_question_is_computed_once_and_counted_twice(here: Studio) -> None:
    task = little(here)
    twice = task.model_copy(
        update={"questions": (*task.questions, task.questions[0].model_copy(update={"id": "again"}))}
    )
    result = run(here, twice)
    models = len(here.catalogue.checkpoints)
    assert result.computed == 7 * models
    assert here.backend.computed == 4 * 6 * models


@pytest.mark.parametrize("after", [0, 1, 5, 7])
def test_cancelling_keeps_what_was_computed(here: Studio, after: int) -> None:
    task = studios.task(count=20)
    calls = iter(range(10**6))
    told: dict[str, Progress] = {}
    with pytest.raises(Cancelled):
        run(
            here,
            task,
            progress=Watched(lambda row: told.__setitem__(row.name, row), lambda: next(calls) >= after),
        )
    kept = sum(row.computed for row in told.values())
    asked = here.backend.computed
    rest = run(here, task)
    total = 20 * len(here.catalogue.checkpoints)
    assert (rest.computed, rest.reused) == (total - kept, kept)
    assert here.backend.computed == 4 * total
    assert asked <= 8 * after  # a chunk of the fake backend has 8 requests


@pytest.mark.parametrize("stops", [(3,), (1, 2, 9), (20, 1, 1, 40)])
def test_an_interrupted_run_counts_each_pair_once(here: Studio, stops: tuple[int, ...]) -> None:
    """As a worker goes on with a job: the progress that it saved comes back as `earlier`."""
    task = studios.task(count=20)
    saved: dict[str, Progress] = {}
    for stop in stops:
        calls = iter(range(10**6))
        with pytest.raises(Cancelled):
            run(
                here,
                task,
                progress=Watched(
                    lambda row: saved.__setitem__(row.name, row),
                    lambda calls=calls, stop=stop: next(calls) >= stop,
                    saved,
                ),
            )
    result = run(
        here, task, progress=Watched(lambda row: saved.__setitem__(row.name, row), previous_progress=saved)
    )
    total = 20 * len(here.catalogue.checkpoints)
    assert (result.computed, result.reused) == (total, 0)
    assert here.backend.computed == 4 * total
    assert all((row.done, row.computed, row.reused) == (20, 20, 0) for row in saved.values())


class Neighbours(FakeBackend):
    """Results whose last bits depend on what else is planned, as a real model's do in float32."""

    def chunks(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[ScoredChunk]:
        last_bits = 1.0 + len(requests) * 2.0**-40
        for chunk in super().chunks(checkpoint, requests, cancelled, skip):
            yield ScoredChunk((i, Loglikelihood(ll * last_bits, tokens)) for i, (ll, tokens) in chunk)


@pytest.mark.parametrize("stops", [(3,), (1, 2, 9), (20, 1, 1, 40)])
def test_an_interrupted_job_gets_the_bytes_of_an_undisturbed_one(
    tmp_path: Path, stops: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "COMMIT_EVERY_S", 0.0)
    task, edited = studios.task(count=20), studios.task(count=23)
    stored = []
    for place, interruptions in (("undisturbed", ()), ("interrupted", stops)):
        (tmp_path / place).mkdir()
        here = studios.studio(tmp_path / place, backend=Neighbours())
        run(here, task, num_fewshot=1)
        plans = BatchPlans(here.store.database, here.jobs.submit(start.KIND, {}))
        for stop in interruptions:
            calls = iter(range(10**6))
            with pytest.raises(Cancelled):
                run(
                    here,
                    edited,
                    num_fewshot=0,
                    progress=Watched(
                        cancelled=lambda calls=calls, stop=stop: next(calls) >= stop, plans=plans
                    ),
                )
        run(here, edited, num_fewshot=0, progress=Watched(plans=plans))
        stored.append(workers.stored(here.settings.database))
        assert here.backend.computed == 4 * (20 + 23) * len(here.catalogue.checkpoints)
    assert stored[0] == stored[1]
    assert len(stored[0]) == 4 * (20 + 23) * len(here.catalogue.checkpoints)


def test_progress_and_results_are_saved_together_or_not_at_all(here: Studio) -> None:
    task = studios.task(count=20)

    def dies(_: Progress) -> None:
        raise RuntimeError("killed between the two")

    with pytest.raises(RuntimeError):
        run(here, task, progress=Watched(dies))
    assert all(
        studios.stored_count(here.store, here.backend.scope(c)) == 0 for c in here.catalogue.checkpoints
    )


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (studios.task(count=0), "no questions yet"),
        (studios.task(dev=0), "has 0 dev questions"),
    ],
)
def test_what_cannot_be_run_says_why(here: Studio, task: TaskSet, says: str) -> None:
    with pytest.raises(TaskError, match=says):
        run(here, task, num_fewshot=2)


def test_no_checkpoint_is_no_run(here: Studio) -> None:
    with pytest.raises(CheckpointError, match="choose at least one"):
        evaluate.evaluate(here, little(here), [])


# --- jobs ---------------------------------------------------------------------------------------------


def test_a_run_is_queued_in_its_order_and_found_again(here: Studio) -> None:
    some = here.catalogue.match_globs(["ladder-large-arch1/*"])
    job = here.jobs.get(studios.start_run(here, "little", some, num_fewshot=1, priority=evaluate.INTERACTIVE))
    assert (job.kind, job.state, job.priority) == (start.KIND, "queued", evaluate.INTERACTIVE)
    assert job.payload["checkpoints"] == [c.name for c in run_order.plan_order(some)]
    assert start.latest_job(here, "little") == job
    assert start.latest_job(here, "other") is None
    assert run_state.fleet_of_set(here, "little").run_arguments == (some, 1)


def test_a_new_run_of_a_set_replaces_its_open_one(here: Studio) -> None:
    first = studios.start_run(here, "little", here.catalogue.checkpoints)
    second = studios.start_run(here, "little", here.catalogue.checkpoints)
    assert [here.jobs.get(i).state for i in (first, second)] == ["cancelled", "queued"]


def test_a_full_queue_refuses_and_the_open_run_stays(tmp_path: Path) -> None:
    here = studios.studio(tmp_path, limits=Limits(max_queued_jobs=2))
    studios.write_example(here.settings, studios.task(name="second"))
    first = studios.start_run(here, "little", here.catalogue.checkpoints)
    here.jobs.claim("test", 60)
    for _ in range(2):
        here.jobs.submit(start.KIND, {"set": "other", "checkpoints": []})
    for name in ("second", "little"):
        with pytest.raises(LimitError, match="2 runs are waiting already"):
            studios.start_run(here, name, here.catalogue.checkpoints)
    assert here.jobs.get(first).state == "running"


@pytest.mark.parametrize("shots", [3, -1, 40])
def test_a_prompt_that_cannot_be_rendered_is_said_before_it_is_queued(here: Studio, shots: int) -> None:
    with pytest.raises(TaskError, match="num_fewshot"):
        studios.start_run(here, "little", here.catalogue.checkpoints, num_fewshot=shots)
    with pytest.raises(TaskError, match="no question set"):
        studios.start_run(here, "nothing", here.catalogue.checkpoints)
    with pytest.raises(CheckpointError, match="at least one"):
        studios.start_run(here, "little", [])
    assert here.jobs.recent() == []


def test_the_next_checkpoint_is_read_ahead_only_while_something_is_computed(tmp_path: Path) -> None:
    class Watched(FakeBackend):
        ahead: list[str] = []  # noqa: RUF012

        def prefetch(self, checkpoint: Checkpoint) -> None:
            self.ahead.append(checkpoint.name)

    here = studios.studio(tmp_path, backend=Watched())
    run(here, little(here))
    assert Watched.ahead == [c.name for c in run_order.plan_order(here.catalogue.checkpoints)[1:]]
    run(here, little(here))
    assert len(Watched.ahead) == len(here.catalogue.checkpoints) - 1


@pytest.mark.slow
def test_on_the_embedded_ladder_an_edit_costs_the_edited_question_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, ladder=needs("ladder"), device="cpu", threads=1)
    studio = open_studio(settings)
    collection.copy_set(settings, "ladder_general", "mine")
    task = collection.open_set(settings, "mine")
    ends = run_order.thin_out(studio.catalogue.checkpoints, "ends and middle")[:4]
    total = len(task.questions) * len(ends)
    assert evaluate.evaluate(studio, task, ends).computed == total
    again = evaluate.evaluate(open_studio(settings), task, ends)
    assert (again.computed, again.reused) == (0, total)
    first = task.questions[0].id
    edited = authoring.update_questions(settings, "mine", {first: {"question": "Which one is it?"}})
    after = evaluate.evaluate(studio, edited, ends)
    assert (after.computed, after.reused) == (len(ends), total - len(ends))


def test_a_backend_that_grows_is_used_as_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "ASK_AGAIN_S", 0.01)
    inside, most = threading.Semaphore(0), list[int]()

    class Growing(FakeBackend):
        """One checkpoint at a time at first, three once one is at work; all wait for each other."""

        running = 0

        @property
        def at_once(self) -> int:  # type: ignore[override]
            return 3 if self.running else 1

        def chunks(self, *arguments: Any, **options: Any) -> Iterator[ScoredChunk]:
            self.running += 1
            most.append(self.running)
            if self.running == 3:
                inside.release(3)
            assert inside.acquire(timeout=5)
            inside.release()
            yield from super().chunks(*arguments, **options)
            self.running -= 1

    studio = studios.studio(tmp_path, Growing())
    result = evaluate.evaluate(studio, little(studio), studio.catalogue.checkpoints)
    assert result.computed == 6 * len(studio.catalogue.checkpoints)
    assert max(most) == 3
