"""How often the interval of a held-out gain holds it: `python -m benchmarks.coverage.selection.choosing`.

Sets are drawn from a source, pure noise or with structure that models share; a rule chooses and is judged in
each, and counted is how often the interval of the mean held-out gain holds the expected gain of a fresh set
(0 on noise, else the mean over all sets drawn). `--write` puts the table into
docs/studies/choosing_coverage.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks import study_pages
from benchmarks.coverage.selection.null_selection import CHECKPOINTS, CHOICES, EARLY, FLEET, noise, rules
from e2lm_core.analysis.questions import heldout
from e2lm_core.analysis.questions.rules import Rule, Sample
from e2lm_core.scores import metrics
from e2lm_core.scores.uncertainty import bootstrap
from e2lm_core.scores.uncertainty.methods import quantiles, small_sample_level

SETS, QUESTIONS, RESAMPLES, BLOCK = 400, 100, 300, 25
NAMES = ("easiest-half", "rising-hard-science", "one-source", "margin > 0 and slope > 0")
Source = Callable[[int, int], Sample]


def structured(sets: int, seed: int) -> Sample:
    """Questions that are easy or steep for all models alike, under the tastes and the noise of each."""
    rng = np.random.default_rng([seed, 9])
    shape = (sets, len(FLEET), CHECKPOINTS, QUESTIONS, CHOICES)
    ll = 0.6 * rng.standard_normal(shape, dtype=np.float32)
    ll += 0.8 * rng.standard_normal((*shape[:2], 1, *shape[3:]), dtype=np.float32)
    ease, pace = (
        rng.normal(0, 1, (sets, 1, 1, QUESTIONS)),
        np.exp(rng.normal(0, 0.7, (sets, 1, 1, QUESTIONS))),
    )
    ll[..., 0] += ease + 0.1 * np.arange(CHECKPOINTS)[:, None] * pace
    chars = np.full((QUESTIONS, CHOICES), 5.0)
    values = metrics.per_question(ll, np.zeros(QUESTIONS, int), chars, chars[:, 0])
    empty = noise(1, 0, QUESTIONS)
    return Sample(values=values, doublings=empty.doublings, early=np.arange(CHECKPOINTS) < EARLY)


def cover(source: Source, rule: Rule, sets: int, truth: float | None) -> tuple[float, float, float, float]:
    """(expected gain, share of intervals that hold it, their mean width, spread of the gain over sets)."""
    folds, _ = heldout.leave_out_folds(FLEET)
    plan, level = bootstrap.resampling_design(QUESTIONS), small_sample_level(QUESTIONS)
    gains, bounds = [], []
    for number, one in enumerate(_each(source, sets)):
        drawn = np.concatenate(list(bootstrap.resample_counts(plan, RESAMPLES, number)))
        weights = np.vstack([np.ones((1, QUESTIONS)), drawn])
        found = heldout.resampled_gains(one, rule, folds, "acc", weights)
        gains.append(found[0])
        bounds.append(quantiles(found[1:], [(1 - level) / 2, (1 + level) / 2]))
    low, high = np.array(bounds).T
    expected = float(np.mean(gains)) if truth is None else truth
    held: NDArray[np.bool_] = (low <= expected) & (expected <= high)
    return expected, float(held.mean()), float((high - low).mean()), float(np.std(gains))


def _each(source: Source, sets: int) -> Iterator[Sample]:
    for start in range(0, sets, BLOCK):
        block = source(min(BLOCK, sets - start), 1000 + start)
        for i in range(len(block.values["acc"])):
            values = {metric: array[i] for metric, array in block.values.items()}
            yield Sample(values=values, doublings=block.doublings, early=block.early)


def main(arguments: list[str] | None = None) -> None:
    """Run the study, print its table; `--write` puts it into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("--write", action="store_true", help="put the table into the study's page")
    options = parser.parse_args(arguments)
    lines = [
        "| source | rule | expected gain | held in | mean width | spread of the gain |",
        "|---|---|---|---|---|---|",
    ]
    sources: tuple[tuple[str, Source, float | None], ...] = (
        ("noise", lambda sets, seed: noise(sets, seed, QUESTIONS), 0.0),
        ("structure", structured, None),
    )
    for name, source, truth in sources:
        for rule in NAMES:
            expected, held, width, spread = cover(source, rules(QUESTIONS)[rule], options.sets, truth)
            lines.append(f"| {name} | `{rule}` | {expected:+.3f} | {held:.1%} | {width:.3f} | {spread:.3f} |")
            print(lines[-1], flush=True)
    if options.write:
        study_pages.put("choosing_coverage", "coverage", "\n".join(lines))


if __name__ == "__main__":
    main()
