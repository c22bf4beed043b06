"""`compare`, `versions` and `plan` on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import Checkpoints, Fewshot, Json, show

if TYPE_CHECKING:
    pass


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A set; differences are B minus A.")],
    second: Annotated[
        str | None,
        typer.Argument(metavar="[B]", help="Another set; left out, A as it was against A as it is."),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            "--version", metavar="N", help="A as it was at that step, see `versions` (the last before)."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", help="Which metrics; may be repeated (default: all).")
    ] = None,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """Compare two sets, or two versions of one, paired on the questions that both have."""
    from e2lm_core.analysis.compare import comparison
    from e2lm_core.analysis.compare import words as comparison_words
    from e2lm_core.base import phrasing
    from e2lm_core.runs import measure
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets import collection

    studio = open_studio()
    chosen = studio.catalogue.match(checkpoints) if checkpoints else studio.at_hand
    new = collection.open_set(studio.settings, second or first)
    old, name = _older(studio.settings, first, second, version)
    names = (name, f"{first} now" if second is None else second)
    measured = [measure.measure(studio, task, chosen, num_fewshot) for task in (old, new)]
    for own, label in zip(measured, names, strict=True):
        if not own.measured or not own.complete_checkpoints:
            raise StudioError(f"{label} has no results on these checkpoints: run `evaluate` on both first.")
    matched = comparison.match(old, new, versions=second is None)
    found = [
        comparison.compare(names, measured[0], measured[1], matched, m) for m in _known(metric or METRICS)
    ]
    document = comparison_words.document(found, old, new)
    rows = [
        {
            "metric": name,
            "score": score,
            "first": phrasing.score(own["first"]),
            "second": phrasing.score(own["second"]),
            "difference": phrasing.with_interval(own["difference"]),
        }
        for name, of in document["metrics"].items()
        for score, own in of["scores"].items()
    ]
    show(as_json, document, rows)
    if not as_json:
        for name, of in document["metrics"].items():
            typer.echo(f"{name}: {of['finding']}")


def _older(settings: Settings, first: str, second: str | None, version: int | None) -> tuple[TaskSet, str]:
    """The first side and its name: another set, or a version of this one."""
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


def _known(metrics: list[str] | tuple[str, ...]) -> list[str]:
    for metric in metrics:
        if metric not in METRICS:
            raise StudioError(f"The metric {metric!r} does not exist: use one of {', '.join(METRICS)}.")
    return list(dict.fromkeys(metrics))
