"""Is the power that Plan states met, and how often is found what is not there? By the studio's own test.

    python -m benchmarks.coverage.power [--fleets 1000] [--write]

Six families of models answer a logistic source. Every seed of a family moves its ability, so that its mean over the
source moves by t; two families differ by d. Of the source are known d, the spread s of the paired difference over
questions, the design effect and t; from these the number of questions that has a power of 50, 80 and 90% is taken as
`plan --power` does. Then whole fleets are trained and asked anew, and counted is how often one model of the first
family is found apart from one of the second (`crossings.parted`: `sure`, or `on_these` where nothing is trained
twice). The same is counted of families that do not differ (`NOTHING`), where at most 5% may be found. The test knows of the fleet what it has measured, and t from the fleet's own replicates.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import study_pages
from e2lm_core.analysis.curves import onsets
from e2lm_core.analysis.plan.power import VarianceComponents
from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty import set_intervals

WANTED = (0.5, 0.8, 0.9)
FAMILIES = 6
CHOICES = 4
RESAMPLES = 60  # they tell of groups alone
SOURCE = 400_000


@dataclass(frozen=True)
class Cell:
    """A source and a fleet: abilities of the first two families, how far a seed moves one, seeds a family."""

    metric: str
    seeds: Sequence[int]
    first: float = 0.35
    second: float = 0.0
    moved: float = 0.05
    group: int = 1  # questions that share half of their difficulty, and of what a model knows of it
    alike: bool = False  # seeds of a family are lucky on the same questions: only their ability differs

    @property
    def degrees(self) -> int:
        """Replicates less families."""
        return sum(max(0, n - 1) for n in self.seeds)


CELLS = {
    "acc, 12 degrees": Cell("acc", (3,) * 6),
    "norm_prob, 12 degrees": Cell("norm_prob", (3,) * 6),
    "acc, groups of 5": Cell("acc", (3,) * 6, group=5),
    "acc, 2 degrees": Cell("acc", (1, 1, 3, 1, 1, 1), first=0.45, moved=0.03),
    "acc, nothing trained twice": Cell("acc", (1,) * 6, moved=0.0),
}
# Families that do not differ, trained again so often, whose seeds move by so much.
NOTHING = {
    f"acc, {word}{' alike on questions' if alike else ''}": Cell("acc", seeds, 0.2, 0.2, moved, alike=alike)
    for word, seeds, moved in (
        ("12 degrees, t small", (3,) * 6, 0.05),
        ("12 degrees, t large", (3,) * 6, 0.3),
        ("2 degrees, t small", (1, 1, 3, 1, 1, 1), 0.05),
        ("2 degrees, t middling", (1, 1, 3, 1, 1, 1), 0.15),
        ("2 degrees, t large", (1, 1, 3, 1, 1, 1), 0.3),
        ("1 degree, t large", (1, 1, 2, 1, 1, 1), 0.3),
    )
    for alike in (False, True)
} | {"acc, nothing trained twice": Cell("acc", (1,) * 6, 0.2, 0.2, 0.0)}
ASKED = (100, 400, 1600)  # questions


def answers(
    random: np.random.Generator,
    cell: Cell,
    abilities: np.ndarray,
    questions: int,
    families: Sequence[int] | None = None,
) -> np.ndarray:
    """[M, Q] the metric's values of models of these abilities on questions drawn from the source.

    With `families` [M] models of one share their luck.
    """
    groups = -(-questions // cell.group)
    difficulty = random.normal(size=questions)
    known = abilities[:, None]
    if cell.group > 1:
        shared = np.repeat(random.normal(size=(len(abilities) + 1, groups)), cell.group, axis=1)[
            :, :questions
        ]
        difficulty = np.sqrt(0.5) * (difficulty + shared[-1])
        known = known + shared[:-1]
    rightly = 1 / (1 + np.exp(-2 * (known - difficulty)))
    if cell.metric == "acc":
        luck = random.random(rightly.shape)
        luck = luck if families is None else luck[list(families)]
        return (luck < 1 / CHOICES + (1 - 1 / CHOICES) * rightly).astype(float)
    odds = np.log(rightly / (1 - rightly)) + random.normal(0, 1.5, rightly.shape)
    return 1 / (1 + np.exp(-odds))


def truth(cell: Cell) -> VarianceComponents:
    """What is known of the source, by very many questions: d, s and DEFF of the pair, and t as the families that are
    trained again have it, the mean of t^2 over their degrees."""
    random = np.random.default_rng(1)
    values = answers(random, cell, np.array([cell.first, cell.second]), SOURCE)
    apart = values[0] - values[1]
    means = apart.reshape(-1, cell.group).mean(axis=1)
    effect = means.var() * cell.group / apart.var()
    again = [(level, seeds - 1) for level, seeds in zip(centre(cell), cell.seeds, strict=True) if seeds > 1]
    squares = [_moved(random, cell, level) ** 2 for level, _ in again]
    return VarianceComponents(
        difference=float(apart.mean()),
        questions_sd=float(apart.std()),
        design_effect=float(max(1.0, effect)),
        training_sd=float(np.sqrt(np.average(squares, weights=[f for _, f in again]))) if again else None,
        training_freedom=cell.degrees or np.inf,
        own_freedom=tuple(n - 1 for n in cell.seeds[:2] if n > 1),
    )


def _moved(random: np.random.Generator, cell: Cell, level: float) -> float:
    """How far one deviation of a seed's ability moves the mean of a model of that ability."""
    low, high = answers(random, cell, level + cell.moved * np.array([-1.0, 1.0]), SOURCE)
    return float((high - low).mean() / 2)


