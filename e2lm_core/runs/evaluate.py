"""Evaluation of a set on checkpoints: computes missing results and stores them.

A run computes only what the store does not hold: an edited question is new to every checkpoint, anything
else is reused. The order is coarse to fine, so that the shape of every curve is there in seconds.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import lru_cache, partial

from pydantic import Field

from e2lm_core.base.errors import Cancelled, CheckpointError, LimitError, TaskError
from e2lm_core.base.records import Checkpoint, Record, RenderedDoc, ScoredChunk, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints.hub.rolling import RollingResult, RollingRun
from e2lm_core.runs.checkpoint_order import COARSE, plan_order
from e2lm_core.runs.queue import rolling_cleanup
from e2lm_core.runs.queue.records import ALONE, Progress, ProgressListener
from e2lm_core.runs.queue.timings import SharedTime
from e2lm_core.runs.store.checkpoint_run import CheckpointRun
from e2lm_core.runs.store.requests import RequestIndex, render_prompts
from e2lm_core.runs.studio import Studio

SWEEP, INTERACTIVE = 0, 10  # priorities: an edit's run overtakes a long sweep
FEW_QUESTIONS = 16  # most questions of one or a few edits; a run of more is a sweep, coarse to fine
COMMIT_EVERY_S = 0.5
MAX_AT_ONCE = 512  # threads, each of which waits for one core or GPU
ASK_AGAIN_S = 0.5  # between two questions to the backend for the number of checkpoints it can take


class RunResult(Record):
    """Outcome of a run.

    Attributes:
        computed: (checkpoint, question) pairs that were computed.
        reused: (checkpoint, question) pairs that the store had already.
        seconds: Wall time of the run.
        tokens: Tokens that went through the models.
        harness_tokens: Tokens that lm-evaluation-harness would have sent instead.
        rolled: Downloads of a rolling run; None for any other run.
        left_out: Checkpoint name → sentence, for checkpoints that could not be used: unreadable, diverged or
            written to meanwhile.
    """

    computed: int
    reused: int
    seconds: float
    tokens: int = 0
    harness_tokens: int = 0
    rolled: RollingResult | None = None
    left_out: dict[str, str] = Field(default_factory=dict)


def evaluate(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
    progress: ProgressListener = ALONE,
    rolling: str | None = None,
    questions: Collection[str] | None = None,
) -> RunResult:
    """Compute a set's missing results, checkpoint by checkpoint in the planned order, and store them.

    Args:
        studio: Store, catalogue and backend.
        task: The set.
        checkpoints: Checkpoints to run on.
        num_fewshot: Number of few-shot examples; None for the set's own.
        progress: Listener that is told the progress and asked whether to stop.
        rolling: Name of a rolling run, which downloads, scores and evicts checkpoints of a hub (see
            `checkpoints.hub.rolling`); None for a run without downloads. A checkpoint that the hub does not
            give is no error.
        questions: Ids of the questions to run; None for all questions of the set.

    Returns:
        Counts, time, downloads and left-out checkpoints of the run.

    Raises:
        TaskError: The set has no questions, or a prompt cannot be read.
        CheckpointError: No checkpoint is chosen, or none can be used.
        Cancelled: `progress.cancelled()` turned true; raised within one batch. Committed results stay, and
            the next run goes on from there.
    """
    if not task.questions:
        raise TaskError(
            Sentence("{name} has no questions yet: write or import some, then run it.", name=task.name)
        )
    docs = render_prompts(task, num_fewshot)
    if questions is not None:
        docs = [doc for doc in docs if doc.question_id in questions]
    return evaluate_prompts(studio, docs, checkpoints, progress, rolling)


def evaluate_prompts(
    studio: Studio,
    docs: Sequence[RenderedDoc],
    checkpoints: Sequence[Checkpoint],
    progress: ProgressListener = ALONE,
    rolling: str | None = None,
    few_questions: int = FEW_QUESTIONS,
) -> RunResult:
    """Compute the missing results of rendered prompts and store them, as `evaluate` does for a set's.

    Args:
        studio: Store, catalogue and backend.
        docs: The prompts.
        checkpoints: Checkpoints to run on.
        progress: As for `evaluate`.
        rolling: As for `evaluate`.
        few_questions: Largest number of questions of which checkpoints are computed together.

    Returns:
        Counts, time, downloads and left-out checkpoints of the run.

    Raises:
        CheckpointError: No checkpoint is chosen, or none can be used.
        LimitError: A request is too long for a model's window or the memory.
        TaskError: A request cannot be scored.
        Cancelled: As for `evaluate`.
    """
    if not checkpoints:
        raise CheckpointError(Sentence("No checkpoint is chosen: choose at least one."))
    started = time.monotonic()
    run = _Run(studio, RequestIndex(docs), progress, few_questions)
    rolled = None
    try:
        if rolling is None:
            ends = run.at_all(plan_order(checkpoints))
        else:
            ends, rolled = run.rolling(plan_order(checkpoints), rolling)
    except (LimitError, TaskError) as error:
        own = next((doc.question_id for doc in docs if error.request in doc.requests), None)
        if own is None:
            raise
        raise type(error)(
            Sentence("Question {question}: {problem}", question=own, problem=error.sentence)
        ) from error
    if len(run.left_out) == len(checkpoints):
        raise CheckpointError(next(iter(run.left_out.values())))
    return RunResult(
        computed=sum(progress.computed for progress in ends),
        reused=sum(progress.reused for progress in ends),
        seconds=time.monotonic() - started,
        tokens=sum(progress.tokens or 0 for progress in ends),
        harness_tokens=sum(progress.harness_tokens or 0 for progress in ends),
        rolled=rolled,
        left_out=run.left_out,
    )


class _Run:
    """Run of one set at many checkpoints.

    A checkpoint that cannot be used is left out; any other error stops all checkpoints within a batch.
    """

    def __init__(
        self, studio: Studio, asked: RequestIndex, progressing: ProgressListener, few_questions: int
    ) -> None:
        self._studio, self._asked, self._progressing = studio, asked, progressing
        self._few_questions = few_questions
        self._stop, self._time = threading.Event(), SharedTime()
        self.left_out: dict[str, str] = {}

    def at_all(self, ordered: list[Checkpoint]) -> list[Progress]:
        """Final progress of each checkpoint, but for those that another worker computes."""
        ends: list[Progress] = []
        while ordered and self._is_complete(ordered[0]):
            ends += self._at_group([ordered.pop(0)])  # nothing to compute: no heavy import
        if ordered:
            ends += self._side_by_side(self._groups(ordered))
        return ends

    def rolling(self, ordered: list[Checkpoint], name: str) -> tuple[list[Progress], RollingResult]:
        """Final progress of each checkpoint and the downloads of a rolling run.

        At most two of a hub's checkpoints are on this machine at once that were not there before.
        """
        self._studio.require_local()
        ready = {c.name for c in ordered if self._studio.is_readable(c) and self._is_complete(c)}
        ends = self._at_group([checkpoint for checkpoint in ordered if checkpoint.name in ready])
        rest = [checkpoint for checkpoint in ordered if checkpoint.name not in ready]
        backend = self._studio.backend

        def use(checkpoint: Checkpoint) -> None:
            ends.extend(self._at_group([checkpoint]))
            backend.forget(checkpoint)

        rolling_cleanup.remove_fetched(
            self._studio.settings, self._studio.jobs, {c.name for c in rest}, of=name
        )
        try:
            roller = RollingRun(
                self._studio.settings,
                name,
                use,
                at_once=lambda: backend.at_once,
                waits=backend.prefetch,
                stopped=self._stopped,
                told=self._waits_for,
            )
            rolled = roller.roll(rest)
        finally:
            rolling_cleanup.remove_fetched(self._studio.settings, self._studio.jobs)
        return ends, rolled

    def _waits_for(self, checkpoint: str, what: str | None) -> None:
        """Note in a checkpoint's progress why it waits; None once it does not."""
        before = self._progressing.previous_progress(checkpoint) or Progress(
            name=checkpoint, done=0, total=len(self._asked)
        )
        self._progressing.report(before.model_copy(update={"note": what}))

    def _missing(self, checkpoint: Checkpoint) -> dict[int, list[bytes]] | None:
        """Missing keys of a checkpoint; None if it cannot be used, which is reported at its turn."""
        if self._studio.checkpoint_problem(checkpoint) is None:
            with suppress(CheckpointError):
                return self._asked.missing(self._studio.store, self._studio.backend.scope(checkpoint))
        return None

    def _is_complete(self, checkpoint: Checkpoint) -> bool:
        return self._missing(checkpoint) == {}

    def _groups(self, ordered: Sequence[Checkpoint]) -> list[tuple[Checkpoint, ...]]:
        """Checkpoints in their order, grouped where the few questions of an edit are best computed together.

        The coarse points come before all others even so: after an edit the shape of every curve is updated
        first.
        """
        asked, backend = self._asked, self._studio.backend
        missing = next((found for c in ordered if (found := self._missing(c)) is not None), None)
        if missing is None or len(missing) > self._few_questions:
            return [(checkpoint,) for checkpoint in ordered]
        requests = [asked.texts[key] for keys in missing.values() for key in keys]
        own = [checkpoint for checkpoint in ordered if checkpoint.model.seed_of is None]
        coarse = COARSE * len({checkpoint.model.name for checkpoint in own})
        parts = (own[:coarse], own[coarse:], ordered[len(own) :])
        return [group for part in parts if part for group in backend.together(part, requests)]

    def _side_by_side(self, groups: Sequence[tuple[Checkpoint, ...]]) -> list[Progress]:
        """Compute the groups in their order, as many at a time as the backend can take at that moment.

        The number is asked for again and again, since a cluster may grow.
        """
        waiting, futures = deque(groups), list[Future[list[Progress]]]()
        running = set[Future[list[Progress]]]()
        try:
            while (waiting and not self._stop.is_set()) or running:
                at_once = self._studio.backend.at_once
                while waiting and len(running) < at_once and not self._stop.is_set():
                    group = waiting.popleft()
                    after = waiting[at_once - 1] if len(waiting) >= at_once else ()
                    futures.append(_threads(os.getpid()).submit(self._at_group, group, after))
                    running.add(futures[-1])
                _, running = wait(running, timeout=ASK_AGAIN_S, return_when=FIRST_COMPLETED)
        except BaseException:  # such as an interrupt from the keyboard
            self._stop.set()
            wait(running)
            raise
        return [progress for future in sorted(futures, key=_cause_first) for progress in future.result()]

    def _at_group(self, group: Sequence[Checkpoint], following: Sequence[Checkpoint] = ()) -> list[Progress]:
        """Final progress of a group's checkpoints, but for those that another worker computes."""
        with self._studio.store.together():  # one transaction for all claims
            mine = [checkpoint for checkpoint in group if self._progressing.claim(checkpoint.name)]
        try:
            if self._stopped():
                raise Cancelled(Sentence("The run was cancelled; what was computed is kept."))
            with self._time.working():
                now = partial(self._time.seconds, max(1, len(mine)))
                runs = self._begun(mine, now)
                ends = compute(self._studio, runs, following, self._stopped)
                self._leave_out(runs)
                return ends
        except BaseException:
            self._stop.set()  # the others end within a batch, and their results are kept
            raise

    def _begun(self, mine: Sequence[Checkpoint], now: Callable[[], float]) -> list[CheckpointRun]:
        runs = [CheckpointRun(self._studio, self._asked, one, self._progressing, now) for one in mine]
        known = [(run, run.scope) for run in runs if run.scope is not None]
        missing = self._asked.missing_of_all(self._studio.store, [scope for _, scope in known])
        for (run, _), lacks in zip(known, missing, strict=True):
            run.begin(lacks)
        return runs

    def _leave_out(self, runs: Sequence[CheckpointRun]) -> None:
        """Note unusable checkpoints in `left_out` and in their progress."""
        for run in runs:
            if run.problem is not None:
                self.left_out[run.checkpoint.name] = run.problem
                self._progressing.report(run.result())

    def _stopped(self) -> bool:
        return self._stop.is_set() or self._progressing.cancelled()


