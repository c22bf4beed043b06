"""How wide an interval of a score has to be for a kind of set: `python -m benchmarks.coverage.kinds [--write]`.

Fleets of `tests.support.simulation` of every learner, those of `FURTHER` too, whose models stand as far apart as usual or
hardly apart and whose early window is three quarters of training or half of it. Sets are told apart by what they show of
their learners (`uncertainty.kinds`): how far their early curves rise, and on how many questions two of their models
differ. From the fleets of the first half of every four comes, for each score and kind, by how much the reach of its
method is scaled so that the interval holds in 95% of sets of each learner and metric. Intervals of `CALIBRATED` are
calibrated on each set itself (`uncertainty.calibration`) and get one scale more, all of them together. From the others
comes what it then covers. `--write` puts that into `coverage.json` and the tables into docs/studies/kinds.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
import pickle
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import study_pages
from benchmarks.coverage.methods import SCALED
from benchmarks.coverage.scores import compact
from benchmarks.coverage.study import Plan, Source, few, truths
from e2lm_core.scores.set_scores import RANGES
from e2lm_core.scores.uncertainty import coverage, intervals
from e2lm_core.scores.uncertainty.calibration import required_scale
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.means import pointwise
from e2lm_core.scores.uncertainty.methods import LEVEL, Replicates, interval, small_sample_level
from e2lm_core.scores.uncertainty.rules import (
    MIN_DIFFERING,
    MIN_MODELS_OF_RC,
    NOT_OF_ORDER,
    CoverageTable,
    IntervalRule,
)
from e2lm_core.scores.uncertainty.strata import KINDS
from tests.support import simulation

QUESTIONS = (30, 50, 100, 300)
METRICS = ("acc", "norm_prob")
UNBOUNDED = ("margin", "bpb")
SCORES = (
    *(
        "sq",
        "sq_model",
        "rc",
        "cs",
        "score",
        "snr",
        "snr_detrended",
        "decision_accuracy",
        "monotonicity",
        "ordering",
    ),
    *("rc_organisers", "rc_early_means", "rc_first_place"),
    *("score_organisers", "score_early_means", "score_first_place"),
)
# Of two models' accuracy: never scaled, but counted by on how many questions models differ.
DIFFERENCE = "difference"
LAST, MIDDLE = simulation.CHECKPOINTS - 1, simulation.SIZES // 2 - 1
# Two shapes, two sizes, science and its twin, two checkpoints: each (model, checkpoint), the last model being the twin.
PAIRS = (
    ((0, LAST), (1, LAST)),
    ((0, LAST), (simulation.SIZES - 1, LAST)),
    ((MIDDLE, LAST), (-1, LAST)),
    ((MIDDLE, LAST - 1), (MIDDLE, LAST)),
)
OF_ORDER = ("rc", "decision_accuracy", "rc_organisers", "rc_early_means", "rc_first_place")
# Calibrated on the set itself, each by its method; by the metrics that others leave out too, with six models.
CALIBRATED = {"sq": "parametric_normal", **dict.fromkeys(OF_ORDER, "regressed")}
# The bootstrap of a bootstrap takes most of the time: of half of the fleets so many sets of a learner and number of
# questions, by six models and `METRICS`; half as many by three or by another metric.
CALIBRATED_SETS = 4
# One scale for all of them: that at which every score holds in this share of every learner's sets, so that it holds in 92
# to 97% of them and not in 99% of most for the sake of one.
LEAST, TOGETHER = 0.94, ("calibrated", "")
FEWEST = 60  # sets of a kind from which a figure is told
NARROWEST = 0.9  # narrower was not borne out by fleets that took no part
WIDEST = 1.5
FLEETS = range(20, 52)
CALIBRATED_FLEETS = range(20, 36)
PLAN = Plan(sets=10, fresh=250, resamples=200, of_scores=200, source=6_000)
APART = (1.0, 0.15)  # how far models stand apart, of what is usual
WINDOWS = (12, 8)
DIFFERING = (0, 1, 3, MIN_DIFFERING, 10, 20, 50, np.inf)


class Judged(NamedTuple):
    """One interval: of which fleet and learner, of which score, metric and kind, of how many models and questions, on how
    many of these two models differ; by which method, and the scale from which on it holds (`need`), of one calibrated on
    its own set beyond that (`calibrated`)."""

    fleet: int
    learner: str
    score: str
    metric: str
    kind: str
    models: int
    questions: int
    differing: float
    method: str
    need: float
    calibrated: float = 1.0

    @property
    def chooses(self) -> bool:
        """Whether it is of the fleets that decide about scales, not of those that count what they cover."""
        return self.fleet % 4 < 2

    @property
    def shown(self) -> bool:
        """Whether the interval is shown: by the method that is used, where models differ on enough questions."""
        used = self.method == CALIBRATED.get(self.score, self.method)
        return used and (self.score in NOT_OF_ORDER or not self.differing < MIN_DIFFERING)


def fleet_of(learner: str, number: int) -> simulation.Fleet:
    """By its number: how far models stand apart, and how long the early window is."""
    return simulation.fleet(learner, number, True, APART[number % 2], WINDOWS[number // 4 % 2])


def judged(plan: Plan, fleets: Iterable[int]) -> Iterator[Judged]:
    """Every interval of every set of the fleets."""
    table = coverage.load()
    for number in fleets:
        for learner in (*simulation.LEARNERS, *simulation.FURTHER):
            source = Source(learner, number, plan.source, fleet=fleet_of(learner, number))
            for questions in QUESTIONS:
                true = truths(source, plan, questions, [number, questions, 1])
                for trial in range(plan.sets):
                    rng = np.random.default_rng([number, questions, 4, trial])
                    runs = simulation.runs(source.fleet, source.draw(rng, questions))
                    choices = np.full(questions, simulation.CHOICES)
                    given = intervals.resample(
                        runs, choices, (*METRICS, *UNBOUNDED), resamples=plan.resamples, seed=trial
                    )
                    for own in (given, replace(given, runs=few(runs))):
                        for found in _of_set(own, true, questions, table):
                            yield Judged(number, learner, *found)
                        if number in CALIBRATED_FLEETS:
                            for found in _calibrated(own, true, questions, trial):
                                yield Judged(number, learner, *found)
                    of_set = (
                        given.kind("acc") or "",
                        len(given.counted),
                        questions,
                        given.differing_questions("acc"),
                    )
                    for need in _of_differences(given, true["acc", "mean", simulation.SIZES]):
                        yield Judged(number, learner, DIFFERENCE, "acc", *of_set, "paired", need)


def _of_differences(given: Resampled, true: np.ndarray) -> Iterator[float]:
    """From how much of its reach on the interval of each of `PAIRS` holds, by `acc`: shown or not. `true` [M, K]."""
    names = tuple(given.runs)
    for one, other in PAIRS:
        (first, second) = (given.runs[names[m]].per_question["acc"][k] for m, k in (one, other))
        (drawn, against) = (given.curves["acc"][names[m]][:, k] for m, k in (one, other))
        each = (np.asarray(first, dtype=np.float64) - second)[None]
        low, high = pointwise.paired_interval("acc", each, (drawn - against)[:, None], given.clusters)[0]
        yield float(abs(true[one] - true[other] - (low + high) / 2) / ((high - low) / 2))


def _of_set(
    given: Resampled, true: Mapping[tuple[str, str, int], np.ndarray], questions: int, table: CoverageTable
) -> Iterator[tuple]:
    models, level = len(given.counted), small_sample_level(questions)
    for metric in METRICS:
        kind, differing = given.kind(metric), given.differing_questions(metric)
        if kind is None:
            continue
        whole, single = intervals.replicates(given, metric)
        for score in (score for score in SCORES if table.methods[score] != CALIBRATED.get(score)):
            aim = true.get((metric, score, models))
            if aim is None or (score == "cs" and models < simulation.SIZES):
                continue
            each: list[Replicates] = (
                [single[name] for name in given.counted] if score == "sq_model" else [whole[score]]
            )
            method = str(table.methods[score])
            for own, exact in zip(each, np.atleast_1d(aim), strict=True):
                need = _need(method, own, float(exact), score, level)
                if np.isfinite(need):
                    yield score, metric, kind, models, questions, differing, method, need


def _calibrated(
    given: Resampled, true: Mapping[tuple[str, str, int], np.ndarray], questions: int, trial: int
) -> Iterator[tuple]:
    """The same of the scores that are calibrated on the set itself."""
    models, level = len(given.counted), small_sample_level(questions)
    whole_fleet = models == simulation.SIZES
    for metric in (*METRICS, *(UNBOUNDED if whole_fleet else ())):
        if trial >= (CALIBRATED_SETS if whole_fleet and metric in METRICS else CALIBRATED_SETS // 2):
            continue
        kind, differing = given.kind(metric), given.differing_questions(metric)
        if kind is None:
            continue
        asked = {
            score: IntervalRule(method, calibrated=True)
            for score, method in CALIBRATED.items()
            if models >= MIN_MODELS_OF_RC or not score.startswith("rc")
        }
        whole, _ = intervals.replicates(given, metric)
        for score, rule in intervals.calibrated(given, metric, asked, level).items():
            method, exact = CALIBRATED[score], float(true[metric, score, models])
            need = _need(method, whole[score], exact, score, level) / rule.scale
            if np.isfinite(need):
                yield score, metric, kind, models, questions, differing, method, need, rule.scale


def _need(method: str, own: Replicates, exact: float, score: str, level: float) -> float:
    """The scale from which on the interval holds, see `calibration.needed`; NaN where there is none."""
    low, high = interval(method, own, (-np.inf, np.inf), level)
    return float(required_scale((low, own.estimate, high), exact, RANGES[score]))


Key = tuple[str, str]


def key_of(score: str, kind: str) -> Key:
    """What is scaled by one figure: a score's sets of a kind; or all that are calibrated on the set itself."""
    return TOGETHER if score in CALIBRATED else (score, kind)


