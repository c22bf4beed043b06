"""`python -m e2lm_core`: every service without a browser.

Human tables by default; with `--json`, JSON alone on stdout and progress on stderr. Exit 0, or 2 with one
sentence on bad input. Heavy libraries are imported by the commands that need them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.commands import checkpoints as checkpoint_commands
from e2lm_core.commands import compare as comparison_commands
from e2lm_core.commands import export as export_commands
from e2lm_core.commands import ranks as rank_commands
from e2lm_core.commands import results as result_commands
from e2lm_core.commands.arguments import Checkpoints, Fewshot, Task
from e2lm_core.commands.output import Json, cell, progress_bar, show
from e2lm_core.commands.questions import choose, questions

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="E2LM Task Studio: question sets that tell young language models apart.",
)
app.add_typer(checkpoint_commands.app, name="hub")
app.command()(questions)
app.command()(choose)
app.command()(export_commands.report)
app.command("import-results")(result_commands.import_results)
app.add_typer(result_commands.app, name="results")
app.command()(rank_commands.ranks)
app.command()(rank_commands.parting)
comparison_commands.register(app)


@app.command()
def tasks(as_json: Json = False) -> None:
    """List the question sets: your own, then the examples."""
    from e2lm_core.sets.authoring import list_sets
    from e2lm_core.sets.folder.files import read_task

    settings = Settings.from_env()
    rows = []
    for info in list_sets(settings):
        row: dict[str, Any] = {"name": info.name, "path": str(info.folder), "example": info.example}
        try:
            if info.problem:
                raise StudioError(info.problem)
            task = read_task(info.folder, settings.limits).task
            row |= {"questions": len(task.questions), "dev": len(task.dev), "problem": None}
        except StudioError as error:
            row |= {"questions": None, "dev": None, "problem": str(error)}
        rows.append(row)
    show(as_json, {"tasks": rows}, rows, ("name", "questions", "dev", "example", "problem"))


@app.command()
def checkpoints(
    unpack: Annotated[
        bool, typer.Option("--unpack", help="Unpack the embedded ladder into the cache first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the checkpoints there are; --unpack makes each a folder that transformers and lm-eval load."""
    from e2lm_core.checkpoints.catalogue import open_catalogue
    from e2lm_core.checkpoints.unpacking import ensure_directory, unpacked_directory

    settings = Settings.from_env()
    catalogue = open_catalogue(settings)
    for problem in catalogue.problems:
        typer.echo(problem, err=True)
    rows = []
    with progress_bar("unpacking", len(catalogue.checkpoints), hidden=not unpack) as advance:
        for checkpoint in catalogue.checkpoints:
            path = (
                ensure_directory(checkpoint, settings)
                if unpack and not checkpoint.repo
                else unpacked_directory(checkpoint, settings)
            )
            rows.append(
                {
                    "model": checkpoint.model.name,
                    "name": checkpoint.name,
                    "path": str(path) if path else None,
                    "step": checkpoint.step,
                    "tokens_seen": checkpoint.tokens_seen,
                    "early": checkpoint.early,
                }
            )
            advance(checkpoint.name)
    show(as_json, {"checkpoints": rows}, rows, ("name", "step", "tokens_seen", "early", "path"))


