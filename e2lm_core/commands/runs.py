"""Commands `evaluate` and `worker`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.json_values import to_json_numbers
from e2lm_core.base.records import METRICS, Checkpoint, TaskSet
from e2lm_core.commands.output import (
    Checkpoints,
    Fewshot,
    Json,
    On,
    Task,
    chosen_checkpoints,
    goes_to_stdout,
    open_task,
    print_table,
    run_evaluation,
    studio_on,
    to_stdout,
)

if TYPE_CHECKING:
    from e2lm_core.runs.evaluate import RunResult
    from e2lm_core.runs.shards.split import Shard
    from e2lm_core.runs.studio import Studio
    from e2lm_core.scores.measurements import Measurements

Questions = Annotated[
    bool, typer.Option("--questions", help="Add every choice's log-likelihood (nats) to the JSON.")
]
Anew = Annotated[bool, typer.Option("--anew", help="Compute what is shipped with the studio as well.")]
Share = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Run the i-th of n shares of the checkpoints, and write its results file.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="X.jsonl",
        help="Where the results file is written (with --shard: SET.I-of-N.jsonl); - is stdout.",
    ),
]
Roll = Annotated[
    bool,
    typer.Option(
        "--rolling",
        help="Fetch checkpoints of a hub, score them and delete them again, two on the disk at a time.",
    ),
]
IdleExit = Annotated[
    float | None, typer.Option("--idle-exit", metavar="SECONDS", help="Stop after so long without work.")
]
Once = Annotated[bool, typer.Option("--once", help="Stop when the queue is empty.")]
Lease = Annotated[
    float | None,
    typer.Option(
        "--lease", metavar="SECONDS", help="How soon another worker takes a run over after a kill (10)."
    ),
]
Parent = Annotated[
    int | None,
    typer.Option(
        "--parent",
        metavar="PID",
        min=1,
        help="Give way to this process; stop once it has ended and its runs are done.",
    ),
]


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
    document: dict[str, Any] = {
        "task": task.name,
        "taught": validity.known_facts_summary(measured),
        "curves": {},
        "sq": {},
    }
    for curve in measured.curves:
        name = curve.model.name
        document["curves"][name] = {
            "steps": curve.steps.tolist(),
            "tokens_seen": to_json_numbers(curve.tokens_seen, as_integers=True),
            **{metric: to_json_numbers(measured.values(name, metric)) for metric in METRICS},
        }
        document["sq"][name] = {}
    for metric in METRICS:
        for name, quality in signal_qualities(measured, metric).items():
            document["sq"][name][metric] = quality.model_dump(
                include={"rho", "autocorrelation", "sq", "points"}
            )
    document |= {
        "seconds": round(result.seconds, 3),
        "computed": result.computed,
        "reused": result.reused,
    }
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


def evaluate(
    task: Task,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    questions: Questions = False,
    anew: Anew = False,
    shard: Share = None,
    out: Out = None,
    backend: On = None,
    rolling: Roll = False,
    as_json: Json = False,
) -> None:
    """Run a set on the checkpoints, or on a share of them; only what was never computed is computed."""
    from e2lm_core.runs.messages import run_status as run_words
    from e2lm_core.runs.shards import split
    from e2lm_core.runs.store import shipped_defaults, shipped_results

    share = split.parse_shard(shard) if shard else split.Shard()
    piped = goes_to_stdout(out, as_json)
    studio = studio_on(backend)
    question_set = open_task(studio.settings, task)
    # A rolling run includes checkpoints that are in the catalogue but not downloaded.
    fleet = (
        studio.catalogue.match_globs(checkpoints or ())
        if rolling
        else chosen_checkpoints(studio, checkpoints)
    )
    chosen = split.select_shard(fleet, share)
    if fleet and not chosen:
        raise StudioError(f"No checkpoint is left for share {share} of {len(fleet)}: use fewer shares.")
    result = run_evaluation(studio, question_set, chosen, num_fewshot, rolling, anew)
    if result.rolled:
        chosen = tuple(c for c in chosen if c.name not in result.rolled.missing)
    chosen = tuple(c for c in chosen if c.name not in result.left_out)
    for note in (*result.left_out.values(), *studio.backend.notes()):
        typer.echo(note, err=True)
    document = evaluation(studio, question_set, chosen, num_fewshot, result, questions)
    if result.rolled:
        document["rolling"] = result.rolled.model_dump()
    found = (
        shipped_results.load_shipped()
        if shipped_defaults.shows_shipped_results(studio, question_set, chosen, num_fewshot)
        else None
    )
    document["shipped"] = found.made.model_dump() if found else None
    if shard or out:
        document["shard"] = share.model_dump()
        document["file"] = _written(studio, question_set, fleet, chosen, share, num_fewshot, out)
        if piped:
            return
    print_table(as_json, document, _rows(document))
    if shard or out:
        typer.echo(f"Results of {len(chosen)} of {len(fleet)} checkpoints: {document['file']}", err=as_json)
    if not as_json:
        if document["taught"] and document["taught"]["sentence"]:
            typer.echo(document["taught"]["sentence"])
        typer.echo(f"{result.computed} computed, {result.reused} reused, {result.seconds:.1f} s")
        if result.rolled:
            typer.echo(
                f"{formatting.count(result.rolled.fetched, 'checkpoint')} fetched and let go again, "
                f"{formatting.size(result.rolled.fetched_bytes)}"
            )
        if found:
            typer.echo(f"{run_words.shipped_note(found.made)} --anew computes it here.")
    if tokens := run_words.savings_sentence(result.tokens, result.harness_tokens):
        typer.echo(tokens, err=as_json)
    if result.rolled and result.rolled.sentence:
        raise StudioError(result.rolled.sentence)


def _written(
    studio: Studio,
    task: TaskSet,
    fleet: Sequence[Checkpoint],
    mine: Sequence[Checkpoint],
    share: Shard,
    num_fewshot: int | None,
    out: Path | None,
) -> str:
    """Write the results file of a share, complete or not at all; returns its path."""
    from e2lm_core.base import atomic
    from e2lm_core.runs.shards import files

    data = b"".join(files.shard_lines(studio, task, fleet, mine, share, num_fewshot))
    path = out or Path(f"{task.name}.{share.number}-of-{share.of}.jsonl")
    if str(path) == "-":
        to_stdout(data)
    else:
        atomic.replace_file(path, data)
    return str(path)


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
    idle_exit: IdleExit = None,
    once: Once = False,
    lease: Lease = None,
    parent: Parent = None,
    backend: On = None,
) -> None:
    """Compute queued runs, alone or with others; the app starts one by itself."""
    from e2lm_core.deploy import logs
    from e2lm_core.runs.worker import LEASE_S, lower_priority, run_worker

    logs.configure_logging()
    if parent is not None:
        lower_priority()
    run_worker(studio_on(backend), once, idle_exit, LEASE_S if lease is None else lease, parent)
