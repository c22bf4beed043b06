"""Whether the ladder's ranks are real: its steps from size to size and from shape to shape against its seeds.

    python -m benchmarks.coverage.ladder [--write]

    s^2 = mean over the cells of the variance (n - 1) of a cell's seeds at the end of the early window
    a step is real where |difference of two cells' means| >= 2.83 s

A cell is a size and shape, trained from three seeds that read both draws of the text; with six cells s has 12 degrees of
freedom. Means of three that differ by 2.83 s have t = 2.83 sqrt(3 / 2) = 3.47 and p = .005: each of seven steps, judged
together, is sure to 5%. RC is asked too of a set that says nothing: the same answers under random keys, and models that
never move from their first checkpoint. Prints the tables; `--write` puts them into the ladder's card, ladder/README.md.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.coverage.planted import measured_of
from e2lm_core.analysis import validity
from e2lm_core.base.records import Value
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty import null
from e2lm_core.sets.collection import open_set
from scripts import marked

CARD = ROOT / "ladder" / "README.md"
SETS = ("ladder_science", "ladder_general")
SIZES, ARCHS = ("small", "medium", "large"), ("arch1", "arch2")
REAL = 2.83
RANDOM_KEYS = 20

Cell = tuple[str, str]  # size, shape


class Step(NamedTuple):
    """From one cell to another: the difference of their means, and how many s it is."""

    one: Cell
    other: Cell
    difference: float
    deviations: float

    @property
    def real(self) -> bool:
        """Whether it is more than seeds make."""
        return abs(self.deviations) >= REAL


def cells(measured: Measurements, step: int) -> dict[Cell, list[float]]:
    """{cell: accuracy of each of its seeds at a step}, twins left out."""
    found: dict[Cell, list[float]] = {}
    for curve in measured.curves:
        if curve.model.twin_of is None:
            value = _at(measured, curve, step)
            found.setdefault((str(curve.model.size), str(curve.model.arch)), []).append(value)
    return found


def pooled(found: Mapping[Cell, Sequence[float]]) -> float:
    """s: the root of the mean variance of the cells, which have as many seeds each."""
    return float(np.sqrt(np.mean([np.var(values, ddof=1) for values in found.values()])))


def steps(found: Mapping[Cell, Sequence[float]]) -> tuple[list[Step], list[Step]]:
    """From size to size of each shape, and from shape to shape of each size."""
    s = pooled(found)

    def step(one: Cell, other: Cell) -> Step:
        difference = float(np.mean(found[other]) - np.mean(found[one]))
        return Step(one, other, difference, difference / s)

    sizes = [step((a, arch), (b, arch)) for arch in ARCHS for a, b in itertools.pairwise(SIZES)]
    return sizes, [step((size, ARCHS[0]), (size, ARCHS[1])) for size in SIZES]


def still(measured: Measurements) -> Measurements:
    """Models that stay at their first checkpoint for ever."""
    curves = [replace(c, ll=np.repeat(c.ll[:1], len(c.ll), axis=0)) for c in measured.curves]
    return replace(measured, curves=tuple(curves))


def random_keys(measured: Measurements) -> Iterator[Measurements]:
    """The same answers under keys that nobody chose."""
    rng = np.random.default_rng(0)
    for _ in range(RANDOM_KEYS):
        yield replace(measured, gold=rng.integers(0, measured.choice_counts))


def rank_consistency(measured: Measurements) -> Value:
    """RC of accuracy with its null."""
    return validity.scores_with_null(measured, "acc").rc


def curves_table(measured: Measurements) -> str:
    """Accuracy by checkpoint of every first seed and twin, and the signal quality of two metrics."""
    shown = [c for c in measured.curves if c.model.seed_of is None]
    every = sorted({int(step) for c in shown for step in c.steps})
    quality = {metric: set_scores.signal_qualities(measured, metric) for metric in ("acc", "norm_prob")}
    lines = [
        f"| model | {' | '.join(map(str, every))} | SQ acc | SQ norm_prob |",
        f"|{'---|' * (len(every) + 3)}",
    ]
    for curve in shown:
        has = set(map(int, curve.steps))
        values = [f"{_at(measured, curve, step):.2f}"[1:] if step in has else "–" for step in every]
        sq = [quality[metric][curve.model.name].sq for metric in quality]
        said = ["–" if value is None else f"{value:.3f}" for value in sq]
        lines.append(f"| {' | '.join([curve.model.short_name, *values, *said])} |")
    return "\n".join(lines)


def seeds_table(measured: Measurements) -> str:
    """Each cell's seeds at the window's end and at the last step."""
    end, last = window(measured)
    lines = [
        f"| size, shape | step {end:,}: seeds | mean | s | step {last:,}: seeds | mean | s |",
        "|---|---|---|---|---|---|---|",
    ]
    here, there = cells(measured, end), cells(measured, last)
    for cell in here:
        parts = []
        for values in (here[cell], there[cell]):
            listed = ", ".join(f"{value:.3f}" for value in values)
            parts += [listed, f"{np.mean(values):.3f}", f"{np.std(values, ddof=1):.3f}"]
        lines.append(f"| {' | '.join([', '.join(cell), *parts])} |")
    lines.append(f"| pooled | | | {pooled(here):.3f} | | | {pooled(there):.3f} |")
    return "\n".join(lines)


def steps_table(measured: Measurements) -> str:
    """Every step at the end of the early window."""
    lines = ["| from | to | difference | in s | real |", "|---|---|---|---|---|"]
    lines += [
        f"| {', '.join(step.one)} | {', '.join(step.other)} | {step.difference:+.3f} | "
        f"{step.deviations:+.2f} | {'yes' if step.real else 'no'} |"
        for step in itertools.chain(*steps(cells(measured, window(measured)[0])))
    ]
    return "\n".join(lines)


def null_table(measured: Measurements) -> str:
    """RC of the set, of models that stand still and of random keys, against its 95% point under random answers."""
    lines = ["| answers | RC | null's 95% point | p |", "|---|---|---|---|"]
    for name, there in (("as they are", measured), ("of models that never move", still(measured))):
        value = rank_consistency(there)
        if value.value is None or value.null is None:
            lines.append(f"| {name} | undefined | – | – |")
        else:
            lines.append(f"| {name} | {value.value:.3f} | {value.null.q95:.3f} | {value.null.p:.3f} |")
    said = [rank_consistency(there) for there in random_keys(measured)]
    defined = [value.null.p for value in said if value.null is not None]
    above = sum(p <= null.LEVEL for p in defined)
    lines.append(f"| {RANDOM_KEYS} times under random keys | | above it in {above} of {len(defined)} | |")
    return "\n".join(lines)


def window(measured: Measurements) -> tuple[int, int]:
    """The last step of the early window and of training."""
    first = next(c for c in measured.curves if c.model.counts_in_scores)
    return int(first.steps[first.early][-1]), int(first.steps[-1])


def _at(measured: Measurements, curve: ModelCurve, step: int) -> float:
    return float(measured.values(curve.model.name, "acc")[curve.steps == step][0])


def tables() -> dict[str, str]:
    """{mark in the card: its table}, from results that the package brings or that are computed once."""
    with tempfile.TemporaryDirectory() as home:
        studio = open_studio(Settings(home=Path(home)))
        science, general = (measured_of(studio, open_set(studio.settings, name)) for name in SETS)
    return {
        "science": curves_table(science),
        "general": curves_table(general),
        "seeds": seeds_table(science),
        "steps": steps_table(science),
        "null": null_table(science),
    }


def main(arguments: list[str] | None = None) -> None:
    """Print the tables; `--write` puts them into the card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="put the tables into ladder/README.md")
    options = parser.parse_args(arguments)
    text = CARD.read_text(encoding="utf-8")
    for name, table in tables().items():
        print(f"{name}\n{table}\n")
        text = marked.replaced(text, name, table)
    if options.write:
        CARD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
