"""Commands `shelf`: public learning curves of known benchmarks.

Tested in tests/commands/test_shelf.py.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option, Typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import RC_READINGS
from e2lm_core.base.settings import Settings, expand_home
from e2lm_core.commands.opening import require_reading
from e2lm_core.commands.options import Json, Rc
from e2lm_core.commands.output import estimate, print_table, prints_data, warn
from e2lm_core.commands.progress import busy_indicator, bytes_bar

app = Typer(no_args_is_help=True, help="Public learning curves of known benchmarks, to lay beside one's own.")
OfSource = Annotated[
    str | None,
    Option("--source", metavar="KEY", help="One source alone: e2lm, pythia or one that was added."),
]
Shots = Annotated[
    int | None, Option("--num-fewshot", metavar="K", help="Those run with so many few-shot examples alone.")
]


@app.command("list")
def list_benchmarks(
    source: OfSource = None,
    benchmark: Annotated[
        str, Option("--benchmark", metavar="GLOB", help="Benchmarks of such a name alone.")
    ] = "*",
    num_fewshot: Shots = None,
    metric: Annotated[
        str | None, Option("--metric", metavar="NAME", help="A metric (default: the source's first).")
    ] = None,
    points: Annotated[
        int | None,
        Option(
            "--points",
            metavar="N",
            min=8,
            help="Add SQ of the curves thinned to N points, as many as yours has.",
        ),
    ] = None,
    order: Annotated[
        bool,
        Option("--order", help="Show decision accuracy, SNR and slope in place of the onsets; CSV has both."),
    ] = False,
    rc: Rc = RC_READINGS[0],
    as_json: Json = False,
) -> None:
    """Table of all benchmarks: questions, SQ, tokens to leave chance, sizes told apart, decision accuracy, SNR, slope."""
    from e2lm_core.imported.shelf import library, messages
    from e2lm_core.imported.shelf.added import added_files
    from e2lm_core.imported.shelf.overview import noise_quality, overview

    require_reading(rc)
    settings = Settings.from_env()
    warn(*added_files(settings)[1])
    chosen = [
        one
        for one in library.benchmarks(source, settings)
        if fnmatchcase(one.benchmark.name, benchmark)
        and num_fewshot in (None, one.benchmark.num_fewshot)
        and (metric is None or metric in one.benchmark.metrics)
    ]
    if not chosen:
        raise StudioError(
            f"No benchmark matches {quote(benchmark)} and the other options: `shelf list` without them shows all."
        )
    with busy_indicator("Computing signal quality"):
        found = [overview(one, metric, points, rc) for one in chosen]
    rows = [
        messages.table_row(of)
        | {name: estimate(value.model_dump()) for name, value in messages.values_of(of).items()}
        | {"slope": estimate(of.slope.model_dump())._replace(text=messages.slope_cell(of.slope))}
        for of in found
    ]
    shown = None if prints_data() else order
    columns = [
        *messages.COLUMNS,
        *(messages.ONSET_COLUMNS if shown is not True else ()),
        *(messages.ORDER_COLUMNS if shown is not False else ()),
    ]
    if not any(of.rc for of in found) and "RC to 240 B" in columns:
        columns.remove("RC to 240 B")
    if points is not None:
        rows = [row | {f"SQ at {points}": of.thinned} for row, of in zip(rows, found, strict=True)]
        columns.insert(columns.index("SQ of noise"), f"SQ at {points}")
    document = {
        "sources": [one.model_dump() for one in library.sources(settings)],
        "noise": None if points is None else {"points": points, "sq": noise_quality(points)},
        "benchmarks": [of.model_dump() for of in found],
    }
    print_table(
        as_json, document, rows, columns, notes=messages.table_notes(found, points, rc, shown, settings)
    )


@app.command("decisions")
def list_decisions(
    source: OfSource = None,
    benchmark: Annotated[
        str, Option("--benchmark", metavar="GLOB", help="Benchmarks of such a name alone.")
    ] = "*",
    num_fewshot: Shots = None,
    as_json: Json = False,
) -> None:
    """Tokens from which on who is ahead at the end is stated with 80 or 90%, for each benchmark that is no letters."""
    from e2lm_core.imported.shelf import decisions, library, messages

    chosen = [
        stops
        for one in library.benchmarks(source)
        if fnmatchcase(one.benchmark.name, benchmark) and num_fewshot in (None, one.benchmark.num_fewshot)
        for metric in one.benchmark.metrics
        if metric in decisions.METRICS and not one.benchmark.name.startswith(library.SUBJECT)
        if (stops := decisions.benchmark_stops(decisions.decided(one, metric)))
    ]
    if not chosen:
        raise StudioError(
            f"No decision is known of a benchmark that matches {quote(benchmark)} and the other options: "
            "`shelf decisions` without them shows all."
        )
    keys = {of.source for of in chosen}
    document = {
        "sources": [one.model_dump() for one in library.sources() if one.key in keys],
        "benchmarks": [of.model_dump() for of in chosen],
    }
    print_table(
        as_json, document, [messages.stops_row(of) for of in chosen], notes=messages.stops_notes(chosen)
    )


@app.command("show")
def show_benchmark(
    name: Annotated[
        str, Argument(metavar="BENCHMARK", help="The name of a benchmark, as `shelf list` has it.")
    ],
    source: OfSource = None,
    num_fewshot: Shots = None,
    metric: Annotated[
        str | None, Option("--metric", metavar="NAME", help="A metric (default: all of them).")
    ] = None,
    every_point: Annotated[
        bool, Option("--every-point", help="A row per point instead of one per curve.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Curves of one benchmark: each model with its last score, standard error and SQ."""
    from e2lm_core.imported.documents import curve_document
    from e2lm_core.imported.shelf import library, messages

    settings = Settings.from_env()
    found = library.find_benchmarks(name, source, num_fewshot, metric, settings)
    documents = [
        {"source": one.source.key, **curve_document(curve)}
        for one in found
        for curve in library.open_curves(one, metric)
    ]
    shown = [row for one in documents for row in (_point_rows(one) if every_point else [_curve_row(one)])]
    keys = {one.source.key for one in found}
    document = {
        "sources": [one.model_dump() for one in library.sources(settings) if one.key in keys],
        "curves": documents,
    }
    print_table(as_json, document, shown, notes=messages.source_notes(keys, settings))


