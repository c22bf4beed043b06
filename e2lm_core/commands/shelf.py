"""Commands `shelf`: public learning curves of known benchmarks.

Tested in tests/commands/test_shelf.py.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Any

from typer import Argument, Option, Typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import RC_READINGS
from e2lm_core.commands.opening import require_reading
from e2lm_core.commands.options import Json, Rc
from e2lm_core.commands.output import estimate, print_table
from e2lm_core.commands.progress import busy_indicator

app = Typer(no_args_is_help=True, help="Public learning curves of known benchmarks, to lay beside one's own.")
OfSource = Annotated[str | None, Option("--source", metavar="KEY", help="One source alone: e2lm or pythia.")]
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
    rc: Rc = RC_READINGS[0],
    as_json: Json = False,
) -> None:
    """Table of all benchmarks: questions, SQ, tokens to leave chance, sizes told apart."""
    from e2lm_core.imported.shelf import library, messages
    from e2lm_core.imported.shelf.overview import noise_quality, overview

    require_reading(rc)
    chosen = [
        one
        for one in library.benchmarks(source)
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
    rows = [messages.table_row(of) | {"SQ": estimate(of.sq.model_dump())} for of in found]
    columns = [name for name in messages.COLUMNS if name != "RC to 240 B" or any(of.rc for of in found)]
    if points is not None:
        rows = [row | {f"SQ at {points}": of.thinned} for row, of in zip(rows, found, strict=True)]
        columns.insert(columns.index("SQ of noise"), f"SQ at {points}")
    document = {
        "sources": [one.model_dump() for one in library.sources()],
        "noise": None if points is None else {"points": points, "sq": noise_quality(points)},
        "benchmarks": [of.model_dump() for of in found],
    }
    print_table(as_json, document, rows, columns, notes=messages.table_notes(found, points, rc))


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

    found = library.find_benchmarks(name, source, num_fewshot, metric)
    documents = [
        {"source": one.source.key, **curve_document(curve)}
        for one in found
        for curve in library.open_curves(one, metric)
    ]
    shown = [row for one in documents for row in (_point_rows(one) if every_point else [_curve_row(one)])]
    keys = {one.source.key for one in found}
    document = {
        "sources": [one.model_dump() for one in library.sources() if one.key in keys],
        "curves": documents,
    }
    print_table(as_json, document, shown, notes=messages.source_notes(keys))


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
