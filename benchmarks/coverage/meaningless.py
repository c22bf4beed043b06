"""How often a set that measures nothing looks as if it did, before and after its null is asked.

    python -m benchmarks.coverage.meaningless [--sets 2000] [--draws 50] [--write]

Simulated: models whose tastes for choices are shared, wander from checkpoint to checkpoint and have nothing to do
with gold. Real: draws of 150 of the exemplars, science questions that the embedded models were never taught, from
results that `evaluate` computes once. For every score the share of sets with p <= .05, ties as they are and, for
the calibration, broken at random. Prints both tables; `--write` puts them into docs/studies/meaningless.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import study_pages
from e2lm_core.base.records import TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.relevance.embeddings import load_exemplars
from e2lm_core.runs.evaluate import evaluate
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.uncertainty import null
from tests.support.simulation import answered

SCORES = ("sq", "rc", "cs", "score", "snr", "decision_accuracy")
METRICS = ("acc", "norm_prob")
QUESTIONS, EXEMPLARS = 60, 150
DRAWS = 199  # of gold a set: p is still exact, in steps of .005


def shares(sets: Iterator[Measurements], metric: str) -> dict[str, tuple[float, float, int]]:
    """{score: (share with p <= .05, the same with ties broken at random, sets where it is defined)}."""
    rng = np.random.default_rng(0)
    found: dict[str, list[tuple[bool, bool]]] = {name: [] for name in SCORES}
    for number, measured in enumerate(sets):
        scores = set_scores.scores(measured, metric)
        drawn = null.null_scores(measured, metric, draws=DRAWS, seed=number)
        if drawn is None:
            continue
        for name in SCORES:
            value = getattr(scores, name).value
            core = readings.score_key(name, scores.rc_reading) if name in ("rc", "score") else name
            stands = null.null_distribution(value, drawn.whole[core])
            if stands is None or value is None:
                continue
            known = drawn.whole[core][np.isfinite(drawn.whole[core])]
            above, tied = int((known > value).sum()), int((known == value).sum())
            broken = (above + 1 + rng.integers(0, tied + 1)) / (len(known) + 1)
            found[name].append((stands.p <= null.LEVEL, broken <= null.LEVEL))
    return {
        name: (float(np.mean([a for a, _ in pairs])), float(np.mean([b for _, b in pairs])), len(pairs))
        for name, pairs in found.items()
        if pairs
    }


def simulated(sets: int) -> Iterator[Measurements]:
    """Sets of 60 questions that none of seven models knows anything of."""
    return (answered(QUESTIONS, seed=seed) for seed in range(sets))


def exemplars(draws: int) -> Iterator[Measurements]:
    """Draws of 150 of the exemplars that are science, without replacement within a draw."""
    whole = _measured()
    rng = np.random.default_rng(1)
    for _ in range(draws):
        yield part(whole, np.sort(rng.choice(len(whole.question_ids), EXEMPLARS, replace=False)))


def part(whole: Measurements, at: np.ndarray) -> Measurements:
    """The measurements of some questions alone: a question's log-likelihoods do not depend on the others."""
    return replace(
        whole,
        question_ids=tuple(whole.question_ids[q] for q in at),
        subjects=tuple(whole.subjects[q] for q in at),
        groups=tuple(whole.groups[q] for q in at) if whole.groups else (),
        keys=(),
        scopes=(),
        taught=None,
        told=None if whole.told is None else tuple(whole.told[q] for q in at),
        gold=whole.gold[at],
        chars=whole.chars[at],
        gold_bytes=whole.gold_bytes[at],
        choice_bytes=None if whole.choice_bytes is None else whole.choice_bytes[at],
        choice_texts=None if whole.choice_texts is None else whole.choice_texts[at],
        question_texts=None if whole.question_texts is None else whole.question_texts[at],
        curves=tuple(replace(curve, ll=curve.ll[:, at]) for curve in whole.curves),
    )


def _measured() -> Measurements:
    """Every science exemplar under every embedded checkpoint, in a home that lasts as long as this."""
    with tempfile.TemporaryDirectory() as folder:
        studio = open_studio(Settings(home=Path(folder)))
        questions = tuple(exemplar.question for exemplar in load_exemplars() if exemplar.accepted)
        task = TaskSet(config=TaskConfig(task="exemplars"), questions=questions)
        evaluate(studio, task, without_extras(studio.catalogue.checkpoints))
        return load_measurements(studio, task, without_extras(studio.catalogue.checkpoints))


def markdown(found: dict[str, dict[str, tuple[float, float, int]]]) -> str:
    """The table of the page: a row a metric and score."""
    lines = ["| metric | score | p ≤ .05 | ties broken at random | sets |", "|---|---|---|---|---|"]
    for metric, scores in found.items():
        for name, (plain, broken, sets) in scores.items():
            lines.append(f"| {metric} | {name} | {plain:.1%} | {broken:.1%} | {sets:,} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run both parts, print their tables; `--write` puts them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=2000, help="simulated sets; 0 leaves them out")
    parser.add_argument("--draws", type=int, default=50, help="draws of the exemplars; 0 leaves them out")
    parser.add_argument("--write", action="store_true", help="put the tables into the study's page")
    options = parser.parse_args(arguments)
    tables = {}
    if options.sets:
        tables["simulated"] = {metric: shares(simulated(options.sets), metric) for metric in METRICS}
    if options.draws:
        drawn = list(exemplars(options.draws))
        tables["exemplars"] = {metric: shares(iter(drawn), metric) for metric in METRICS}
    for name, found in tables.items():
        table = markdown(found)
        print(f"{name}\n{table}\n")
        if options.write:
            study_pages.put("meaningless", name, table)


if __name__ == "__main__":
    main()