@lru_cache(maxsize=1)
def _threads(process: int) -> ThreadPoolExecutor:
    """Thread pool of this process, shared by all its runs.

    Threads and their open handles are kept, since the run of an edit is short. The process id is the key
    because threads do not survive a fork.
    """
    return ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="checkpoint")


def _cause_first(future: Future[list[Progress]]) -> int:
    """Sort key: errors before cancellations, which may be their consequence, and successes last."""
    error = future.exception()
    return 2 if error is None else 1 if isinstance(error, Cancelled) else 0


def compute(
    studio: Studio,
    runs: Sequence[CheckpointRun],
    prefetch: Sequence[Checkpoint] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Progress]:
    """Compute the missing results of some checkpoints and commit them.

    Checkpoints with the same missing requests are computed together. A chunk is committed whole, for all of
    them, so the results that a kill leaves behind do not depend on its moment. A checkpoint whose files were
    written to is begun again with the files as they are then.

    Args:
        studio: Store and backend.
        runs: The checkpoints, begun.
        prefetch: Checkpoints that come next; their weights are read meanwhile.
        cancelled: Whether to stop; asked before every batch.

    Returns:
        Final progress of each checkpoint.

    Raises:
        Cancelled: `cancelled` turned true.
    """
    alike: dict[tuple[tuple[bytes, ...], tuple[int, ...]], list[CheckpointRun]] = {}
    with studio.store.together():
        for run in runs:
            if run.missing:
                keys, there = run.plan_requests()
                alike.setdefault((tuple(keys), tuple(there)), []).append(run)
    if alike:
        for checkpoint in prefetch:
            studio.backend.prefetch(checkpoint)
    for (planned, skip), group in alike.items():
        _compute_alike(studio, group, planned, skip, cancelled)
    _commit(studio, [run for run in runs if not run.missing])
    for run in runs:
        while run.is_to_begin and run.problem is None:  # its files were written to meanwhile
            run.take_fingerprint()
            run.begin()
            compute(studio, [run], (), cancelled)
    return [run.result() for run in runs]


