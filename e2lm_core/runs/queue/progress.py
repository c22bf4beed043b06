"""Progress of a run, from the rows of its checkpoints in the queue."""

from __future__ import annotations

from e2lm_core.base.records import Record, TaskSet
from e2lm_core.runs.queue.queue import JobQueue
from e2lm_core.runs.queue.records import Job, State
from e2lm_core.runs.start import CONTROL, CUE_WORDS, TRIAL
from e2lm_core.sets.prompts.wrong_question_control import variant_count

PACE_FROM = 0.05  # share of a run from which its pace predicts its end: the start loads and warms up


class RunProgress(Record):
    """Progress of a run.

    Attributes:
        state: The run's state in the queue.
        done: Number of results that are stored; a result is one question at one checkpoint.
        total: Number of results that the run is to give.
        complete: Number of checkpoints with all of the run's questions.
        checkpoints: Number of the run's checkpoints.
        seconds_left: Time left at the run's own pace, in seconds; None while it waits, before 5% are done,
            and once it is over.
        ahead: Number of runs before one that waits; None for one that does not wait.
    """

    state: State
    done: int
    total: int
    complete: int
    checkpoints: int
    seconds_left: float | None = None
    ahead: int | None = None

    @property
    def share(self) -> float:
        """Share of stored results, in [0, 1]; share of complete checkpoints if the run has no question."""
        return self.done / self.total if self.total else self.complete / max(1, self.checkpoints)


def run_progress(jobs: JobQueue, job: Job, task: TaskSet) -> RunProgress:
    """Progress of a run of a set, from the rows of its checkpoints in the queue.

        time left = seconds / computed · (left at begun checkpoints + others · mean computed at a begun one)

    Checkpoints that needed no computing count in no mean.

    Args:
        jobs: The queue.
        job: The run.
        task: The set as it is now.
    """
    with jobs.database.reading() as connection:
        begun, done, complete, left, computed, seconds, working, needed = connection.execute(
            "SELECT count(*), coalesce(sum(done), 0), coalesce(sum(done >= total), 0), "
            "coalesce(sum(total - done), 0), coalesce(sum(computed), 0), coalesce(sum(seconds), 0.0), "
            "coalesce(sum(computed > 0 OR done < total), 0), "
            "coalesce(sum(CASE WHEN computed > 0 OR done < total THEN computed + total - done ELSE 0 END), 0) "
            "FROM progress WHERE job = ?",
            (job.id,),
        ).fetchone()
    checkpoints = len(job.payload["checkpoints"])
    total = prompts_per_checkpoint(job, task) * checkpoints
    progress = RunProgress(
        state=job.state,
        done=min(done, total),
        total=total,
        complete=complete,
        checkpoints=checkpoints,
        ahead=jobs.queue_position(job),
    )
    if job.state != "running" or progress.share < PACE_FROM or not (computed and seconds and working):
        return progress
    rest = left + max(0, checkpoints - begun) * needed / working
    return progress.model_copy(update={"seconds_left": rest * seconds / computed})


def prompts_per_checkpoint(job: Job, task: TaskSet) -> int:
    """Number of prompts of a run at each checkpoint: of all questions, the edited ones, the control, the words, or a trial."""
    if job.kind == CONTROL:
        return len(task.questions) * variant_count(task)
    if job.kind == CUE_WORDS:
        return len(job.payload["words"])
    if job.kind == TRIAL:
        tried = [variant["questions"] for variant in job.payload["variants"]]
        return sum(len(task.questions if rows is None else rows) for rows in tried)
    only = job.payload.get("questions")
    if only is None:
        return len(task.questions)
    return len({question.id for question in task.questions}.intersection(only))
