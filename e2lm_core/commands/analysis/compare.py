"""Command `compare`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS, RC_READINGS, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import (
    Checkpoints,
    Fewshot,
    Json,
    Rc,
    chosen_checkpoints,
    print_table,
    require_metrics,
    require_reading,
)

First = Annotated[str, typer.Argument(metavar="A", help="A set; differences are B minus A.")]
Second = Annotated[
    str | None,
    typer.Argument(metavar="[B]", help="Another set; left out, A as it was against A as it is."),
]
Version = Annotated[
    int | None,
    typer.Option(
        "--version", metavar="N", help="A as it was at that step, see `versions` (the last before)."
    ),
]
Metrics = Annotated[
    list[str] | None, typer.Option("--metric", help="Which metrics; may be repeated (default: all).")
]


def compare(
    first: First,
    second: Second = None,
    version: Version = None,
    metric: Metrics = None,
    rc: Rc = RC_READINGS[0],
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """Compare two sets, or two versions of one, paired on the questions that both have."""
    from e2lm_core.analysis import validity
    from e2lm_core.analysis.compare import comparison
    from e2lm_core.analysis.compare import messages as comparison_words
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.collection import open_set

    studio = open_studio()
    chosen = chosen_checkpoints(studio, checkpoints)
    new = open_set(studio.settings, second or first)
    old, name = _older(studio.settings, first, second, version)
    names = (name, f"{first} now" if second is None else second)
    measured = [load_measurements(studio, task, chosen, num_fewshot) for task in (old, new)]
    for measurements, label in zip(measured, names, strict=True):
        if not measurements.complete_checkpoints:
            raise StudioError(f"{label} has no results on these checkpoints: run `evaluate` on both first.")
    matched = comparison.match_questions(old, new, versions=second is None)
    metrics = list(dict.fromkeys(metric or METRICS))
    require_metrics(metrics)
    require_reading(rc)
    compared = [comparison.compare(names, measured[0], measured[1], matched, m, reading=rc) for m in metrics]
    told = dict(zip(("first", "second"), map(validity.known_facts_summary, measured), strict=True))
    document = comparison_words.comparison_document(compared, old, new) | {"taught": told}
    print_table(as_json, document, _rows(document))
    if not as_json:
        for label, of_side in zip(names, told.values(), strict=True):
            if of_side and of_side["sentence"]:
                typer.echo(f"{label}: {of_side['sentence']}")
        for name, of_metric in document["metrics"].items():
            typer.echo(f"{name}: {of_metric['finding']}")


def _rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per metric and score: both sides and their difference."""
    from e2lm_core.base import formatting

    return [
        {
            "metric": metric,
            "score": score,
            "first": formatting.score(sides["first"]),
            "second": formatting.score(sides["second"]),
            "difference": formatting.with_interval(sides["difference"]),
        }
        for metric, of_metric in document["metrics"].items()
        for score, sides in of_metric["scores"].items()
    ]


def _older(settings: Settings, first: str, second: str | None, version: int | None) -> tuple[TaskSet, str]:
    """First side of the comparison and its name: another set, or a version of this one."""
    from e2lm_core.sets import collection, versions

    if second is not None and version is None:
        return collection.open_set(settings, first), first
    if version is None:
        kept = versions.list_versions(settings, first)
        at = next((i for i, v in enumerate(kept) if v.shown), 0)
        if at < 1:
            raise StudioError(f"{first} has no earlier version: name another set to compare it with.")
        version = kept[at - 1].number
    return versions.open_version(settings, first, version), f"{first}, version {version}"
