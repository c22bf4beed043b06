"""Submission of a run to the queue.

Tested in tests/runs/test_evaluate.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from e2lm_core.base.errors import CheckpointError, TaskError
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.people import access, quotas
from e2lm_core.runs import fleets
from e2lm_core.runs.checkpoint_order import plan_order
from e2lm_core.runs.evaluate import SWEEP
from e2lm_core.runs.queue import permissions
from e2lm_core.runs.queue.queue import JobQueue
from e2lm_core.runs.queue.records import Job, Progress
from e2lm_core.runs.store.requests import render_prompts
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import versions
from e2lm_core.sets.variants import Variant

KIND = "evaluate"
CONTROL = "control"  # a run of the set's wording control (`sets.prompts.wrong_question_control`)

TRIAL = "trial"  # a run of variants of a set, whose results are not stored (`runs.trials.trial`)
CUE_WORDS = "cue words"  # a run of the words that an edit added, each alone in place of its question


def submit_run(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
    priority: int = SWEEP,
    owner: str = "",
    kind: str = KIND,
    rolling: bool = False,
    fleet: Sequence[Checkpoint] = (),
    recompute: bool = False,
    questions: Collection[str] | None = None,
    words: Mapping[str, str] | None = None,
    variants: Sequence[Variant] | None = None,
) -> int:
    """Queue a run of a set, or of its wording control, for a worker process.

    The worker reads the set anew. The caller's open runs of that kind of the same set are replaced (all of
    the machine's, if nobody signs in), so no run goes on that no page shows.

    Args:
        studio: Settings of the caller, queue and backend.
        task: The set.
        checkpoints: Checkpoints to run on.
        num_fewshot: Number of few-shot examples; None for the set's own.
        priority: Higher goes first; `SWEEP` or `INTERACTIVE`.
        owner: Owner of the run if nobody signs in, see `Job`.
        kind: `KIND`, `CONTROL` for the wording control, `CUE_WORDS` or `TRIAL`.
        rolling: Whether to download missing checkpoints one at a time and evict them again.
        fleet: Checkpoints with results to show, if they are more than those that are run.
        recompute: Whether to compute the shipped results as well; computed results replace them.
        questions: Ids of the edited questions; only these are run, and the rest of a replaced run. None for
            all.
        words: For `CUE_WORDS`, the text that stands alone in place of a question, by its id.
        variants: For `TRIAL`, the variants of the set.

    Returns:
        The job's id.

    Raises:
        TaskError: The set has no questions, has a prompt that cannot be read or may not be run by the caller;
            or a visitor asks for a rolling run.
        CheckpointError: No checkpoint is chosen, or a rolling run is to be computed by a cluster.
        LimitError: The queue is full, or a quota of the caller is used up.
    """
    access.require_writer(studio.settings)
    if not task.questions:
        raise TaskError(
            Sentence("{name} has no questions yet: write or import some, then run it.", name=task.name)
        )
    if not checkpoints:
        raise CheckpointError(Sentence("No checkpoint is chosen: choose at least one."))
    if rolling:
        access.require_member(studio.settings, Sentence("fetch checkpoints"))
        studio.require_local()
    render_prompts(task, num_fewshot)  # an unreadable prompt is refused now, not by the worker
    asker = studio.settings.person
    workspace, name = permissions.workspace_of(studio.settings, task.address)
    payload: dict[str, Any] = {
        "set": name,
        "checkpoints": [checkpoint.name for checkpoint in plan_order(checkpoints)],
        "num_fewshot": num_fewshot,
        "version": versions.last_version_number(studio.settings, task.address),
    }
    if questions is not None:
        payload["questions"] = sorted(questions)
    if words is not None:
        payload["words"] = dict(words)
    if variants is not None:
        payload["variants"] = [variant.model_dump(mode="json") for variant in variants]
    if rolling:
        payload["rolling"] = True
    if fleet:
        payload["fleet"] = [checkpoint.name for checkpoint in fleet]
    if recompute:
        payload["anew"] = True
    payload |= {key: one for key, one in (("owner", workspace), ("asker", asker)) if one is not None}
    owner = asker or owner
    quotas.check_quota(studio.settings, "cpu", 0)
    if kind == KIND:
        fleets.remember_run(studio, task.address, fleet or checkpoints, num_fewshot)
    with studio.jobs.database.transaction():  # if the queue is full, the open job stays
        for job in studio.jobs.jobs_of_set(kind, name, still_open=True, whose=workspace, progress=False):
            if job.payload.get("asker") == asker:
                studio.jobs.cancel(job.id)
                if questions is not None:
                    priority = _join(payload, job, priority)
        quotas.check_quota(studio.settings, "runs")
        return _queue(studio).submit(kind, payload, priority, owner)


def record_run(
    studio: Studio,
    address: str,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None,
    progress: Iterable[Progress],
    started_at: float,
    stopped: bool = False,
) -> None:
    """Write down a run that a command has computed: the set's fleet, and its progress as the set's last run.

    Of a set outside the collection only the fleet is remembered.

    Args:
        studio: Settings of the caller and queue.
        address: Name or address of the set, or the path of its folder.
        checkpoints: Checkpoints of the run, and of the other shares if it is one.
        num_fewshot: Number of few-shot examples; None for the set's own.
        progress: Progress by checkpoint.
        started_at: Time of its start, in seconds since the epoch.
        stopped: Whether it was stopped before its end.
    """
    fleets.remember_run(studio, address, checkpoints, num_fewshot)
    if not fleets.is_in_collection(studio.settings, address):
        return
    workspace, name = permissions.workspace_of(studio.settings, address)
    asker = studio.settings.person
    payload: dict[str, Any] = {
        "set": name,
        "checkpoints": [checkpoint.name for checkpoint in checkpoints],
        "num_fewshot": num_fewshot,
    }
    payload |= {key: one for key, one in (("owner", workspace), ("asker", asker)) if one is not None}
    studio.jobs.record(KIND, payload, progress, started_at, asker or "", stopped)


def _join(payload: dict[str, Any], job: Job, priority: int) -> int:
    """Add the rest of a replaced run to an edit's run; the priority of both together."""
    before = job.payload
    payload["checkpoints"] = list(dict.fromkeys([*before["checkpoints"], *payload["checkpoints"]]))
    payload |= {key: True for key in ("rolling", "anew") if before.get(key)}
    if "questions" in before and "questions" in payload:
        payload["questions"] = sorted({*before["questions"], *payload["questions"]})
        return max(priority, job.priority)
    payload.pop("questions", None)
    return min(priority, job.priority)


