"""How often advice is given of sets that mean nothing, and how often shifted keys are named.

    python -m benchmarks.guards.known [--sets 200] [--home FOLDER]

Noise: 5, 12 and 40 questions that no model knows, of models of unknown teaching. Known: 30 questions of which 0, 2,
10, 20 or 30 are drawn from `ladder_science` and the others from the science exemplars that no embedded model was
taught, under their own keys. Keys: all moved by one, two letters swapped, 30% moved, and right ones, of 40 to 160
questions of the example sets. The seed is fixed; 200 sets a row, 100 of keys. Prints the tables.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.coverage.meaningless import part
from benchmarks.coverage.planted import SETS, joined, measured_of
from e2lm_core.analysis import validity
from e2lm_core.analysis.questions.suspects.shifted_keys import find_shifted_keys
from e2lm_core.base.records import TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.relevance.embeddings import load_exemplars
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets.collection import open_set
from tests.support.simulation import answered

SEED = 29
QUESTIONS, KNOWN, NOISE = 30, (0, 2, 10, 20, 30), (5, 12, 40)
METRICS = ("acc", "norm_prob")


def is_advised(measured: Measurements, metric: str) -> bool:
    """Whether anything is advised from the scores of a set."""
    scores = validity.scores_with_null(measured, metric)
    return validity.no_advice_reason(measured, scores) is None


def drawn(whole: Measurements, number: int, rng: np.random.Generator) -> Measurements:
    """So many of the questions, with what is known of their teaching."""
    at = np.sort(rng.choice(len(whole.gold), number, replace=False))
    taught = None if whole.taught is None else tuple(whole.taught[q] for q in at)
    return replace(part(whole, at), taught=taught)


def mixtures(taught: Measurements, untaught: Measurements, known: int, sets: int) -> Iterator[Measurements]:
    """Sets of 30 questions of which so many were taught."""
    rng = np.random.default_rng([SEED, known])
    for _ in range(sets):
        some = drawn(taught, known, rng) if known else None
        others = drawn(untaught, QUESTIONS - known, rng) if known < QUESTIONS else None
        if some is None or others is None:
            yield some or others or taught
            continue
        both = joined(some, others)
        yield replace(both, taught=(True,) * known + (False,) * (QUESTIONS - known))


def moved(measured: Measurements, kind: str, rng: np.random.Generator) -> Measurements:
    """The same results under keys of a kind: right, keys + 1, swapped, or 30% + 1."""
    gold, counts = measured.gold.copy(), measured.choice_counts
    if kind == "keys + 1":
        gold = (gold + 1) % counts
    elif kind == "swapped":
        a, b = rng.choice(int(counts.min()), 2, replace=False)
        gold = np.where(measured.gold == a, b, np.where(measured.gold == b, a, gold))
    elif kind == "30% + 1":
        at = rng.choice(len(gold), round(0.3 * len(gold)), replace=False)
        gold[at] = (gold[at] + 1) % counts[at]
    return replace(measured, gold=gold)


def named(whole: Measurements, kind: str, sets: int) -> int:
    """Number of sets of 40 to 160 questions whose keys are said to be shifted or swapped."""
    rng = np.random.default_rng([SEED, len(kind), len(whole.gold)])
    found = 0
    for _ in range(sets):
        some = replace(drawn(whole, int(rng.integers(40, 161)), rng), taught=None)
        found += find_shifted_keys(moved(some, kind, rng)) is not None
    return found


def untaught_exemplars(studio: Studio) -> Measurements:
    """The science exemplars of which the embedded models were taught nothing, measured."""
    questions = tuple(e.question for e in load_exemplars() if e.accepted)
    whole = measured_of(studio, TaskSet(config=TaskConfig(task="exemplars"), questions=questions))
    at = np.flatnonzero(~np.array(whole.told))
    return replace(part(whole, at), taught=(False,) * len(at))


def main(arguments: list[str] | None = None) -> None:
    """Draw, ask, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--home", type=Path, help="a home whose results are used and added to")
    options = parser.parse_args(arguments)
    for number in NOISE:
        made = [answered(number, seed=SEED * 1_000 + seed) for seed in range(options.sets)]
        row = {metric: sum(is_advised(one, metric) for one in made) for metric in METRICS}
        print(f"noise, {number} questions: advised {row} of {options.sets}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        studio = open_studio(Settings(home=options.home or Path(folder)))
        wholes = {name: measured_of(studio, open_set(studio.settings, name)) for name in SETS}
        untaught = untaught_exemplars(studio)
    for name, whole in wholes.items():
        print(f"{name} whole: advised {[is_advised(whole, metric) for metric in METRICS]}", flush=True)
        for kind in ("right", "keys + 1", "swapped", "30% + 1"):
            half = options.sets // 2
            print(f"{name}, {kind}: named {named(whole, kind, half)} of {half}", flush=True)
    for known in KNOWN:
        made = list(mixtures(wholes["ladder_science"], untaught, known, options.sets))
        row = {metric: sum(is_advised(one, metric) for one in made) for metric in METRICS}
        print(f"{known} of {QUESTIONS} known: advised {row} of {options.sets}", flush=True)


if __name__ == "__main__":
    main()
