"""Commands `evaluate` and `worker`."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.json_values import to_json_numbers
from e2lm_core.base.records import METRICS, Checkpoint, TaskSet
from e2lm_core.commands.opening import open_fleet, open_studio, open_task
from e2lm_core.commands.options import Checkpoints, Fewshot, FleetName, Json, On, Task
from e2lm_core.commands.output import goes_to_stdout, print_table, require_file, to_stdout, warn
from e2lm_core.commands.progress import progress_bar

if TYPE_CHECKING:
    from e2lm_core.runs.evaluate import RunResult
    from e2lm_core.runs.queue.records import Progress
    from e2lm_core.runs.studio import Studio
    from e2lm_core.scores.measurements import Measurements

SQ_PARTS = {"rho", "autocorrelation", "sq", "points"}  # of a signal quality


def evaluation(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None,
    result: RunResult,
    with_questions: bool = False,
) -> dict[str, Any]:
    """Results as JSON: `{task, taught, curves, sq, seconds, computed, reused}`; undefined is null.

    `curves` {model: {steps [K], tokens_seen [K], metric: [K]}}, `sq` {model: {metric: {rho, autocorrelation,
    sq, points}}}, `questions` [{id, loglikelihoods: {model: [K, choices] in nats}}].

    Args:
        studio: Studio with the caller's settings.
        task: The set.
        checkpoints: Checkpoints of the run.
        num_fewshot: Examples in the prompt; None for the set's own number.
        result: Duration of the run and numbers of its results.
        with_questions: Whether to add `questions`.
    """
    from e2lm_core.analysis import validity
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.scores.set_scores import signal_qualities

    measured = load_measurements(studio, task, checkpoints, num_fewshot)
    curves = {curve.model.name: curve for curve in measured.curves}
    qualities = {metric: signal_qualities(measured, metric) for metric in METRICS}
    document: dict[str, Any] = {
        "task": task.name,
        "taught": validity.known_facts_summary(measured),
        "curves": {
            name: {
                "steps": curve.steps.tolist(),
                "tokens_seen": to_json_numbers(curve.tokens_seen, as_integers=True),
                **{metric: to_json_numbers(measured.values(name, metric)) for metric in METRICS},
            }
            for name, curve in curves.items()
        },
        "sq": {
            name: {metric: of[name].model_dump(include=SQ_PARTS) for metric, of in qualities.items()}
            for name in curves
        },
        "seconds": round(result.seconds, 3),
        "computed": result.computed,
        "reused": result.reused,
    }
    if chosen := validity.selection_summary(measured):
        document["chosen"] = chosen
    if with_questions:
        document["questions"] = _questions(measured)
    return document


def _questions(measured: Measurements) -> list[dict[str, Any]]:
    """Id and log-likelihoods {model: [K, C]} in nats of each question."""
    counts = measured.choice_counts
    return [
        {
            "id": identity,
            "loglikelihoods": {
                curve.model.name: [to_json_numbers(row[: counts[q]]) for row in curve.ll[:, q]]
                for curve in measured.curves
            },
        }
        for q, identity in enumerate(measured.question_ids)
    ]


def run_evaluation(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None,
    rolling: bool = False,
    anew: bool = False,
    rows: dict[str, Progress] | None = None,
) -> RunResult:
    """Compute missing results, with a bar that counts questions at checkpoints.

    Notes of a rolling run go to stderr, and also the number of results kept after an interrupt from the
    keyboard.

    Args:
        studio: Studio with the caller's settings.
        task: The set.
        checkpoints: Checkpoints to run.
        num_fewshot: Examples in the prompt; None for the set's own number.
        rolling: Whether checkpoints are downloaded one at a time.
        anew: Whether to compute included results as well.
        rows: Filled with the progress by checkpoint.
    """
    from e2lm_core.runs.evaluate import evaluate
    from e2lm_core.runs.queue.records import ProgressListener

    with studio.store.database.transaction():
        pass  # fails before anything is computed if results cannot be saved
    total = len(checkpoints) * len(task.questions)
    with progress_bar(task.name, total) as advance:
        done: dict[str, int] = {}

        class Bar(ProgressListener):
            def report(self, progress: Progress) -> None:
                if rows is not None:
                    rows[progress.name] = progress
                if rolling and progress.note and not progress.done:
                    warn(progress.note)
                advance(progress.name, progress.done - done.get(progress.name, 0))
                done[progress.name] = progress.done

        name = f"command-{os.getpid()}" if rolling else None
        computing = studio.without_shipped_results if anew else studio
        try:
            return evaluate(computing, task, checkpoints, num_fewshot, Bar(), name)
        except KeyboardInterrupt:
            warn(
                f"Stopped: {sum(done.values()):,} of {formatting.count(total, 'result')} are kept; the same command goes "
                "on from there."
            )
            raise


def evaluate(
    task: Task,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    questions: Annotated[
        bool, Option("--questions", help="Add every choice's log-likelihood (nats) to the JSON.")
    ] = False,
    anew: Annotated[bool, Option("--anew", help="Recompute results that come with the studio.")] = False,
    shard: Annotated[
        str | None,
        Option(
            "--shard",
            metavar="I/N",
            help="Run the i-th of n shares of the checkpoints, and write its results file.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Option(
            "--out",
            metavar="X.jsonl",
            help="Where the results file is written (with --shard: SET.I-of-N.jsonl); - is stdout.",
        ),
    ] = None,
    backend: On = None,
    rolling: Annotated[
        bool,
        Option(
            "--rolling",
            help="Download, score and delete checkpoints of a hub, at most two on disk.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a set on the checkpoints, or on a share of them; only what was never computed is computed."""
    from e2lm_core.base import atomic
    from e2lm_core.runs import fleets, start
    from e2lm_core.runs.fleets import OpenFleet
    from e2lm_core.runs.messages import run_status
    from e2lm_core.runs.shards import files, split
    from e2lm_core.runs.store import shipped_defaults, shipped_results

    share = split.parse_shard(shard) if shard else split.Shard()
    piped = goes_to_stdout(out, as_json)
    if out is not None:
        require_file(out)
    studio = open_studio(backend)
    question_set = open_task(studio.settings, task)
    # A rolling run includes checkpoints that are in the catalogue but not downloaded.
    if rolling:
        named = fleets.find_fleet(studio, fleet) if fleet is not None and not checkpoints else None
        every = studio.catalogue.match_globs(named.checkpoints if named else checkpoints or ())
        of = (
            OpenFleet(named.name, fleets.apply_roles(every, named.roles), num_fewshot)
            if named
            else OpenFleet("", every, num_fewshot)
        )
    else:
        of = open_fleet(studio, task, checkpoints, fleet, num_fewshot)
    every, num_fewshot = of.run_arguments
    chosen = split.select_shard(every, share)
    if every and not chosen:
        raise StudioError(f"No checkpoint is left for share {share} of {len(every)}: use fewer shares.")
    progress: dict[str, Progress] = {}
    began, is_complete = time.time(), False
    try:
        result = run_evaluation(studio, question_set, chosen, num_fewshot, rolling, anew, progress)
        is_complete = True
    finally:
        if progress or is_complete:
            start.record_run(studio, task, every, num_fewshot, progress.values(), began, not is_complete)
            if fleet is not None:
                fleets.choose_fleet(studio, task, fleets.find_fleet(studio, fleet), num_fewshot)
    if result.rolled:
        chosen = tuple(c for c in chosen if c.name not in result.rolled.missing)
    chosen = tuple(c for c in chosen if c.name not in result.left_out)
    warn(*result.left_out.values(), *studio.backend.notes())
    document = evaluation(studio, question_set, chosen, num_fewshot, result, questions)
    if result.rolled:
        document["rolling"] = result.rolled.model_dump()
    shown = shipped_defaults.shows_shipped_results(studio, question_set, chosen, num_fewshot)
    found = shipped_results.load_shipped() if shown else None
    document["shipped"] = found.made.model_dump() if found else None
    written = None
    if shard or out:
        data = b"".join(files.shard_lines(studio, question_set, every, chosen, share, num_fewshot))
        path = out or Path(f"{question_set.name}.{share.number}-of-{share.of}.jsonl")
        document |= {"shard": share.model_dump(), "file": str(path)}
        if piped:
            to_stdout(data)
            return
        atomic.replace_file(path, data)
        written = f"Results of {len(chosen)} of {len(every)} checkpoints: {path}"
    taught = document["taught"] and document["taught"]["sentence"]
    by_rule = document.get("chosen", {}).get("sentence")
    notes = [
        written,
        taught,
        by_rule,
        f"{result.computed} computed, {result.reused} reused, {result.seconds:.1f} s",
    ]
    if result.rolled:
        fetched = formatting.count(result.rolled.fetched, "checkpoint")
        notes.append(f"{fetched} fetched and let go again, {formatting.size(result.rolled.fetched_bytes)}")
    if found:
        notes.append(f"{run_status.shipped_note(found.made)} --anew computes it here.")
    tokens = run_status.savings_sentence(result.tokens, result.harness_tokens)
    print_table(as_json, document, _rows(document), notes=[*notes, tokens], fleet=of)
    if as_json:
        warn(written, tokens)
    if result.rolled and result.rolled.sentence:
        raise StudioError(result.rolled.sentence)