def _queue(studio: Studio) -> JobQueue:
    """The queue, with the caller's quota in place of the limit for one owner."""
    if studio.settings.person is None:
        return studio.jobs
    most = quotas.quota_limit(studio.settings, "runs")
    of_one = studio.jobs.limits.max_queued_jobs if most is None else int(most)
    limits = studio.jobs.limits.model_copy(update={"max_queued_jobs_of_one": of_one})
    return JobQueue(studio.jobs.database, limits)


def latest_job(studio: Studio, set_name: str, progress: bool = True, kind: str = KIND) -> Job | None:
    """The run of a set, or of its control, that pages show; None without one.

    An open run comes first, above all one that the caller may cancel; otherwise the newest one, whatever its
    state and owner.

    Args:
        studio: Settings of the caller and queue.
        set_name: Name or address of the set.
        progress: Whether to read the run's progress.
        kind: `KIND`, `CONTROL`, `CUE_WORDS` or `TRIAL`.

    Raises:
        TaskError: The caller may not open the set.
    """
    workspace, name = permissions.workspace_of(studio.settings, set_name)
    open_ = studio.jobs.jobs_of_set(kind, name, still_open=True, whose=workspace, progress=progress)
    own = (job for job in open_ if permissions.may_cancel(studio.settings, job))
    if job := next(own, None) or next(iter(open_), None):
        return job
    return next(iter(studio.jobs.jobs_of_set(kind, name, limit=1, whose=workspace, progress=progress)), None)
