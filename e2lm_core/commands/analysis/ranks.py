"""Commands `ranks` and `parting`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import RC_READINGS
from e2lm_core.base.sentences import Sentence, after_colon
from e2lm_core.commands.opening import open_measured, require_metrics, require_reading
from e2lm_core.commands.options import (
    Checkpoints,
    Fewshot,
    FleetName,
    Json,
    Metric,
    NoTrainingNoise,
    Rc,
    Task,
)
from e2lm_core.commands.output import Share, print_table

if TYPE_CHECKING:
    from e2lm_core.analysis.answers import Answers
    from e2lm_core.analysis.ranks.stability import RankStability
    from e2lm_core.base.records import Checkpoint
    from e2lm_core.scores.measurements import Measurements


def ranks(
    task: Task,
    metric: Metric = "acc",
    at: Annotated[
        int | None,
        Option("--at", metavar="STEP", help="Where wins are counted (default: the early window's end)."),
    ] = None,
    rc: Rc = RC_READINGS[0],
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """The models' order and how sure it is: ranks, wins, tau, decisions, and each question's part in it."""
    from e2lm_core.analysis import reasons, validity
    from e2lm_core.analysis.answers import Answers
    from e2lm_core.analysis.ranks import messages
    from e2lm_core.scores.ranking import readings

    require_metrics([metric])
    require_reading(rc)
    studio, question_set, measured, opened = open_measured(task, checkpoints, num_fewshot, fleet=fleet)
    answers = Answers(measured)
    scores, stable = answers.scores(metric, rc), answers.rank_stability(metric)
    if at is not None:
        _require_step(at, stable)
    document = answers.ranking_document(question_set, metric, rc, at)
    rows = []
    if stable is not None:
        known = [*studio.catalogue.checkpoints, *(c for curve in measured.curves for c in curve.checkpoints)]
        rows = _rows(document, answers, metric, known)
        document["above_the_next"] = {row["model"]: row[messages.AHEAD] for row in rows}
    values = {
        f"RC, {readings.LABELS[rc]}": document["rc"],
        "decision accuracy": document["decision_accuracy"],
    }
    notes = reasons.undefined_notes(reasons.undefined_scores("", values))
    notes += [
        f"{name}: {formatting.with_interval(value)}" + (f". {value['why']}" if value["why"] else "")
        for name, value in values.items()
        if value["value"] is not None
    ]
    if stable is not None and not validity.selection_note(measured):  # that stands below the table
        silent = validity.silence_reason(measured, scores)
        notes.append(
            Sentence("The ranks are as measured, and mean nothing: {why}", why=after_colon(silent))
            if silent
            else messages.headline(stable, scores)
        )
    print_table(
        as_json, document, rows, about=measured, empty="There is no order to show.", notes=notes, fleet=opened
    )


def _require_step(step: int, stable: RankStability | None) -> None:
    """Raise StudioError for a step at which not every model that counts has results."""
    steps: list[int] = [] if stable is None else stable.grid.steps.tolist()
    if step not in steps:
        has = f"these have: {', '.join(map(str, steps))}" if steps else "none has, so leave --at out"
        raise StudioError(f"Step {step} has no results of every model that counts; {has}.")


def _rows(
    document: dict[str, Any], answers: Answers, metric: str, known: Sequence[Checkpoint]
) -> list[dict[str, Any]]:
    """One row per model, the best first: its rank at the step of the wins, each rank's probability, the lead at the end."""
    from e2lm_core.analysis.decisions import outlook
    from e2lm_core.analysis.ranks.messages import AHEAD

    place = next(k for k in document["checkpoints"] if k["step"] == document["wins"]["step"])
    order = sorted(document["models"], key=lambda name: place["ranks"][name])
    last = outlook.last_tokens(known)
    ahead: list[float | None] = []
    for pair in pairwise(order):
        points = answers.outlooks(metric, *pair, outlook.end_of_training(last, pair))
        ahead.append(outlook.probability_at(points, place["step"]))
    return [
        {
            "model": name,
            "rank": int(rank) if (rank := float(place["ranks"][name])).is_integer() else rank,
            **{f"rank {k}": Share(p) for k, p in enumerate(place["shares"][name], start=1)},
            AHEAD: None if above is None else Share(above),
        }
        for name, above in zip(order, [*ahead, None], strict=True)
    ]


def parting(
    task: Task,
    metric: Metric = "acc",
    models: Annotated[
        list[str] | None,
        Option("--model", help="Two models for the answer in words (default: largest and smallest)."),
    ] = None,
    no_training_noise: NoTrainingNoise = False,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """The lead of every two models and the checkpoint from which it holds, who is above chance, and the curves' noise."""
    from e2lm_core.analysis import leads, reasons
    from e2lm_core.analysis.answers import Answers
    from e2lm_core.analysis.curves import messages as curve_words
    from e2lm_core.analysis.curves import onsets
    from e2lm_core.scores import set_scores

    require_metrics([metric])
    _, _, measured, opened = open_measured(task, checkpoints, num_fewshot, fleet=fleet)
    answers = Answers(measured)
    above, pairs = answers.onsets(metric), answers.separations(metric)
    rows = [
        *({"which": f"{name} above chance", **onsets.onset_row(since)} for name, since in above.items()),
        *({"which": f"{p.higher} above {p.lower}", **onsets.onset_row(p.since)} for p in pairs),
    ]
    undefined = [
        reasons.UndefinedCell(row["which"], "", row["why"])
        for row in rows
        if row["why"] and any(value is None for column, value in row.items() if column != "why")
    ]
    shown = [{column: value for column, value in row.items() if column != "why"} for row in rows]
    document = answers.onset_document(metric)
    asked = set_scores.undeclared_seeds(measured.layout(metric))
    pair = require_pair(measured, models) or curve_words.most_informative_pair(measured)
    found = answers.pair(metric, *pair, not no_training_noise) if pair else None
    said = leads.pair_sentences(measured, found) if found else ()
    notes = [
        *reasons.undefined_notes(undefined),
        *(sentence.replace("**", "") for sentence in said),
        asked,
        measured.independence_note,
    ]
    print_table(as_json, document, shown, about=measured, notes=notes, fleet=opened)


def require_pair(measured: Measurements, models: Sequence[str] | None) -> tuple[str, str] | None:
    """The two named models; None if none is named.

    Raises:
        StudioError: Other than two distinct models are named, or one is not in the run.
    """
    if not models:
        return None
    known = {name: c.model.name for c in measured.curves for name in (c.model.name, c.model.short_name)}
    for name in models:
        if name not in known:
            raise StudioError(
                f"The model {formatting.quote(name)} is not among those of this run: use one of "
                f"{', '.join(measured.per_question) or 'none'}."
            )
    if len(models) != 2 or known[models[0]] == known[models[1]]:
        raise StudioError("An answer is on two different models: give --model twice.")
    return known[models[0]], known[models[1]]
