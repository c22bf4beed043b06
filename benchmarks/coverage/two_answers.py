"""How often a question with one right answer is listed as having two, and one with two is.

    python -m benchmarks.coverage.two_answers [--seed 1] [--fleets 60]

Right keys: an example set on random parts of the models that it was measured on; all that is listed is a false alarm.
Planted: in 5% of the questions a wrong choice gets the right one's log-likelihood, plus noise of so many nats that each
model has for itself: how much further it is from one right answer to another. Prints one row for each set.

The bounds of `keys` were chosen on seed 1; other seeds are blind.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.coverage.planted import SETS, SHARE, flagged, known_to_the_large, measured_of
from e2lm_core.analysis.questions.suspects import keys
from e2lm_core.base.settings import Settings
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets.collection import open_set

NATS = (0.25, 0.5, 1.0, 2.0)
KIND = "two right answers"


def parts_of_fleet(measured: Measurements, seed: int, number: int) -> Iterator[Measurements]:
    """The same results on random parts of the models, of any size."""
    rng = np.random.default_rng([2901, seed])
    for _ in range(number):
        size = int(rng.integers(1, len(measured.curves) + 1))
        chosen = sorted(rng.choice(len(measured.curves), size, replace=False))
        yield replace(measured, curves=tuple(measured.curves[at] for at in chosen))


def false_alarms(measured: Measurements, seed: int, number: int) -> tuple[int, int]:
    """Number of questions listed as having two right answers, and of questions judged, over parts of the fleet."""
    listed = judged = 0
    for part in parts_of_fleet(measured, seed, number):
        found = keys.find_doubtful_keys(part)
        if found.why is None:
            judged += len(part.gold) - found.left_out
            listed += len(flagged(found, KIND))
    return listed, judged


def with_two_answers(
    measured: Measurements, seed: int, nats: float, share: float = SHARE
) -> tuple[Measurements, set[str]]:
    """The same results where a share of the questions has a second right answer, and which."""
    rng = np.random.default_rng([2902, seed])
    gold, counts = measured.gold, measured.choice_counts
    chosen = rng.choice(np.flatnonzero(counts > 2), round(share * len(gold)), replace=False)
    second = (gold[chosen] + rng.integers(1, counts[chosen])) % counts[chosen]
    curves = []
    for curve in measured.curves:
        ll = curve.ll.copy()
        ll[:, chosen, second] = ll[:, chosen, gold[chosen]] + rng.normal(0, nats, len(chosen))
        curves.append(replace(curve, ll=ll))
    return replace(measured, curves=tuple(curves)), {measured.question_ids[q] for q in chosen}


def recall(measured: Measurements, seed: int, nats: float) -> float:
    """Share of the planted questions that the large models answered right before which are listed."""
    planted, doubled = with_two_answers(measured, seed, nats)
    sought = doubled & known_to_the_large(measured)
    return len(sought & flagged(keys.find_doubtful_keys(planted), KIND)) / max(1, len(sought))


def main(arguments: list[str] | None = None) -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fleets", type=int, default=60)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        studio = open_studio(Settings(home=Path(folder)))
        for name in SETS:
            measured = measured_of(studio, open_set(studio.settings, name))
            listed, judged = false_alarms(measured, options.seed, options.fleets)
            print(f"{name}: {listed} of {judged:,} questions with one right answer listed")
            for nats in NATS:
                found = np.mean([recall(measured, 10 * options.seed + n, nats) for n in range(5)])
                print(f"{name}, two right answers {nats} nats apart: {found:.2f} listed", flush=True)


if __name__ == "__main__":
    main()
