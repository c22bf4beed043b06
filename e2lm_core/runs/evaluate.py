"""Running a set against checkpoints: what to compute and in which order; at once, or as a job.

A run computes only what the store does not hold: an edited question is new to every checkpoint, anything
else is reused. The order is coarse to fine, so that the shape of every curve is there in seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from e2lm_core.base.errors import Cancelled, CheckpointError, TaskError
from e2lm_core.base.records import Checkpoint, Loglikelihood, Record, RenderedDoc, TaskSet
from e2lm_core.runs.order import plan
from e2lm_core.runs.queue.records import Progress
from e2lm_core.runs.queue.resuming import JobPlans
from e2lm_core.runs.requests import Asked
from e2lm_core.runs.studio import Studio
from e2lm_core.sets.prompts.render import render_set

SWEEP, INTERACTIVE = 0, 10  # an edit overtakes a long sweep
COMMIT_EVERY_S = 0.5


class RunResult(Record):
    """`computed` and `reused` count (checkpoint, question) pairs; `tokens` went through the models, where
    lm-evaluation-harness would have sent `harness_tokens`."""

    computed: int
    reused: int
    seconds: float
    tokens: int = 0
    harness_tokens: int = 0


# --- computing ----------------------------------------------------------------------------------------


def evaluate(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
    report: Callable[[Progress], object] | None = None,
    cancelled: Callable[[], bool] | None = None,
    earlier: Mapping[str, Progress] | None = None,
    plans: JobPlans | None = None,
    take: Callable[[str], bool] | None = None,
) -> RunResult:
    """Compute what is missing, checkpoint by checkpoint in the planned order; results go to the store.

    `report` hears of every commit, within its transaction. `earlier` is the progress of an interrupted
    attempt of the same run: what that computed still counts as computed; `plans` are those of its job, with
    which it gets the same bytes as if it had never been interrupted. A checkpoint is left out where
    `take(its name)` says, just before its turn, that another worker has it. Raises `Cancelled` within one
    batch of `cancelled()` turning true; what was committed stays, and the next run goes on from there.
    """
    if not task.questions:
        raise TaskError(f"{task.name} has no questions yet: write or import some, then run it.")
    if not checkpoints:
        raise CheckpointError("No checkpoint is chosen: choose at least one.")
    started = time.monotonic()
    asked = Asked(_prompts(task, num_fewshot))
    ordered = plan(checkpoints)
    before = {} if earlier is None else earlier
    stop = threading.Event()

    def stopped() -> bool:
        return stop.is_set() or (cancelled is not None and cancelled())

    def one(checkpoint: Checkpoint, following: Checkpoint | None = None, at_once: int = 1) -> Progress | None:
        if take is not None and not take(checkpoint.name):
            return None
        try:
            return _evaluate_one(
                studio,
                asked,
                checkpoint,
                following,
                report or (lambda _: None),
                stopped,
                before.get(checkpoint.name),
                at_once,
                plans,
            )
        except BaseException:
            stop.set()  # the others end within a batch, and what they have is kept
            raise

    done = []
    while ordered and _is_complete(studio, asked, ordered[0]):
        done.append(one(ordered.pop(0)))  # nothing to compute, so nothing heavy is imported
    if ordered:
        done += _side_by_side(one, ordered, studio.backend.at_once, stop)
    own = [progress for progress in done if progress is not None]
    return RunResult(
        computed=sum(progress.computed for progress in own),
        reused=sum(progress.reused for progress in own),
        seconds=time.monotonic() - started,
        tokens=sum(progress.tokens or 0 for progress in own),
        harness_tokens=sum(progress.harness_tokens or 0 for progress in own),
    )


def _is_complete(studio: Studio, asked: Asked, checkpoint: Checkpoint) -> bool:
    return not asked.missing(studio.store, studio.backend.scope(checkpoint))


def _side_by_side(
    one: Callable[[Checkpoint, Checkpoint | None, int], Progress | None],
    ordered: Sequence[Checkpoint],
    at_once: int,
    stop: threading.Event,
) -> list[Progress | None]:
    """Every checkpoint, `at_once` of them at a time, begun in their order."""
    following = [*ordered[at_once:], *[None] * at_once]
    with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="checkpoint") as pool:
        futures = [
            pool.submit(one, checkpoint, after, at_once)
            for checkpoint, after in zip(ordered, following, strict=False)
        ]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:  # the keyboard's stop
            stop.set()
            raise
    return [future.result() for future in sorted(futures, key=_cause_first)]


def _cause_first(future: Future[Progress | None]) -> int:
    """Errors before cancellations, which may be their consequence; what went well comes last."""
    error = future.exception()
    return 2 if error is None else 1 if isinstance(error, Cancelled) else 0


def _evaluate_one(
    studio: Studio,
    asked: Asked,
    checkpoint: Checkpoint,
    following: Checkpoint | None,
    report: Callable[[Progress], object],
    cancelled: Callable[[], bool] | None,
    before: Progress | None,
    at_once: int,
    plans: JobPlans | None,
) -> Progress:
    """`seconds` of its progress are its share of the run's time, so that those of all add up to it."""
    if cancelled and cancelled():
        raise Cancelled("The run was cancelled; what was computed is kept.")
    started = time.monotonic()
    scope = studio.backend.scope(checkpoint)
    missing = asked.missing(studio.store, scope)
    left = [set(keys) for keys in missing.values()]
    new, total = len(left), len(asked)
    already = min(before.computed, total - new) if before else 0
    held: list[tuple[bytes, Loglikelihood]] = []
    tokens, harness_tokens = _tokens_before(before)

    def commit() -> Progress:
        nonlocal left
        done = {key for key, _ in held}
        left = [rest for keys in left if (rest := keys - done)]
        progress = Progress(
            name=checkpoint.name,
            done=total - len(left),
            total=total,
            computed=already + new - len(left),
            reused=total - new - already,
            seconds=(before.seconds if before else 0.0) + (time.monotonic() - started) / at_once,
            note=" ".join(studio.backend.notes()) or None,
            tokens=tokens,
            harness_tokens=harness_tokens,
        )
        # Results and progress are saved together or not at all: a kill in between counts nothing twice.
        with studio.store.database.transaction():
            studio.store.put(scope, held)
            report(progress)
            if plans and not left:
                plans.drop(checkpoint.name)
        held.clear()
        return progress

    wanted = planned = list(dict.fromkeys(key for keys in missing.values() for key in keys))
    last = time.monotonic()
    if not wanted:
        return commit()
    if following is not None:
        studio.backend.prefetch(following)
    if plans:
        planned = plans.fixed(checkpoint.name, wanted, asked.texts.keys())
    requests = [asked.texts[key] for key in planned]
    stored = set(planned).difference(wanted)
    skip = [index for index, key in enumerate(planned) if key in stored]
    try:
        # A chunk is committed whole, so that what a kill leaves behind does not depend on its moment.
        for chunk in studio.backend.chunks(checkpoint, requests, cancelled, skip):
            held += [(planned[index], result) for index, result in chunk]
            tokens += chunk.tokens
            harness_tokens += chunk.harness_tokens
            if time.monotonic() - last > COMMIT_EVERY_S:
                commit()
                last = time.monotonic()
    except Cancelled:
        commit()
        raise
    return commit()


def _tokens_before(before: Progress | None) -> tuple[int, int]:
    """Those that an interrupted attempt computed, and the harness would have."""
    return ((before.tokens or 0), (before.harness_tokens or 0)) if before else (0, 0)


def _prompts(task: TaskSet, num_fewshot: int | None) -> list[RenderedDoc]:
    """Rendered, and known to be text that a tokenizer takes."""
    docs = render_set(task, num_fewshot)
    for number, doc in enumerate(docs, start=1):
        try:
            "".join((doc.context, *doc.continuations)).encode()
        except UnicodeEncodeError as error:
            raise TaskError(
                f"Question {number}: its prompt holds a half character (a lone surrogate), which no model reads; "
                "retype the text."
            ) from error
    return docs


# --- jobs ---------------------------------------------------------------------------------------------
