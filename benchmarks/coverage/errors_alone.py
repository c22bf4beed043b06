"""Coverage of SQ's interval where standard errors alone are known, as on the shelf.

python -m benchmarks.coverage.errors_alone     # a minute

The example sets with their shipped results stand for sources: fresh sets of n questions are drawn from each with
replacement, so that their models and checkpoints share questions as real ones do. Of every fresh set the means and the
standard errors are kept and nothing else; the interval that the shelf makes of them has to hold the mean SQ of all
fresh sets.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from e2lm_core.base.records import ModelInfo
from e2lm_core.base.settings import Settings
from e2lm_core.imported.records import Curve
from e2lm_core.imported.shelf import overview
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores.arrays import Floats
from e2lm_core.sets.collection import open_set

SETS = ("ladder_general", "ladder_science")
QUESTIONS = (100, 300, 1_000, 3_000)


def answers(name: str, metric: str) -> Floats:
    """Values [M, K, Q] of a set's questions at all checkpoints of the models that count."""
    with tempfile.TemporaryDirectory() as home:
        studio = open_studio(Settings(home=Path(home), shipped=True))
        measured = load_measurements(studio, open_set(studio.settings, name), studio.local_checkpoints)
        studio.store.database.close()
    counted = [curve for curve in measured.curves if curve.model.counts_in_scores]
    return np.stack([measured.per_question[curve.model.name][metric] for curve in counted])


def curves_of(means: Floats, metric: str, questions: int) -> list[Curve]:
    """Means [M, K] as curves with the standard errors that the harness gives."""
    points = means.shape[1]
    errors = np.sqrt(means * (1 - means) / (questions - 1))
    return [
        Curve(
            model=ModelInfo(name=str(number), family="x"),
            task="x",
            metric=metric,
            num_fewshot=0,
            questions=questions,
            lower_is_better=False,
            steps=tuple(range(points)),
            tokens_seen=(None,) * points,
            early=(True,) * points,
            scores=tuple(of_model.tolist()),
            stderr=tuple(errors[number].tolist()),
        )
        for number, of_model in enumerate(means)
    ]


def coverage_of(values: Floats, metric: str, questions: int, sets: int, fresh: int) -> tuple[float, float]:
    """Share of intervals that hold the mean SQ of fresh sets, and their mean width.

    Args:
        values: Values [M, K, Q] of the source's questions.
        metric: Name of the metric.
        questions: Number of questions of a fresh set.
        sets: Number of fresh sets of which intervals are made.
        fresh: Number of fresh sets over which the mean is taken.
    """
    rng = np.random.default_rng(questions)
    means = np.stack(
        [values[..., rng.integers(0, values.shape[-1], questions)].mean(axis=-1) for _ in range(fresh)]
    )
    aim = float(np.nanmean(overview.signal_qualities(means).mean(axis=-1)))
    found = [overview.interval_of_errors(curves_of(one, metric, questions)) for one in means[:sets]]
    bounds = np.array([one for one in found if not isinstance(one, str)])
    return float(((bounds[:, 0] <= aim) & (aim <= bounds[:, 1])).mean()), float(np.diff(bounds).mean())


def main() -> None:
    """Print the coverage of each set, metric and number of questions."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.coverage.errors_alone", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--sets", type=int, default=300, help="fresh sets of which intervals are made")
    given = parser.parse_args()
    print("| set | metric | questions | held | mean width |", "|---|---|---|---|---|", sep="\n")
    for name in SETS:
        for metric in ("acc", "acc_norm"):
            values = answers(name, metric)
            for questions in QUESTIONS:
                held, width = coverage_of(values, metric, questions, given.sets, fresh=2_000)
                print(f"| {name} | {metric} | {questions:,} | {held:.3f} | {width:.3f} |", flush=True)


if __name__ == "__main__":
    main()
