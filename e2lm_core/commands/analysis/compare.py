"""Command `compare`."""

from __future__ import annotations

from typing import Annotated, Any

from typer import Argument, Option

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS, RC_READINGS, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.commands.opening import open_fleet, open_studio, require_metrics, require_reading
from e2lm_core.commands.options import Checkpoints, Fewshot, FleetName, Json, Rc
from e2lm_core.commands.output import estimate, print_table


def compare(
    first: Annotated[str, Argument(metavar="A", help="A set; differences are B minus A.")],
    second: Annotated[
        str | None, Argument(metavar="[B]", help="Another set; left out, A as it was against A as it is.")
    ] = None,
    version: Annotated[
        int | None,
        Option("--version", metavar="N", help="A as it was at that step, see `versions` (the last before)."),
    ] = None,
    metric: Annotated[
        list[str] | None, Option("--metric", help="Which metrics; may be repeated (default: all).")
    ] = None,
    rc: Rc = RC_READINGS[0],
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """Compare two sets, or two versions of one, paired on the questions that both have."""
    from e2lm_core.analysis import reasons, validity
    from e2lm_core.analysis.compare import comparison, messages
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.sets.collection import open_set

    studio = open_studio()
    of = open_fleet(studio, second or first, checkpoints, fleet, num_fewshot)
    new = open_set(studio.settings, second or first)
    old, name = _older(studio.settings, first, second, version)
    names = (name, f"{first} now" if second is None else second)
    measured = [load_measurements(studio, task, *of.run_arguments) for task in (old, new)]
    for measurements, label in zip(measured, names, strict=True):
        if not measurements.complete_checkpoints:
            raise StudioError(f"{label} has no results on these checkpoints: run `evaluate` on both first.")
    matched = comparison.match_questions(old, new, versions=second is None)
    metrics = list(dict.fromkeys(metric or METRICS))
    require_metrics(metrics)
    require_reading(rc)
    compared = [comparison.compare(names, measured[0], measured[1], matched, m, reading=rc) for m in metrics]
    told = dict(zip(("first", "second"), map(validity.known_facts_summary, measured), strict=True))
    document = messages.comparison_document(compared, old, new) | {"taught": told}
    if note := comparison.selection_note(names, *measured):
        document["chosen"] = note
    sides = zip(names, told.values(), strict=True)
    notes = [f"{label}: {side['sentence']}" for label, side in sides if side and side["sentence"]]
    undefined = [
        cell
        for metric, of_metric in document["metrics"].items()
        for cell in reasons.undefined_scores(
            metric, {name: sides["difference"] for name, sides in of_metric["scores"].items()}
        )
    ]
    notes = [*reasons.undefined_notes(undefined), *notes]
    notes += [f"{name}: {of_metric['finding']}" for name, of_metric in document["metrics"].items()]
    print_table(as_json, document, _rows(document), notes=notes, fleet=of)


def _rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per metric and score: both sides and their difference."""
    return [
        {
            "metric": metric,
            "score": score,
            "first": sides["first"],
            "second": sides["second"],
            "difference": estimate(sides["difference"]),
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
