"""Do the intervals of differences hold on sets from another generator? `python -m benchmarks.coverage.elsewhere.differences [--write]`.

Pairs of sets are drawn from sources of `generator` in the four ways of `benchmarks.coverage.differences`, whose easier
questions are here the same ones with every ability raised. Counted is, cell by cell and way by way, how often what the
studio shows (`paired.score_differences`, `mean_difference`) holds the mean difference of fresh pairs, and of how many
pairs one is shown. No method of differences was chosen here. `--work` keeps finished cells.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import study_pages
from benchmarks.coverage.differences import KINDS as WAYS
from benchmarks.coverage.elsewhere import generator, running
from benchmarks.coverage.elsewhere.generator import CHOICES, METRICS, MODELS, POINTS, SCORES, Cell, Source
from benchmarks.coverage.elsewhere.sets import table
from e2lm_core.scores.uncertainty import coverage, paired

FLEETS, PAIRS = 8, 8  # pairs of each fleet, way and cell
FIRST = 200
EASIER = 0.6
CELLS = {
    "100 questions": Cell(100),
    "300 questions": Cell(300),
    "300, heavy tails": Cell(300, tails=True),
    "100, ceiling": Cell(100, ends=5.0),
    "300, ceiling": Cell(300, ends=5.0),
    "300, nearly equal models": Cell(300, apart=0.05),
    "600, groups of 5 known": Cell(600, group=5, labels="known"),
}
NAMES = ("mean", *SCORES)


class Two:
    """A fleet's source of questions, and the same questions made easier."""

    def __init__(self, cell: Cell, number: int) -> None:
        self.plain, self.easier = Source(cell, number), Source(replace(cell, easier=EASIER), number)
        self.cell = cell

    def draw(self, rng: np.random.Generator, way: str) -> tuple[np.ndarray, np.ndarray]:
        """The answers on both sets [questions, metric, model, checkpoint]; edited and grown share the first's questions."""
        places = self.plain.draw(rng)
        first, part = self.plain.values[places], self.part
        if way in ("same", "easier"):
            source = self.plain if way == "same" else self.easier
            return first, source.values[source.draw(rng)]
        if way == "grown":
            more = self.plain.values[self.plain.draw(rng)[: self.cell.questions // 2]]
            return first, np.concatenate([first, more])
        second = first.copy()
        second[:part] = self.easier.values[places[:part]]
        return first, second

    @property
    def part(self) -> int:
        """How many questions are edited: a third, groups whole."""
        return self.cell.questions // 3 // self.cell.group * self.cell.group

    def moved(self, way: str) -> np.ndarray:
        """[metric, model, checkpoint]: the true difference of means."""
        share = {"same": 0.0, "grown": 0.0, "easier": 1.0, "edited": self.part / self.cell.questions}[way]
        return share * (self.easier.truth - self.plain.truth)


def true_differences(of: Two, way: str, seed: list[int]) -> dict[tuple[str, str], float]:
    """{(metric, score): mean of second - first over fresh pairs}."""
    n = of.cell.questions
    each = []
    for side, questions in ((0, n), (1, n + n // 2 if way == "grown" else n)):
        rng = np.random.default_rng(seed)
        drawn = (of.draw(rng, way)[side] for _ in range(generator.FRESH))
        each.append(generator.scores_of(drawn, questions))
    return {key: generator.mean_of_defined(each[1][key] - each[0][key]) for key in each[0]}


def sides(of: Two, way: str, rows: tuple[np.ndarray, np.ndarray]) -> tuple[paired.Side, paired.Side]:
    """Both sets as the studio gets them: groups are named alike where the questions are the same."""
    made = []
    for own, name in zip(rows, ("q", "q" if way in ("edited", "grown") else "r"), strict=True):
        groups = [f"{name}{n // of.cell.group}" for n in range(len(own))] if of.cell.group > 1 else None
        made.append(paired.Side(generator.runs(own), np.full(len(own), CHOICES), groups))
    return made[0], made[1]


def pairing(way: str, first: int, second: int) -> paired.Pairing:
    """Which questions both sets have."""
    apart = "q" if way in ("edited", "grown") else "r"
    return paired.match_questions([f"q{n}" for n in range(first)], [f"{apart}{n}" for n in range(second)])


def judged(of: Two, way: str, number: int, pairs: int) -> Iterator[tuple[str, str, bool | None]]:
    """(metric, what, whether its interval holds the truth; None where none is shown) of every pair."""
    place = [number, WAYS.index(way), of.cell.questions]
    true, moved = true_differences(of, way, [*place, 80]), of.moved(way)
    points = [(f"m{m}", POINTS - 1, POINTS - 1) for m in range(MODELS - 1)]
    for trial in range(pairs):
        rows = of.draw(np.random.default_rng([*place, 81, trial]), way)
        joint = pairing(way, len(rows[0]), len(rows[1]))
        both = paired.resample(*sides(of, way, rows), joint, METRICS, generator.RESAMPLES, trial)
        for i, metric in enumerate(METRICS):
            own = paired.mean_difference(*both, metric, points)
            yield metric, "mean", _holds(own.bounds, float(moved[i, : MODELS - 1, -1].mean()))
            rules = coverage.difference_rules(*paired.smallest_counts(*both, metric))
            shown = paired.score_differences(*both, metric, rules)
            for score in SCORES:
                yield metric, score, _holds(shown[score][1].bounds, true[metric, score])


def _holds(bounds: tuple[float, float] | None, aim: float) -> bool | None:
    return None if bounds is None or np.isnan(aim) else bool(bounds[0] <= aim <= bounds[1])


def counted(cell: Cell, fleets: range, pairs: int) -> dict[str, dict[str, list[int]]]:
    """{way: {metric|what: [held, shown, all]}} of a cell."""
    found: dict[str, dict[str, list[int]]] = {way: defaultdict(lambda: [0, 0, 0]) for way in WAYS}
    for number in fleets:
        of = Two(cell, number)
        for way in WAYS:
            for metric, what, held in judged(of, way, number, pairs):
                row = found[way][f"{metric}|{what}"]
                row[0] += held is True
                row[1] += held is not None
                row[2] += 1
    return {way: dict(rows) for way, rows in found.items()}


def together(parts: list[dict[str, list[int]]]) -> dict[str, list[int]]:
    """Counts of several cells or ways as of one."""
    return {
        key: [sum(numbers) for numbers in zip(*(part[key] for part in parts), strict=True)]
        for key in parts[0]
    }


def tables(found: dict[str, dict[str, dict[str, list[int]]]], pairs: int) -> dict[str, str]:
    """The page's tables, of so many pairs of a cell and way: by cells, all ways together, and by ways, all cells together."""
    by_cell = {cell: together(list(ways.values())) for cell, ways in found.items()}
    by_way = {way: together([ways[way] for ways in found.values()]) for way in WAYS}
    return {
        "elsewhere": table(by_cell, pairs * len(WAYS), NAMES),
        "ways": table(by_way, pairs * len(found), NAMES),
    }


def main(arguments: list[str] | None = None) -> None:
    """Run the cells that are missing in `--work`, print the tables; `--write` puts them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fleets", type=int, default=FLEETS)
    parser.add_argument("--pairs", type=int, default=PAIRS, help="of each fleet, way and cell")
    parser.add_argument("--work", type=Path, help="folder that keeps finished cells")
    parser.add_argument("--write", action="store_true", help="put the tables into the study's page")
    options = parser.parse_args(arguments)
    fleets = range(FIRST, FIRST + options.fleets)
    found = running.finished(
        CELLS, options.work, lambda cell: counted(cell, fleets, options.pairs), "differences, "
    )
    made = tables(found, options.fleets * options.pairs)
    for name, text in made.items():
        print(text)
        if options.write:
            study_pages.put("difference_coverage", name, text)


if __name__ == "__main__":
    main()