def centre(cell: Cell) -> list[float]:
    """The families' abilities, the two that are compared first."""
    return [cell.first, cell.second, *np.linspace(-0.5, 0.5, FAMILIES - 2).tolist()]


def fleet(random: np.random.Generator, cell: Cell, questions: int) -> Measurements:
    """One fleet, trained and asked anew, at one checkpoint."""
    models, abilities, of_family = [], [], []
    for family, (level, seeds) in enumerate(zip(centre(cell), cell.seeds, strict=True)):
        for seed in range(seeds):
            name = f"family{family}" + (f"-seed{seed + 1}" if seed else "")
            of = f"family{family}" if seed else None
            models.append(ModelInfo(name=name, family="f", size=f"s{family}", seed_of=of))
            abilities.append(level + random.normal(0, cell.moved))
            of_family.append(family)
    values = answers(random, cell, np.array(abilities), questions, of_family if cell.alike else None)
    lengths = np.ones((questions, CHOICES))
    curves = tuple(
        ModelCurve(m, (Checkpoint(model=m, step=1, tokens_seen=1),), np.zeros((1, questions, CHOICES)))
        for m in models
    )
    made = Measurements(
        task="made",
        question_ids=tuple(map(str, range(questions))),
        subjects=("",) * questions,
        gold=np.zeros(questions, int),
        chars=lengths,
        gold_bytes=lengths[:, 0],
        curves=curves,
        groups=tuple(f"g{n // cell.group}" for n in range(questions)) if cell.group > 1 else (),
    )
    # What the log-likelihoods would be made into.
    made.__dict__["per_question"] = {
        m.name: {cell.metric: own[None]} for m, own in zip(models, values, strict=True)
    }
    return made


def met(wanted: float, cell: Cell, fleets: int, seed: int = 0) -> tuple[float, float]:
    """(the power stated for the number of questions planned, the share of fleets that are told apart)."""
    planned = truth(cell)
    questions = planned.required_questions(wanted)
    assert questions is not None
    return planned.power(questions), told(cell, questions, fleets, [seed, round(100 * wanted)])


def told(cell: Cell, questions: int, fleets: int, seed: list[int]) -> float:
    """The share of fleets of which a model of the first family is found apart from one of the second."""
    random, found = np.random.default_rng(seed), 0
    for _ in range(fleets):
        measured = fleet(random, cell, questions)
        resampled = set_intervals.resample(measured, (cell.metric,), RESAMPLES if cell.group > 1 else 2)
        (found_apart,) = onsets.separations(measured, resampled, cell.metric, [("family0", "family1")])
        since = found_apart.since
        found += (since.sure if cell.degrees else since.on_these) is not None
    return found / fleets


def main(arguments: list[str] | None = None) -> None:
    """Run the study, print its table; `--write` puts it into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fleets", type=int, default=1000)
    parser.add_argument("--write", action="store_true", help="put the table into the study's page")
    options = parser.parse_args(arguments)
    lines = [
        "| source | d | t | questions | stated | met |",
        "|---|---|---|---|---|---|",
    ]
    for name, cell in CELLS.items():
        known = truth(cell)
        moved = "–" if known.training_sd is None else f"{known.training_sd:.4f}"
        for wanted in WANTED:
            stated, found = met(wanted, cell, options.fleets)
            row = f"{known.difference:.3f} | {moved} | {known.required_questions(wanted):,} | {stated:.1%} | {found:.1%}"
            lines.append(f"| {name} | {row} |")
            print(lines[-1], flush=True)
    nothing = [
        f"| families that do not differ | {' | '.join(f'{n:,} questions' for n in ASKED)} |",
        "|---|" + "---|" * len(ASKED),
    ]
    for name, cell in NOTHING.items():
        shares = [told(cell, questions, options.fleets, [1, questions]) for questions in ASKED]
        nothing.append(f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} |")
        print(nothing[-1], flush=True)
    if options.write:
        study_pages.put("power", "power", "\n".join(lines))
        study_pages.put("power", "nothing", "\n".join(nothing))


if __name__ == "__main__":
    main()