@app.command("add")
def add(
    table: Annotated[
        Path,
        Argument(
            metavar="TABLE",
            help="CSV, TSV, Parquet, JSON or JSONL with model, benchmark, metric, value, and tokens or step; or DataDecide's.",
        ),
    ],
    name: Annotated[
        str | None, Option("--name", metavar="NAME", help="Name of the source (default: the file's).")
    ] = None,
    repo: Annotated[
        str | None,
        Option("--from-hub", metavar="OWNER/NAME", help="TABLE is a file of this data set on the hub."),
    ] = None,
    revision: Annotated[
        str, Option("--revision", metavar="NAME", help="With --from-hub: a branch, tag or commit.")
    ] = "main",
    metrics: Annotated[
        list[str] | None,
        Option("--metric", metavar="GLOB", help="These metrics alone; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a table of scores to the shelf, of up to five million rows; a row a score."""
    from e2lm_core.base.untrusted import sandbox

    # So that it loads while this process imports.
    from e2lm_core.imported.shelf import added

    sandbox.start_early(*added.PARSERS)
    from e2lm_core.checkpoints.catalogue import open_catalogue
    from e2lm_core.people import access

    settings = Settings.from_env()
    checkpoints, key, wanted = (
        open_catalogue(settings).checkpoints,
        name or table.stem,
        tuple(metrics or ()),
    )
    if repo is not None:
        with bytes_bar(f"Downloading {table.name}") as report:
            source = added.add_from_hub(
                settings, repo, table.as_posix(), key, checkpoints, wanted, revision, report
            )
    else:
        access.require_path(settings, Path(os.path.realpath(expand_home(table))))
        with bytes_bar(f"Reading {table.name or table}") as report:
            source = added.add_table(settings, expand_home(table), key, checkpoints, wanted, report)
    print_table(as_json, {"added": source.model_dump()}, [source.model_dump(exclude={"title"})])


@app.command("remove")
def remove(
    name: Annotated[str, Argument(metavar="NAME", help="The name of an added source.")],
    as_json: Json = False,
) -> None:
    """Remove an added table from the shelf; it can be added again from its file."""
    from e2lm_core.imported.shelf import added

    added.remove_added(Settings.from_env(), name)
    print_table(as_json, {"removed": name}, [{"removed": name}])


def _curve_row(curve: dict[str, Any]) -> dict[str, Any]:
    return {
        **_head(curve),
        "questions": curve["questions"],
        "points": len(curve["steps"]),
        "to tokens": curve["tokens_seen"][-1],
        "last score": curve["scores"][-1],
        "stderr": curve["stderr"] and curve["stderr"][-1],
        "SQ": curve["quality"]["sq"],
    }


def _point_rows(curve: dict[str, Any]) -> list[dict[str, Any]]:
    errors = curve["stderr"] or [None] * len(curve["steps"])
    points = zip(curve["steps"], curve["tokens_seen"], curve["scores"], errors, strict=True)
    return [
        {**_head(curve), "step": step, "tokens": tokens, "score": score, "stderr": error}
        for step, tokens, score, error in points
    ]


def _head(curve: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": curve["source"],
        "shots": curve["num_fewshot"],
        "metric": curve["metric"],
        "model": curve["model"],
    }
