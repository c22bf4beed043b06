"""Commands `sq` and `score`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from e2lm_core.base.records import METRICS, RC_READINGS, NullDistribution
from e2lm_core.commands.opening import LoadedSet, open_measured, require_reading
from e2lm_core.commands.options import Checkpoints, Fewshot, FleetName, Json, Rc, Task
from e2lm_core.commands.output import Estimate, estimate, print_table
from e2lm_core.commands.progress import progress_bar

if TYPE_CHECKING:
    from e2lm_core.scores.set_scores import SeedSpread


def sq(
    file: Annotated[Path, Argument(metavar="FILE.json", help="Published curves: data, iteration, gtokens.")],
    as_json: Json = False,
) -> None:
    """Signal quality of published curves, over the competition's points."""
    from e2lm_core.imported.formats.published import sq_of_file

    shown = {"rho", "autocorrelation", "sq", "points"}
    models = {
        model: {benchmark: quality.model_dump(include=shown) for benchmark, quality in benchmarks.items()}
        for model, benchmarks in sq_of_file(file).items()
    }
    rows = [
        {"model": model, "benchmark": benchmark, **quality}
        for model, benchmarks in models.items()
        for benchmark, quality in benchmarks.items()
    ]
    print_table(as_json, {"models": models}, rows)


def _meaningless(metrics: Mapping[str, Any]) -> list[str]:
    """One line per score that is no better than random answers, of the scores with a null distribution."""
    from e2lm_core.base import formatting
    from e2lm_core.scores.uncertainty.null import LEVEL

    lines = []
    for metric, scores in metrics.items():
        for name in ("sq", "rc", "cs", "score", "decision_accuracy"):
            value = scores["sq"]["overall"] if name == "sq" else scores[name]
            if value["null"] and value["null"]["p"] > LEVEL:
                lines.append(
                    f"{metric} {name} is not distinguishable from random answers: {formatting.random_baseline(NullDistribution(**value['null']))}."
                )
    return lines


def _null_through_rule(opened: LoadedSet, rc: str) -> tuple[dict[str, Any], list[str]]:
    """Null distributions through the set's rule by metric and score, and their sentences."""
    from e2lm_core.analysis.questions import null_through_rule
    from e2lm_core.commands.questions import measured_pool
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.scores import set_scores
    from e2lm_core.sets.selection_origin import first_parent

    studio, question_set, measured, fleet = opened
    rules, trial = null_through_rule.rules_through(measured), null_through_rule.trial_number(measured)
    parent = first_parent(studio.settings, question_set, len(rules))
    whole = load_measurements(studio, parent, *fleet.run_arguments)
    by_relevance = any("relevance" in origin.rule for origin in rules)
    pool = measured_pool(LoadedSet(studio, parent, whole, fleet), by_relevance)
    steps = null_through_rule.required_draws(measured) * (1 + len(METRICS))
    with progress_bar("drawing answer keys", steps) as advance:
        drawn = null_through_rule.null_through_rule(
            measured, whole, pool, progress=lambda by: advance("", by)
        )
    found, said = {}, []
    for metric, scores in drawn.items():
        values = set_scores.scores(measured, metric, rc)
        nulls = null_through_rule.score_nulls(values, scores, trial)
        found[metric] = {name: one and one.document() for name, one in nulls.items()}
        sentences = null_through_rule.null_sentences(values, scores, len(rules), trial)
        said += [f"{metric}: {sentence}" for sentence in sentences]
    return found, said


def _of_seeds(spread: SeedSpread) -> Estimate:
    """Mean SQ over seeds, with the worst and the best as its range."""
    from e2lm_core.analysis.score import messages

    return Estimate(spread.mean, spread.low, spread.high, messages.seed_cell(spread))


def score(
    task: Task,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    rc: Rc = RC_READINGS[0],
    advice: Annotated[bool, Option("--advice", help="Add what would raise each score most.")] = False,
    through_rule: Annotated[
        bool,
        Option(
            "--null-through-rule",
            help="Of a set that a rule made: what the same rule gives under random answer keys.",
        ),
    ] = False,
    weights: Annotated[
        str | None,
        Option(
            "--weights",
            metavar="SQ,RC,CS",
            help="Add a score with these weights, under its own name; 0 leaves a part out.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """SQ, RC, CS and Score of a set from the results there are; run `evaluate` first."""
    from e2lm_core.analysis import reasons, validity
    from e2lm_core.analysis.answers import SCORE_PARTS, Answers
    from e2lm_core.analysis.score import messages
    from e2lm_core.scores.ranking import readings
    from e2lm_core.scores.set_scores import SeedSpread
    from e2lm_core.scores.weighted import is_published, parse_weights

    require_reading(rc)
    own = None if weights is None else parse_weights(weights)
    opened = open_measured(task, checkpoints, num_fewshot, fleet=fleet)
    measured = opened.measured
    answers = Answers(measured)
    document = answers.score_document(advice, rc)
    spreads = {
        metric: SeedSpread.model_validate(scores["sq"]["seeds"])
        for metric, scores in document["metrics"].items()
        if scores["sq"]["seeds"]
    }
    rows = [
        {
            "metric": metric,
            "sq": estimate(scores["sq"]["overall"]),
            **({"sq over seeds": _of_seeds(spreads[metric])} if spreads else {}),
            **{part: estimate(scores[part]) for part in SCORE_PARTS},
        }
        for metric, scores in document["metrics"].items()
    ]
    weighted_notes: list[str] = []
    if own is not None and not is_published(own):
        for row in rows:
            made = answers.weighted(row["metric"], own, rc)
            document["metrics"][row["metric"]]["weighted"] = made.model_dump()
            row["weighted"] = estimate(made.value.model_dump())
            weighted_notes += messages.weighted_lines(row["metric"], made)
    undefined = [
        cell
        for metric, scores in document["metrics"].items()
        for cell in reasons.undefined_scores(
            metric, {"sq": scores["sq"]["overall"], **{part: scores[part] for part in SCORE_PARTS}}
        )
    ]
    undefined += [
        reasons.UndefinedCell(metric, "sq over seeds", spread.why)
        for metric, spread in spreads.items()
        if spread.why is not None
    ]
    notes: list[str | None] = [*reasons.undefined_notes(undefined)]
    notes += [messages.seed_note(spread) for spread in list(spreads.values())[:1]]
    notes += [f"RC: {readings.LABELS[rc]} (--rc), in Score too.", document["assumption"]]
    notes += _meaningless(document["metrics"]) + weighted_notes
    notes += messages.all_right_lines(answers.all_right())
    if through_rule:
        document["null_through_rule"], said = _null_through_rule(opened, rc)
        notes += said
    if advice and not validity.selection_note(measured):  # that sentence stands below the table
        for metric, scores in document["metrics"].items():
            notes += [f"\n{metric}:", *(f"  {s}" for s in scores["advice"]["sentences"])]
    print_table(as_json, document, rows, about=measured, notes=notes, fleet=opened.fleet)
