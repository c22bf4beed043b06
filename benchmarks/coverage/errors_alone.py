"""Coverage of the intervals of SQ, decision accuracy, SNR and slope where standard errors alone are known.

python -m benchmarks.coverage.errors_alone     # two minutes

The example sets with their shipped results stand for sources: fresh sets of n questions are drawn from each with
replacement, so that their models and checkpoints share questions as real ones do. Of every fresh set the means and the
standard errors are kept and nothing else; the interval that the shelf makes of them has to hold the mean of all fresh
sets. Checkpoints count as tokens: the first fifth of them is early.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from e2lm_core.base.records import ModelInfo
from e2lm_core.base.settings import Settings
from e2lm_core.imported.records import Curve
from e2lm_core.imported.shelf import indicators, overview
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores import signal
from e2lm_core.scores.arrays import Floats
from e2lm_core.sets.collection import open_set

SETS = ("ladder_general", "ladder_science")
QUESTIONS = (100, 300, 1_000, 3_000)
Bounds = tuple[float, float] | str | None


def decision_accuracy(means: Floats) -> Floats:
    """Decision accuracy [...] of means [..., M, K], by the points in the first fifth."""
    points = means.shape[-1]
    early = int(points * indicators.EARLY_SHARE) - 1
    return signal.pair_agreement(means[..., early], means[..., -1])


def slopes(means: Floats) -> Floats:
    """Mean slope [...] of means [..., M, K] per doubling of the checkpoint."""
    x = np.log2(np.arange(1, means.shape[-1] + 1))
    centred = x - x.mean()
    return (means @ (centred / (centred @ centred))).mean(axis=-1)


# {figure: (its value of means [..., M, K], its interval of curves)}
FIGURES: dict[str, tuple[Callable[[Floats], Floats], Callable[[Sequence[Curve]], Bounds]]] = {
    "SQ": (lambda means: overview.signal_qualities(means).mean(axis=-1), overview.quality_interval),
    "decision accuracy": (
        decision_accuracy,
        lambda curves: indicators.late_order(curves).accuracy.interval,
    ),
    "SNR": (signal.signal_to_noise, lambda curves: indicators.signal_to_noise(curves).interval),
    "slope": (slopes, lambda curves: indicators.mean_slope(curves).interval),
}


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
            tokens_seen=tuple(range(1, points + 1)),
            early=(None,) * points,
            scores=tuple(of_model.tolist()),
            stderr=tuple(errors[number].tolist()),
        )
        for number, of_model in enumerate(means)
    ]


def coverage_of(
    figure: str, values: Floats, metric: str, questions: int, sets: int, fresh: int
) -> tuple[float, float]:
    """Share of intervals that hold a figure's mean over fresh sets, and their mean width.

    Args:
        figure: A key of `FIGURES`.
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
    of, interval_of = FIGURES[figure]
    aim = float(np.nanmean(of(means)))
    found = [interval_of(curves_of(one, metric, questions)) for one in means[:sets]]
    bounds = np.array([one for one in found if isinstance(one, tuple)])
    return float(((bounds[:, 0] <= aim) & (aim <= bounds[:, 1])).mean()), float(np.diff(bounds).mean())


def main() -> None:
    """Print the coverage of each set, metric and number of questions."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.coverage.errors_alone", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--sets", type=int, default=300, help="fresh sets of which intervals are made")
    given = parser.parse_args()
    print("| figure | set | metric | questions | held | mean width |", "|---|---|---|---|---|---|", sep="\n")
    for name in SETS:
        for metric in ("acc", "acc_norm"):
            values = answers(name, metric)
            for figure in FIGURES:
                for questions in QUESTIONS:
                    if figure != "SQ" and questions < indicators.MIN_QUESTIONS:
                        continue  # no interval is shown there
                    held, width = coverage_of(figure, values, metric, questions, given.sets, fresh=2_000)
                    print(
                        f"| {figure} | {name} | {metric} | {questions:,} | {held:.3f} | {width:.4f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
