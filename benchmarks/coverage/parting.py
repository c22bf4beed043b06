"""How often "above chance from" and "parts from … on" are right: sets drawn from sources with known truth.

    python -m benchmarks.coverage.parting [--sets 30] [--fleets 6] [--out FILE.json]

The truth is the place from which the curve of the whole source (16,000 questions) stays above chance, or
above another model's, to the last checkpoint. Counted for each kind of learner, number of questions and
metric:

    early   share of sets whose `surely` is before the true place: a claim too early
    holds   share of sets whose 95% range holds the true place; among those settled
    settled share of sets with a `surely` at all, to which alone `crossings` gives a range
    late    median number of checkpoints by which `surely` is after the true place, where it is ever
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.coverage.study import METRICS as STUDIED
from benchmarks.coverage.study import Source
from e2lm_core.base.records import SHARES
from e2lm_core.scores.uncertainty import bootstrap
from e2lm_core.scores.uncertainty.means import multiple_testing, pointwise, seed_variance
from e2lm_core.scores.uncertainty.means.onset import estimate_onset, first_lasting_index
from e2lm_core.scores.uncertainty.methods import small_sample_level
from tests.support import simulation

SOURCE, RESAMPLES = 16_000, 500
QUESTIONS = (100, 300)
METRICS = ("acc", "norm_prob")
CHANCE = 1 / simulation.CHOICES
PAIRS = ((0, 5), (1, 4), (2, 3), (0, 1), (4, 5))  # of the six sizes: far apart and neighbours
Key = tuple[str, int, str, str]


def sets_of(learner: str, fleet: int, sets: int) -> Iterator[tuple[Key, tuple[bool, bool, bool, int, bool]]]:
    """(early, holds, settled, lag, ever) of everything that is asked of every set drawn from a source."""
    source = Source(learner, fleet, SOURCE)
    truth = source.values.mean(axis=0).reshape(source.shape)
    random = np.random.default_rng([fleet, 3])
    for questions in QUESTIONS:
        plan, level = bootstrap.resampling_design(questions), small_sample_level(questions)
        for seed in range(sets):
            drawn_set = source.draw(random, questions)
            for metric in METRICS:
                values = np.asarray(drawn_set[metric], dtype=np.float64)
                drawn = bootstrap.resampled_means({0: values}, plan, RESAMPLES, seed)[0]
                means, true = values.mean(axis=-1), truth[STUDIED.index(metric)]
                asked = [
                    ("above chance", values[m] - CHANCE, drawn[:, m] - CHANCE, true[m] - CHANCE)
                    for m in range(6)
                ]
                for low, high in PAIRS if learner != "flat" else ():
                    side = 1 if means[high, -1] >= means[low, -1] else -1
                    asked.append(
                        (
                            "neighbours part" if high - low == 1 else "others part",
                            side * (values[high] - values[low]),
                            side * (drawn[:, high] - drawn[:, low]),
                            side * (true[high] - true[low]),
                        )
                    )
                for what, each, resampled, exact in asked:
                    found = estimate_onset(each.mean(axis=-1), resampled, level)
                    surely = _surely(metric, each, resampled, at_chance=what == "above chance")
                    place = int(first_lasting_index(exact > 0))
                    last = len(exact)
                    assert found.low is not None
                    assert found.high is not None
                    yield (
                        (learner, questions, metric, what),
                        (
                            surely < place,
                            found.low <= place <= found.high,
                            surely < last,
                            surely - place,
                            surely < last and place < last,
                        ),
                    )


def _surely(metric: str, each: np.ndarray, resampled: np.ndarray, at_chance: bool) -> int:
    """From where a difference, [K, Q] of each question, is positive by the tests of `crossings`, judged by itself."""
    questions = each.shape[-1]
    found = pointwise.evidence(metric, each, resampled, questions)
    centre, error = found.centre, found.error
    if at_chance and metric in SHARES:  # the variance of a guess is known
        centre, error = each.mean(axis=-1), np.full(len(each), np.sqrt(CHANCE * (1 - CHANCE) / questions))
    p_values = seed_variance.p_values(centre, error, found.freedom)
    p_values[centre <= 0] = 1.0
    return int(multiple_testing.first_significant_index([p_values])[0])


def main() -> None:
    """Run the study, print its table, write JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=30, help="sets of each size drawn from each source")
    parser.add_argument("--fleets", type=int, default=6, help="sources of each kind of learner")
    parser.add_argument("--out", type=Path, help="also write the table as JSON")
    options = parser.parse_args()
    counted: dict[Key, list[tuple[bool, bool, bool, int, bool]]] = defaultdict(list)
    for learner in simulation.LEARNERS:
        for fleet in range(options.fleets):
            for key, found in sets_of(learner, fleet, options.sets):
                counted[key].append(found)
    rows = []
    for (learner, questions, metric, what), found in sorted(counted.items()):
        early, holds, settled, lag, ever = (np.array(column) for column in zip(*found, strict=True))
        rows.append(
            {
                "learner": learner,
                "questions": questions,
                "metric": metric,
                "what": what,
                "sets": len(found),
                "early": round(float(early.mean()), 3),
                "settled": round(float(settled.mean()), 3),
                "holds": round(float(holds[settled].mean()), 3) if settled.any() else None,
                "holds, all": round(float(holds.mean()), 3),
                "late": float(np.median(lag[ever])) if ever.any() else None,
            }
        )
        print(*rows[-1].values(), sep="\t", flush=True)
    if options.out:
        options.out.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
