"""How often *surely* tells models apart that do not differ, where training noise differs between families or steps.

    python -m benchmarks.coverage.surely [--fleets 400] [--write]

Six families of three seeds answer 400 questions. All models have the same expected accuracy; the mean of each
moves by the training noise of its family at that step. Counted is how often the studio's own test
(`onsets.separations`) calls one pair surely apart at its last checkpoint. Then the pair is given a true difference,
three times what training again moves one model, and three times what it moves the difference of the two. Beside
each stands how often a test would call it that knew both noises and had to estimate none.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from benchmarks import study_pages
from e2lm_core.analysis.curves import onsets
from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty import set_intervals

QUESTIONS, CHOICES, SEEDS = 400, 4, 3
EASIEST, HARDEST = 0.85, 0.25  # share of right answers to a question, evenly spread between the two
STEPS = (1000, 1500, 2000)
FLEETS, SEED = 400, 29
MOST = 26  # of 400: a true 5% gives no more in 93% of cases
EVEN, QUIET, NOISY = (0.03,) * 3, (0.01,) * 3, (0.06,) * 3
FALLING = (0.08, 0.02, 0.01)


@dataclass(frozen=True)
class Cell:
    """Training noise of six families at `STEPS`, and the pair that is compared.

    Attributes:
        noise: Standard deviation of a model's mean over seeds, by family and step.
        pair: (family, seed) of both models.
        last: Last step that both models of the pair have.
    """

    noise: tuple[tuple[float, ...], ...]
    pair: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (1, 0))
    last: int = STEPS[-1]

    @property
    def deviation(self) -> float:
        """Deviation of the pair's difference that training alone makes, at its last step."""
        at = STEPS.index(self.last)
        return float(np.hypot(*(self.noise[family][at] for family, _ in self.pair)))


CELLS = {
    "all .03, two families": Cell((EVEN,) * 6),
    "one .06, five .01: noisy and quiet": Cell((NOISY, *[QUIET] * 5)),
    "one .06, five .01: two seeds of the noisy": Cell((NOISY, *[QUIET] * 5), ((0, 0), (0, 1))),
    "one .06, five .01: two quiet": Cell((NOISY, *[QUIET] * 5), ((1, 0), (2, 0))),
    "two .06, four .01: two noisy": Cell((NOISY, NOISY, *[QUIET] * 4)),
    ".08 at 1,000, .02 at 1,500, .01 at 2,000: at 1,000": Cell((FALLING,) * 6, last=1000),
    ".08 at 1,000, .02 at 1,500, .01 at 2,000: at 1,500": Cell((FALLING,) * 6, last=1500),
    ".08 at 1,000, .02 at 1,500, .01 at 2,000: at 2,000": Cell((FALLING,) * 6),
}


def fleet(random: np.random.Generator, cell: Cell, difference: float = 0.0) -> tuple[Measurements, list[str]]:
    """One fleet, trained and asked anew, and the names of the pair.

    Args:
        random: Source of all draws.
        cell: Training noise and pair.
        difference: True difference of the two families in accuracy.
    """
    models, values = [], []
    rightly = random.uniform(HARDEST, EASIEST, QUESTIONS)
    for family, noise in enumerate(cell.noise):
        for seed in range(SEEDS):
            name = f"family{family}" + (f"-seed{seed + 1}" if seed else "")
            of = f"family{family}" if seed else None
            models.append(ModelInfo(name=name, family="f", size=f"s{family}", seed_of=of))
            moved = random.normal() * np.array(noise) + difference * (family == cell.pair[0][0])
            chance = np.clip(rightly + moved[:, None], 0, 1)
            values.append((random.random(chance.shape) < chance).astype(float))
    pair = [models[family * SEEDS + seed].name for family, seed in cell.pair]
    kept = [STEPS.index(cell.last) + 1 if m.name in pair else len(STEPS) for m in models]
    lengths = np.ones((QUESTIONS, CHOICES))
    made = Measurements(
        task="made",
        question_ids=tuple(map(str, range(QUESTIONS))),
        subjects=("",) * QUESTIONS,
        gold=np.zeros(QUESTIONS, int),
        chars=lengths,
        gold_bytes=lengths[:, 0],
        curves=tuple(
            ModelCurve(
                m,
                tuple(Checkpoint(model=m, step=step, tokens_seen=step) for step in STEPS[:n]),
                np.zeros((n, QUESTIONS, CHOICES)),
            )
            for m, n in zip(models, kept, strict=True)
        ),
    )
    # What the log-likelihoods would be made into.
    made.__dict__["per_question"] = {
        m.name: {"acc": own[:n]} for m, own, n in zip(models, values, kept, strict=True)
    }
    return made, pair


def called(cell: Cell, difference: float = 0.0, fleets: int = FLEETS, seed: int = SEED) -> int:
    """Number of fleets in which the pair is called surely apart at its last checkpoint."""
    random, found = np.random.default_rng(seed), 0
    for _ in range(fleets):
        measured, pair = fleet(random, cell, difference)
        resampled = set_intervals.resample(measured, ("acc",), 2)
        (separation,) = onsets.separations(measured, resampled, "acc", [(pair[0], pair[1])])
        found += separation.since.sure is not None
    return found


def known_noise_power(cell: Cell, difference: float) -> float:
    """Share of fleets in which a two-sided test at 5% that knew both noises would call the pair apart.

    By the normal law: error² = training² + 2 E[p (1 − p)] / questions, for the share p of right answers to a
    question. Shares that the difference lifts above 1 are not cut, so that for large differences it is a little too high.

    Args:
        cell: Training noise and pair.
        difference: True difference of the two families in accuracy.
    """
    mean, square = (HARDEST + EASIEST) / 2, (HARDEST**2 + HARDEST * EASIEST + EASIEST**2) / 3
    error = np.sqrt(cell.deviation**2 + 2 * (mean - square) / QUESTIONS)
    luck = norm.ppf(0.975)
    return float(norm.sf(luck - difference / error) + norm.cdf(-luck - difference / error))


def main(arguments: list[str] | None = None) -> None:
    """Run the study and print its table; `--write` puts it into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fleets", type=int, default=FLEETS)
    parser.add_argument("--write", action="store_true", help="put the table into the study's page")
    options = parser.parse_args(arguments)
    lines = [
        f"| training noise, of six families: pair | no difference, of {options.fleets} | 3 deviations of one model "
        "| 3 deviations of the difference |",
        "|---|---|---|---|",
    ]
    for name, cell in CELLS.items():
        of_one = 3 * cell.deviation / 2**0.5
        true = (0.0, of_one, 3 * cell.deviation)
        same_family = cell.pair[0][0] == cell.pair[1][0]
        counts = [called(cell, d, options.fleets) for d in (true[:1] if same_family else true)]
        shares = [
            f"{count / options.fleets:.0%} of {known_noise_power(cell, d):.0%} (.{1000 * d:03.0f})"
            for count, d in zip(counts[1:], true[1:], strict=False)
        ]
        lines.append(f"| {name} | {counts[0]} | {' | '.join(shares or ['–', '–'])} |")
        print(lines[-1], flush=True)
    if options.write:
        study_pages.put("power", "surely", "\n".join(lines))


if __name__ == "__main__":
    main()