@app.command()
def evaluate(
    task: Task,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    questions: Annotated[
        bool, typer.Option("--questions", help="Add every choice's log-likelihood (nats) to the JSON.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a set on the checkpoints; only what was never computed is computed."""
    from e2lm_core.commands.runs import evaluation
    from e2lm_core.runs import evaluate as run_evaluate
    from e2lm_core.runs import words as run_words
    from e2lm_core.runs.queue.records import Progress
    from e2lm_core.runs.studio import open_studio

    studio = open_studio()
    question_set = _open(studio.settings, task)
    chosen = studio.catalogue.match(checkpoints) if checkpoints else studio.at_hand
    with progress_bar(question_set.name, len(chosen) * len(question_set.questions)) as advance:
        done: dict[str, int] = {}

        def report(row: Progress) -> None:
            advance(row.name, row.done - done.get(row.name, 0))
            done[row.name] = row.done

        result = run_evaluate.evaluate(studio, question_set, chosen, num_fewshot, report)
    for note in studio.backend.notes():
        typer.echo(note, err=True)
    document = evaluation(studio, question_set, chosen, num_fewshot, result, questions)
    rows = [
        {
            "model": model,
            "points": len(curve["steps"]),
            "last acc": curve["acc"][-1],
            "SQ(acc)": document["sq"][model]["acc"]["sq"],
            "SQ(norm_prob)": document["sq"][model]["norm_prob"]["sq"],
        }
        for model, curve in document["curves"].items()
    ]
    show(as_json, document, rows)
    tokens = run_words.saved(result.tokens, result.harness_tokens)
    if not as_json:
        typer.echo(f"{result.computed} computed, {result.reused} reused, {result.seconds:.1f} s")
    if tokens:
        typer.echo(tokens, err=as_json)


@app.command()
def sq(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.json", help="Published curves: data, iteration, gtokens.")
    ],
    as_json: Json = False,
) -> None:
    """Signal quality of published curves, over the competition's points."""
    from e2lm_core.imported.formats.published import sq_of_file

    models = {
        model: {benchmark: _quality(quality) for benchmark, quality in benchmarks.items()}
        for model, benchmarks in sq_of_file(file).items()
    }
    rows = [
        {"model": model, "benchmark": benchmark, **quality}
        for model, benchmarks in models.items()
        for benchmark, quality in benchmarks.items()
    ]
    show(as_json, {"models": models}, rows)


@app.command()
def score(
    task: Task,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    advice: Annotated[bool, typer.Option("--advice", help="Add what would raise each score most.")] = False,
    as_json: Json = False,
) -> None:
    """SQ, RC, CS and Score of a set from the results there are; run `evaluate` first."""
    from e2lm_core.analysis import documents
    from e2lm_core.base import phrasing
    from e2lm_core.runs import measure
    from e2lm_core.runs.studio import open_studio

    studio = open_studio()
    question_set = _open(studio.settings, task)
    chosen = studio.catalogue.match(checkpoints) if checkpoints else studio.at_hand
    measured = measure.measure(studio, question_set, chosen, num_fewshot)
    if not measured.complete_checkpoints:
        raise StudioError(f"{question_set.name} has no results yet: run `evaluate {task}` first.")
    document = documents.scoring(measured, advice)
    rows = [
        {
            "metric": metric,
            "sq": phrasing.with_interval(found["sq"]["overall"]),
            **{part: phrasing.with_interval(found[part]) for part in documents.SCORE_PARTS},
        }
        for metric, found in document["metrics"].items()
    ]
    show(as_json, document, rows)
    if advice and not as_json:
        for metric, found in document["metrics"].items():
            typer.echo("\n".join([f"\n{metric}:", *(f"  {s}" for s in found["advice"]["sentences"])]))


@app.command()
def relevance(
    task: Annotated[
        str, typer.Argument(metavar="TASK_OR_JSONL", help="A set, its folder, or a JSONL file of questions.")
    ],
    as_json: Json = False,
) -> None:
    """How probably the competition's rubric would accept each question as science."""
    from e2lm_core.relevance.judge import assess, read_questions

    settings = Settings.from_env()
    questions = read_questions(settings, task)
    document = assess(settings, questions)
    show(as_json, document, document["questions"])
    if not as_json:
        typer.echo(f"accepted: {cell(document['accepted_share'])} of {len(questions)}")


@app.command()
def export(
    task: Task,
    out: Annotated[Path, typer.Option("--out", metavar="X.zip", help="Where the bundle is written.")],
    profile: Annotated[str, typer.Option("--profile", help="plain or competition.")] = "plain",
    as_json: Json = False,
) -> None:
    """Write the set as a bundle that lm-evaluation-harness runs unchanged."""
    from e2lm_core.export.submission import export as export_set
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.folder.bundle import write

    studio = open_studio()
    data = export_set(studio, _open(studio.settings, task), _profile(profile))
    write(data, out)
    row = {"path": str(out), "bytes": len(data)}
    show(as_json, row, [row])


@app.command()
def check(
    task: Task,
    profile: Annotated[str, typer.Option("--profile", help="plain or competition.")] = "plain",
    as_json: Json = False,
) -> None:
    """What stands in the way of an export (errors), and what else is worth a look (warnings)."""
    from e2lm_core.export.submission import findings
    from e2lm_core.runs.studio import open_studio

    studio = open_studio()
    found = findings(studio, _open(studio.settings, task), _profile(profile))
    rows = [finding.model_dump() for finding in found]
    document = {
        name: [
            {k: v for k, v in row.items() if k != "severity"} for row in rows if row["severity"] == severity
        ]
        for name, severity in (("errors", "error"), ("warnings", "warning"))
    }
    show(as_json, document, rows, ("severity", "sentence"))


@app.command()
def worker(
    idle_exit: Annotated[
        float | None, typer.Option("--idle-exit", metavar="SECONDS", help="Stop after so long without work.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when the queue is empty.")] = False,
    lease: Annotated[
        float | None,
        typer.Option(
            "--lease", metavar="SECONDS", help="How soon another worker takes a run over after a kill (10)."
        ),
    ] = None,
    parent: Annotated[
        int | None,
        typer.Option(
            "--parent",
            metavar="PID",
            min=1,
            help="Give way to this process; stop once it has ended and its runs are done.",
        ),
    ] = None,
) -> None:
    """Compute queued runs, alone or with others; the app starts one by itself."""
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.runs.worker import LEASE_S, give_way, work

    if parent is not None:
        give_way()
    work(open_studio(), once, idle_exit, LEASE_S if lease is None else lease, parent)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; never a traceback for bad input."""
    command = typer.main.get_command(app)
    try:
        code = command.main(
            args=list(arguments) if arguments is not None else None,
            prog_name="python -m e2lm_core",
            standalone_mode=False,
        )
    except StudioError as error:
        _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _fail(
            f"{error.filename or 'A file'} cannot be used ({error.strerror or error}): check its path and rights."
        )
    except Exception as error:
        # Usage errors of the argument parser, whichever copy of click typer was built with.
        if not hasattr(error, "format_message"):
            raise
        text = error.format_message().rstrip() or "No command is given: see --help."
        _fail(text if text.endswith((".", "?")) else f"{text}.")
    sys.exit(code if isinstance(code, int) else 0)


# --- within -------------------------------------------------------------------------------------------


def _open(settings: Settings, task: str):
    from e2lm_core.sets.authoring import find_set
    from e2lm_core.sets.folder.files import read_task

    read = read_task(find_set(settings, task).folder, settings.limits)
    for warning in read.warnings:
        typer.echo(warning, err=True)
    return read.task


def _profile(name: str):
    if name not in ("plain", "competition"):
        raise StudioError(f"The profile {name!r} does not exist: use plain or competition.")
    return name


def _quality(quality) -> dict[str, Any]:
    return {name: getattr(quality, name) for name in ("rho", "autocorrelation", "sq", "points")}


def _fail(sentence: str) -> None:
    typer.echo(" ".join(sentence.split()), err=True)
    sys.exit(2)
