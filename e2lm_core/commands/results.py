"""Commands `import-results` and `results`.

Tested in tests/imported/test_read_results.py, tests/imported/test_saved_imports.py and tests/export/results/test_harness.py.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Exit, Option, Typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import count, quote
from e2lm_core.base.records import RC_READINGS
from e2lm_core.base.settings import Settings, expand_home
from e2lm_core.commands.opening import open_fleet, open_studio, open_task, require_reading
from e2lm_core.commands.options import Checkpoints, Fewshot, FleetName, Json, Rc, Task, Zip
from e2lm_core.commands.output import goes_to_stdout, print_table, require_file, to_stdout, warn
from e2lm_core.commands.progress import busy_indicator, bytes_bar

if TYPE_CHECKING:
    from e2lm_core.imported.records import Imported

app = Typer(
    no_args_is_help=True,
    help="Results from elsewhere: those that are kept, and other machines' taken into the store.",
)
MAX_SHOWN = 200  # curves in a table
Name = Annotated[str, Argument(metavar="NAME", help="The name under which they were kept.")]
Scores = Annotated[
    bool, Option("--scores", help="Add every score with its interval, for tasks with samples.")
]


def import_results(
    path: Annotated[
        Path, Argument(metavar="PATH", help="A folder, a zip or a file of results or of curves.")
    ],
    keep: Annotated[str | None, Option("--keep", metavar="NAME", help="Keep them under this name.")] = None,
    models: Annotated[
        list[str] | None,
        Option("--model", metavar="GLOB", help="Keep these models alone; may be repeated, as the next two."),
    ] = None,
    tasks: Annotated[
        list[str] | None, Option("--task", metavar="GLOB", help="Keep these tasks alone.")
    ] = None,
    metrics: Annotated[
        list[str] | None, Option("--metric", metavar="GLOB", help="Keep these metrics alone.")
    ] = None,
    scores: Scores = False,
    rc: Rc = RC_READINGS[0],
    as_json: Json = False,
) -> None:
    """Read results from elsewhere: of lm-eval, lighteval, OLMES, Inspect, every_eval_ever, published curves and tables."""
    from e2lm_core.base.untrusted import sandbox

    require_reading(rc)
    # So that it loads while this process imports.
    sandbox.start_early("e2lm_core.imported.read_results", "pyarrow.parquet", "pyarrow.compute")
    from e2lm_core.checkpoints.catalogue import open_catalogue
    from e2lm_core.imported import read_results, saved_imports
    from e2lm_core.imported.records import ImportFilter
    from e2lm_core.people import access

    settings = Settings.from_env()
    access.require_path(settings, Path(os.path.realpath(expand_home(path))))
    catalogue = open_catalogue(settings)
    wanted = ImportFilter(models=tuple(models or ()), tasks=tuple(tasks or ()), metrics=tuple(metrics or ()))
    with bytes_bar(f"Reading {path.name or path}") as report:
        imported = read_results.import_path(path, settings.limits, catalogue.checkpoints, wanted, report)
    if keep is not None:
        saved_imports.save_import(settings, keep, imported)
    _show(imported, scores, rc, as_json)


@app.command("list")
def list_kept(as_json: Json = False) -> None:
    """List what is kept, newest first, and what can be restored."""
    from e2lm_core.imported import saved_imports

    settings = Settings.from_env()
    rows = [kept.model_dump() for kept in saved_imports.list_saved(settings)]
    document: dict[str, Any] = {"kept": rows, "removed": saved_imports.removed_imports(settings)}
    shown = [{**row, "models": ", ".join(row["models"]), "tasks": ", ".join(row["tasks"])} for row in rows]
    print_table(as_json, document, shown, ("name", "when", "models", "tasks", "curves", "problem"))


@app.command("show")
def show_kept(name: Name, scores: Scores = False, rc: Rc = RC_READINGS[0], as_json: Json = False) -> None:
    """Show kept results as `import-results` does."""
    from e2lm_core.imported import saved_imports

    require_reading(rc)
    _show(saved_imports.open_saved(Settings.from_env(), name), scores, rc, as_json)


@app.command("remove")
def remove(name: Name, as_json: Json = False) -> None:
    """Remove kept results; `results restore` brings them back."""
    from e2lm_core.imported import saved_imports

    saved_imports.remove_import(Settings.from_env(), name)
    print_table(as_json, {"removed": name}, [{"removed": name}])


@app.command("restore")
def restore(name: Name, as_json: Json = False) -> None:
    """Bring removed results back."""
    from e2lm_core.imported import saved_imports

    saved_imports.restore_import(Settings.from_env(), name)
    print_table(as_json, {"restored": name}, [{"restored": name}])


@app.command("merge")
def merge(
    paths: Annotated[
        list[Path], Argument(metavar="FILE", help="Results files that `evaluate --shard` wrote.")
    ],
    dry: Annotated[bool, Option("--dry-run", help="Dry run: show what would be merged.")] = False,
    as_json: Json = False,
) -> None:
    """Take other machines' results into the store; status 1 where they contradict it."""
    from e2lm_core.runs.shards import files, merging

    studio = open_studio()
    heads, rows = [], []
    with busy_indicator("Merging"):
        read = [(path, *files.read_shard(path)) for path in paths]  # all are checked before any is merged
        for path, head, parts in read:
            heads.append(head)
            for one in merging.merge_shards(studio, parts, dry):
                rows.append({"file": str(path), "shard": str(head.shard), **one.model_dump()})
                warn(one.sentence)
    lacking = merging.missing_shards(heads)
    groups = [] if dry else merging.remember_fleets(studio, [(head, parts) for _, head, parts in read])
    warn(*lacking, *groups)
    document = {"taken": not dry, "checkpoints": rows, "lacking": lacking, "groups": groups}
    print_table(as_json, document, rows)
    if any(row["conflict"] for row in rows):
        raise Exit(1)


