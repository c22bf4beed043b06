"""Do the intervals that are shown hold on sets from another generator? `python -m benchmarks.coverage.elsewhere.sets [--write]`.

Counted is, cell by cell, how often the studio's own intervals (`intervals.band`, `difference`, `score_intervals`) hold
the truth of a finite source of `generator`, and of how many sets one is shown. Where groups are *proposed*, question
texts are made from templates and the labels are those that `sets.checks.groups` proposes. `--work` keeps finished cells.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy.special import betaincinv

from benchmarks import study_pages
from benchmarks.coverage.elsewhere import generator, running
from benchmarks.coverage.elsewhere.generator import (
    CHOICES,
    EARLY,
    METRICS,
    MODELS,
    POINTS,
    SCIENCE,
    SCORES,
    Cell,
    Source,
    runs,
    true_scores,
)
from e2lm_core.base.records import Question
from e2lm_core.scores import serial_dependence
from e2lm_core.scores.uncertainty import coverage, intervals
from e2lm_core.scores.uncertainty.intervals import CurveDifference, Resampled
from e2lm_core.scores.uncertainty.means import pointwise
from e2lm_core.scores.uncertainty.methods import share_above
from e2lm_core.scores.uncertainty.rules import few_for_a_difference
from e2lm_core.sets.checks import groups as proposals

FLEETS = (*range(1000, 1016), *range(1100, 1116))  # others were looked at while methods and kinds were chosen
SETS = 25
PROMISED = (0.92, 0.97)
BLOCKS = "drawn in blocks of neighbours"

CELLS = {
    **{f"{n} questions": Cell(n) for n in (20, 50, 100, 300)},
    **{f"{n}, heavy tails": Cell(n, tails=True) for n in (50, 300)},
    **{f"{n}, ceiling": Cell(n, ends=5.0) for n in (20, 50, 100, 300)},
    **{f"{n}, nearly equal models": Cell(n, apart=0.05) for n in (100, 300)},
    **{f"{n}, groups of 5 known": Cell(n, group=5, labels="known") for n in (100, 300)},
    **{f"{n}, groups of 5 proposed": Cell(n, group=5, labels="proposed") for n in (100, 300)},
    **{
        f"{n}, groups of {m} not told": Cell(n, group=m)
        for n, m in ((50, 5), (100, 5), (300, 2), (300, 5), (300, 10))
    },
}


def labels(cell: Cell) -> tuple[str | None, ...] | None:
    """What the studio is told of the groups."""
    if cell.labels == "none":
        return None
    each = np.repeat(np.arange(cell.questions // cell.group), cell.group)
    if cell.labels == "known":
        return tuple(map(str, each))
    asked = [
        Question(id=str(n), question=_worded(int(g), n), choices=("one", "two"), answer=0)
        for n, g in enumerate(each)
    ]
    return proposals.group_by_template(asked)


def _worded(group: int, number: int) -> str:
    """A question of its group's template, which no other group has."""
    word = f"zor{chr(97 + group // 26)}{chr(97 + group % 26)}"
    return f"Which {word} metal does the {word}ist of {word}land find beside plon{number}?"


PAIRS = {
    "two shapes": ((0, POINTS - 1), (1, POINTS - 1)),
    "two sizes": ((0, POINTS - 1), (4, POINTS - 1)),
    "science and twin": ((SCIENCE, EARLY - 1), (MODELS - 1, EARLY - 1)),
    "neighbouring checkpoints": ((4, POINTS - 1), (4, POINTS - 2)),
}


def model_difference(
    resampled: Resampled, metric: str, first: tuple[str, int], second: tuple[str, int]
) -> CurveDifference:
    """Difference of two curves at one checkpoint each, first minus second, on the same resamples.

    It compares two models at a checkpoint, or two checkpoints of a model. Values are as measured: of bpb less
    is better. There is no interval on a set of few questions, or whose models differ on few
    (`rules.few_for_a_difference`).

    Args:
        resampled: The bootstrap.
        metric: Name of the metric.
        first: Model and index of its checkpoint.
        second: Model and index of its checkpoint.
    """
    observed, drawn = resampled.observed[metric], resampled.curves[metric]
    value = float(observed[first[0]][first[1]] - observed[second[0]][second[1]])
    samples = drawn[first[0]][:, first[1]] - drawn[second[0]][:, second[1]]
    if np.isnan(samples).any():
        return CurveDifference(None, None, None)
    each = (
        resampled.runs[first[0]].per_question[metric][first[1]]
        - resampled.runs[second[0]].per_question[metric][second[1]]
    )
    if few := few_for_a_difference(resampled.clusters, resampled.differing_questions(metric)):
        return CurveDifference(value, None, share_above(samples), few, int((each != 0).sum()))
    bounds = pointwise.paired_interval(metric, each[None], samples[:, None], resampled.clusters)[0]
    return CurveDifference.from_samples(metric, value, bounds, samples, each, resampled.clusters)