def scales(found: Iterable[Judged]) -> dict[Key, float]:
    """{`key_of`: the scale at which 95% of the sets of the deciding fleets hold, by the learner and metric that need most; of
    `TOGETHER` the share `LEAST`, by the learner and score that need most}."""
    needs: dict[Key, dict[Key, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        if one.chooses and one.shown:
            key = key_of(one.score, one.kind)
            needs[key][one.learner, one.score if key == TOGETHER else one.metric].append(one.need)
    found_of = {}
    for key, own in needs.items():
        share = LEAST if key == TOGETHER else LEVEL
        most = max(
            (float(np.quantile(n, share)) for n in own.values() if len(n) >= FEWEST), default=NARROWEST
        )
        found_of[key] = round(min(max(most, NARROWEST), WIDEST), 2)
    return found_of


def rows(found: list[Judged]) -> list[dict[str, Any]]:
    """A row a score, metric, kind, number of models and of questions (all of them together of what is calibrated on the set
    itself): scale, and coverage on the other fleets."""
    scaled = scales(found)
    cells: dict[tuple[str, str, str, int, int], list[float]] = defaultdict(list)
    for one in found:
        if one.shown and not one.chooses:
            questions = min(QUESTIONS) if one.score in CALIBRATED else one.questions
            cells[one.score, one.metric, one.kind, one.models, questions].append(one.need)
    told = []
    for (score, metric, kind, models, questions), needs in sorted(cells.items()):
        scale = scaled.get(key_of(score, kind))
        if len(needs) >= FEWEST and scale:
            told.append(
                {
                    "score": score,
                    "metric": metric,
                    "kind": kind,
                    "models": models,
                    "questions": questions,
                    "scale": scale,
                    "coverage": round(float((np.array(needs) <= scale).mean()), 3),
                    "sets": len(needs),
                }
            )
    return told


def table_of_kinds(told: list[dict[str, Any]]) -> str:
    """Markdown: a row a score and kind, its method and scale, and the lowest and mean coverage over metrics, models and questions."""
    lines = [
        "| score | method | kind | scale | lowest | mean | cells | sets |",
        "|---|---|---|---|---|---|---|---|",
    ]
    methods = {**coverage.load().methods, **CALIBRATED}
    for score in SCORES:
        for kind in KINDS:
            if own := [row for row in told if (row["score"], row["kind"]) == (score, kind)]:
                covered, sets = [row["coverage"] for row in own], [row["sets"] for row in own]
                scale = f"{own[0]['scale']:.2f}" + (" × its own" if score in CALIBRATED else "")
                lines.append(
                    f"| {score} | {methods[score]} | {kind} | {scale} | {min(covered):.2f} | "
                    f"{np.average(covered, weights=sets):.3f} | {len(own)} | {sum(sets):,} |"
                )
    return "\n".join(lines)


def table_of_differing(found: Iterable[Judged]) -> str:
    """Markdown: what the methods cover by `acc`, unscaled, by the number of questions on which two of six models differ."""
    bins = list(itertools.pairwise(DIFFERING))
    held: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for one in found:
        counts = one.score == DIFFERENCE or not (one.score in NOT_OF_ORDER or one.method in SCALED)
        if (one.metric, one.models) == ("acc", simulation.SIZES) and counts:
            place = next(i for i, (low, high) in enumerate(bins) if low <= one.differing < high)
            held[one.score, place].append(one.need <= 1)
    heads = [f"{low:g} and more" if high == np.inf else f"{low:g} to {high:g}" for low, high in bins]
    lines = [f"| score | {' | '.join(heads)} |", "|---|" + "---|" * len(bins)]
    for score in (*SCORES, DIFFERENCE):
        if any((score, i) in held for i in range(len(bins))):
            own = [held.get((score, i), []) for i in range(len(bins))]
            lines.append(
                f"| {score} | "
                + " | ".join(f"{np.mean(h):.2f}" if len(h) >= FEWEST else "–" for h in own)
                + " |"
            )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the study, print its tables; `--write` puts them into the page and into the table that ships."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fleets", type=int, default=len(FLEETS), help="of 16")
    parser.add_argument("--work", type=Path, help="folder that keeps finished fleets")
    parser.add_argument("--write", action="store_true", help="put the tables into the page and coverage.json")
    options = parser.parse_args(arguments)
    found: list[Judged] = []
    for number in FLEETS[: options.fleets]:
        kept = options.work / f"kinds-{number}.pickle" if options.work else None
        own = pickle.loads(kept.read_bytes()) if kept and kept.exists() else list(judged(PLAN, [number]))
        if kept and not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(pickle.dumps(own))
        found += own
        print(f"fleet {number}", flush=True)
    told = rows([one for one in found if one.score != DIFFERENCE])
    tables = {"kinds": table_of_kinds(told), "differing": table_of_differing(found)}
    print("\n\n".join(tables.values()))
    if options.write:
        content = json.loads(coverage.FILE.read_text(encoding="utf-8"))
        content.pop("of_kinds", None)
        content["calibrated"] = CALIBRATED
        content["kinds"] = told
        coverage.FILE.write_text(compact(content), encoding="utf-8")
        for name, table in tables.items():
            study_pages.put("kinds", name, table)


if __name__ == "__main__":
    main()