@app.command("export")
def export(
    task: Task,
    out: Zip,
    form: Annotated[
        str, Option("--as", metavar="FORM", help="lm-eval, with samples, or every-eval-ever, with samples.")
    ] = "lm-eval",
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """Write a set's own results as other tools read them: lm-eval's files with samples, or every_eval_ever's records."""
    import time

    from e2lm_core.export.results import every_eval, harness, outgoing
    from e2lm_core.sets.folder import bundle

    forms = {"lm-eval": harness.files, "every-eval-ever": every_eval.files}
    if form not in forms:
        raise StudioError(f"Results are not exported as {quote(form)}: use {' or '.join(forms)}.")
    piped = goes_to_stdout(out, as_json)
    require_file(out)
    studio = open_studio()
    question_set = open_task(studio.settings, task)
    of = open_fleet(studio, task, checkpoints, fleet, num_fewshot)
    with busy_indicator(f"Exporting the results of {question_set.name}"):
        gathered = outgoing.collect_results(studio, question_set, of)
        files = forms[form](gathered, time.time())
        data = bundle.zip_files(files)
    warn(gathered.sentence)
    if piped:
        to_stdout(data)
        return
    bundle.write(data, out)
    row = {"path": str(out), "bytes": len(data), "checkpoints": len(gathered.results), "files": len(files)}
    print_table(as_json, row | {"lacking": list(gathered.lacking)}, [row], fleet=of)


def _show(imported: Imported, scores: bool, rc: str, as_json: bool) -> None:
    from e2lm_core.imported import documents
    from e2lm_core.imported.join import curve_labels

    curves = imported.curves if as_json else imported.curves[:MAX_SHOWN]
    with busy_indicator("Computing signal quality"):
        document = documents.document(replace(imported, curves=curves), scores, rc)
    rows = [
        {
            "model": label,
            "task": curve["task"],
            "metric": curve["metric"],
            "shots": curve["num_fewshot"],
            "points": len(curve["steps"]),
            "first step": curve["steps"][0],
            "last step": curve["steps"][-1],
            "last score": curve["scores"][-1],
            "SQ": curve["quality"]["sq"],
        }
        for label, curve in zip(curve_labels(curves), document["curves"], strict=True)
    ]
    print_table(as_json, document, rows)
    if more := len(imported.curves) - len(curves):
        warn(f"{count(more, 'more curve')} not shown: --json has all, --model, --task and --metric choose.")
    if not as_json:
        warn(*document["problems"])