def judged(source: Source, number: int, sets: int) -> Iterator[tuple[str, str, bool | None]]:
    """(metric, what, whether its interval holds the truth; None where none is shown) of every set."""
    true, told, table = true_scores(source, number), labels(source.cell), coverage.load()
    ids = [str(place) for place in range(source.cell.questions)]
    for trial in range(sets):
        rng = np.random.default_rng([number, 79, trial])
        made = runs(source.values[source.draw(rng)])
        choices = np.full(source.cell.questions, CHOICES)
        length = 1 if told else serial_dependence.block_length(made)
        groups = serial_dependence.group_neighbours(ids, length) if length > 1 else told
        given = intervals.resample(
            made, choices, METRICS, groups=groups, resamples=generator.RESAMPLES, seed=trial
        )
        yield "acc", BLOCKS, length > 1
        for i, metric in enumerate(METRICS):
            shown = intervals.score_intervals(given, metric, table)
            for m in range(MODELS - 1):
                for low, high, aim in zip(*shown.bands[f"m{m}"].T, source.truth[i, m], strict=True):
                    yield metric, "mean", None if np.isnan(low) else bool(low <= aim <= high)
            for (a, k), (b, j) in PAIRS.values():
                own = model_difference(given, metric, (f"m{a}", k), (f"m{b}", j))
                aim = source.truth[i, a, k] - source.truth[i, b, j]
                yield (
                    metric,
                    "difference",
                    None if own.bounds is None else bool(own.bounds[0] <= aim <= own.bounds[1]),
                )
            for score in SCORES:
                bounds = shown.scores[score].bounds
                aim = true[metric, score]
                yield (
                    metric,
                    score,
                    None if bounds is None or np.isnan(aim) else bool(bounds[0] <= aim <= bounds[1]),
                )


def counted(cell: Cell, fleets: Sequence[int], sets: int) -> dict[str, list[int]]:
    """{metric|what: [held, shown, all]} of a cell."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for number in fleets:
        for metric, what, held in judged(Source(cell, number), number, sets):
            row = found[f"{metric}|{what}"]
            row[0] += held is True
            row[1] += held is not None
            row[2] += 1
    return dict(found)


def table(
    found: dict[str, dict[str, list[int]]], sets: int, names: Sequence[str] = ("mean", "difference", *SCORES)
) -> str:
    """Markdown: a row a cell and metric; coverage, with the share of sets shown where it is below all of the `sets`."""
    lines = [f"| sets | metric | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    lines += [
        f"| {cell} | {metric} | {' | '.join(figure(rows[f'{metric}|{n}'], sets) for n in names)} |"
        for cell, rows in found.items()
        for metric in METRICS
    ]
    return "\n".join(lines)


def blocks_table(found: dict[str, dict[str, list[int]]]) -> str:
    """Markdown: the share of each cell's sets without told groups that are drawn in blocks of neighbours."""
    lines = ["| sets | drawn in blocks of neighbours |", "|---|---|"]
    for cell, rows in found.items():
        if CELLS[cell].labels == "none":
            blocks, _, every = rows[f"acc|{BLOCKS}"]
            lines.append(f"| {cell} | {blocks} of {every} |")
    return "\n".join(lines)


def figure(row: list[int], sets: int) -> str:
    """[held, shown, all] in words: bold where the figure's own 95% interval does not meet `PROMISED`, a dash where hardly
    any is shown. Points of one set's curves hang together and count as one."""
    held, shown, every = row
    if shown < every / 20:
        return "–"
    number = sets * shown / every
    low, high = betaincinv(
        [number * held / shown or 1e-9, number * held / shown + 1],
        [number * (1 - held / shown) + 1, number * (1 - held / shown) or 1e-9],
        [0.025, 0.975],
    )
    mark = "**" if high < PROMISED[0] or low > PROMISED[1] else ""
    return f"{mark}{held / shown:.2f}{mark}" + (f" ({shown / every:.0%})" if shown < 0.95 * every else "")


def main(arguments: list[str] | None = None) -> None:
    """Run the cells that are missing in `--work`, print the table; `--write` puts it into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fleets", type=int, default=len(FLEETS), help="how many of the fleets")
    parser.add_argument("--sets", type=int, default=SETS, help="sets of each fleet and cell")
    parser.add_argument("--work", type=Path, help="folder that keeps finished cells")
    parser.add_argument("--write", action="store_true", help="put the table into the study's page")
    options = parser.parse_args(arguments)
    fleets = FLEETS[: options.fleets]
    found = running.finished(CELLS, options.work, lambda cell: counted(cell, fleets, options.sets))
    made = table(found, len(fleets) * options.sets)
    blocks = blocks_table(found)
    print(made, blocks, sep="\n\n")
    if options.write:
        study_pages.put("coverage", "elsewhere", made)
        study_pages.put("coverage", "neighbours", blocks)


if __name__ == "__main__":
    main()