def _rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per model."""
    return [
        {
            "model": model,
            "points": len(curve["steps"]),
            "last acc": curve["acc"][-1],
            "SQ(acc)": document["sq"][model]["acc"]["sq"],
            "SQ(norm_prob)": document["sq"][model]["norm_prob"]["sq"],
        }
        for model, curve in document["curves"].items()
    ]


def worker(
    idle_exit: Annotated[
        float | None, Option("--idle-exit", metavar="SECONDS", help="Stop after so long without work.")
    ] = None,
    once: Annotated[bool, Option("--once", help="Stop when the queue is empty.")] = False,
    lease: Annotated[
        float | None,
        Option(
            "--lease", metavar="SECONDS", help="How soon another worker takes a run over after a kill (10)."
        ),
    ] = None,
    parent: Annotated[
        int | None,
        Option(
            "--parent",
            metavar="PID",
            min=1,
            help="Run at lower priority than this process, and stop when it ends and its runs are done.",
        ),
    ] = None,
    backend: On = None,
) -> None:
    """Compute queued runs, alone or with others; the app starts one by itself."""
    from e2lm_core.deploy import logs
    from e2lm_core.runs.worker import LEASE_S, lower_priority, run_worker

    logs.configure_logging()
    if parent is not None:
        lower_priority()
    run_worker(open_studio(backend), once, idle_exit, LEASE_S if lease is None else lease, parent)