def _compute_alike(
    studio: Studio,
    group: Sequence[CheckpointRun],
    planned: Sequence[bytes],
    skip: Sequence[int],
    cancelled: Callable[[], bool],
) -> None:
    """Compute checkpoints with the same missing requests; an unreadable one does not end the others."""
    last = time.monotonic()
    try:
        for chunks in _chunks(studio, group, planned, skip, cancelled):
            for run, chunk in zip(group, chunks, strict=True):
                run.add(chunk, planned)
            if not any(run.is_active for run in group):
                break
            if time.monotonic() - last > COMMIT_EVERY_S:
                _commit(studio, group)
                last = time.monotonic()
    except Cancelled:
        _commit(studio, group)
        raise
    except CheckpointError as error:
        _commit(studio, group)
        if len(group) == 1:
            group[0].fail(error)
        for run in group if len(group) > 1 else ():  # one is at fault, so each is tried alone
            if run.is_active:
                _compute_alike(studio, [run], *run.plan_requests(), cancelled)
        return
    _commit(studio, group)


def _chunks(
    studio: Studio,
    group: Sequence[CheckpointRun],
    planned: Sequence[bytes],
    skip: Sequence[int],
    cancelled: Callable[[], bool],
) -> Iterator[Sequence[ScoredChunk]]:
    requests = [group[0].asked.texts[key] for key in planned]
    if len(group) > 1:
        return studio.backend.chunks_of_all([run.checkpoint for run in group], requests, cancelled, skip)
    return ((chunk,) for chunk in studio.backend.chunks(group[0].checkpoint, requests, cancelled, skip))


def _commit(studio: Studio, runs: Sequence[CheckpointRun]) -> None:
    """Commit in one transaction: most of the time of a commit goes to the disk."""
    if runs:
        with studio.store.together():
            for run in runs:
                run.commit()
