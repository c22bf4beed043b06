"""Do the intervals hold on sets of another making? `python -m benchmarks.coverage.elsewhere [--sets 120] [--write]`.

A generator of its own, which took no part in choosing any method: every question has a time at which models take it up,
models differ by how soon they do, and what a model makes of a question wanders from checkpoint to checkpoint (AR(.9)).
On it sets with ceilings, in groups, with heavy tails, of models that are nearly equal, of 20 to 300 questions. Every
interval is the one that the pages show, by the functions that they call; counted is how often it holds what a fresh set
is expected to show, and in how many sets none is told.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks import study_pages
from e2lm_core.scores import metrics, set_scores
from e2lm_core.scores.layout import Layout, Run
from e2lm_core.scores.uncertainty import coverage, intervals

MODELS, CHECKPOINTS, EARLY, CHOICES = 6, 16, 12, 4
SCORES = ("sq", "rc", "cs", "score", "snr", "decision_accuracy")
METRICS = ("acc", "norm_prob")
RESAMPLES, FRESH = 300, 200
NAMES = (*(f"m{n}" for n in range(MODELS)), "web")


@dataclass(frozen=True)
class Cell:
    """A kind of source: how far models differ, by when most is learned, its tails, and how many questions a group has."""

    questions: int
    apart: float = 0.5  # of models, in e-folds of training
    done: float = 0.5  # the share of training at which a middling question is taken up by a middling model
    steep: float = 2.0
    heavy: bool = False
    group: int = 1


CELLS = {
    "plain, 20 questions": Cell(20),
    "plain, 50 questions": Cell(50),
    "plain, 100 questions": Cell(100),
    "plain, 300 questions": Cell(300),
    "heavy tails, 20 questions": Cell(20, heavy=True),
    "heavy tails, 100 questions": Cell(100, heavy=True),
    "ceiling, 50 questions": Cell(50, done=0.04, steep=4.0),
    "ceiling, 100 questions": Cell(100, done=0.04, steep=4.0),
    "nearly equal, 100 questions": Cell(100, apart=0.04),
    "nearly equal, 300 questions": Cell(300, apart=0.04),
    "learns late, 100 questions": Cell(100, done=2.0),
    "groups of 5, 100 questions": Cell(100, group=5),
    "groups of 5, 300 questions": Cell(300, group=5),
    "groups of 20, 400 questions": Cell(400, group=20),
}


def draw(random: np.random.Generator, cell: Cell, shape: np.ndarray, questions: int) -> dict[str, np.ndarray]:
    """{metric: [models and twin, K, Q]} of questions drawn from the source; `shape` [models, K] is each one's training."""
    groups = -(-questions // cell.group)
    tail = (lambda size: random.standard_t(3, size)) if cell.heavy else random.standard_normal

    def together(size: tuple[int, ...]) -> np.ndarray:
        own = tail((*size, questions))
        if cell.group == 1:
            return own
        shared = np.repeat(tail((*size, groups)), cell.group, axis=-1)[..., :questions]
        return np.sqrt(0.6) * shared + np.sqrt(0.4) * own

    taken_up = 0.8 * together(()) + 0.35 * together((MODELS + 1,))
    knows = 1 / (1 + np.exp(-cell.steep * (shape[:, :, None] - taken_up[:, None])))
    knows[-1] = 0
    taste = random.normal(0, 0.9, (1, 1, questions, CHOICES)) + random.normal(
        0, 0.5, (MODELS + 1, 1, questions, CHOICES)
    )
    passing = random.normal(0, 0.4, (MODELS + 1, CHECKPOINTS, questions, CHOICES))
    for k in range(1, CHECKPOINTS):
        passing[:, k] = 0.9 * passing[:, k - 1] + np.sqrt(1 - 0.81) * passing[:, k]
    ll = taste + passing
    ll[..., 0] += 5.0 * knows
    lengths = np.full((questions, CHOICES), 5.0)
    return metrics.per_question(ll, np.zeros(questions, int), lengths, lengths[:, 0], METRICS)


def training(random: np.random.Generator, cell: Cell) -> np.ndarray:
    """[models and twin, K]: how far each model is in what there is to know, with its own wobble."""
    tokens = np.log(np.arange(1, CHECKPOINTS + 1) / CHECKPOINTS) - np.log(cell.done)
    sizes = cell.apart * np.append(np.linspace(-1, 1, MODELS), 0)
    return tokens + sizes[:, None] + random.normal(0, 0.05, (MODELS + 1, CHECKPOINTS))


def runs(values: dict[str, np.ndarray]) -> dict[str, Run]:
    """As the scores take them: six models that count, and a twin of the middle one."""
    steps = np.arange(1, CHECKPOINTS + 1)
    return {
        name: Run(
            per_question={metric: own[n] for metric, own in values.items()},
            steps=steps,
            early=steps <= EARLY,
            counts=n < MODELS,
            twin_of="m2" if name == "web" else None,
        )
        for n, name in enumerate(NAMES)
    }


def truths(cell: Cell, shape: np.ndarray, random: np.random.Generator) -> dict[str, dict[str, np.ndarray]]:
    """{metric: {score: its mean over fresh sets; "mean": [models and twin, K] of the whole source}}."""
    curves = []
    for _ in range(FRESH):
        drawn = draw(random, cell, shape, cell.questions)
        curves.append({metric: own.mean(axis=-1) for metric, own in drawn.items()})
    one = runs(draw(random, cell, shape, cell.questions))
    found: dict[str, dict[str, np.ndarray]] = {}
    for metric in METRICS:
        stacked = np.stack([c[metric] for c in curves])
        layout = Layout.of(one, {n: r.per_question[metric].mean(axis=1) for n, r in one.items()})
        chance = np.full(FRESH, 1 / CHOICES)
        against = set_scores.floor(one, layout, metric, chance, cell.questions)
        scores = set_scores.curve_scores(
            layout, {n: stacked[:, i] for i, n in enumerate(NAMES)}, metric, against
        )
        found[metric] = {score: np.nanmean(scores.whole[score]) for score in SCORES}
        found[metric]["mean"] = stacked.mean(axis=0)
    for _ in range(4):  # the source's own means need more questions than fresh sets have
        drawn = draw(random, cell, shape, 5000)
        for metric in METRICS:
            found[metric].setdefault("source", []).append(drawn[metric].mean(axis=-1))
    for metric in METRICS:
        found[metric]["mean"] = np.mean(found[metric].pop("source"), axis=0)
    return found


def held(name: str, sets: int) -> Iterator[tuple[str, str, float, bool, float]]:
    """(what, metric, width, whether it holds the truth, coverage said) of every interval; the width is NaN of none."""
    cell = CELLS[name]
    random = np.random.default_rng([len(name), cell.questions])
    table = coverage.load()
    for number in range(sets):
        if number % 20 == 0:
            shape = training(random, cell)
            true = truths(cell, shape, random)
        values = draw(random, cell, shape, cell.questions)
        groups = [f"g{n // cell.group}" for n in range(cell.questions)] if cell.group > 1 else None
        given = intervals.resample(
            runs(values), np.full(cell.questions, CHOICES), METRICS, groups, resamples=RESAMPLES, seed=number
        )
        for metric in METRICS:
            mean = true[metric]["mean"]
            for model in (0, 3, 5):
                low, high = intervals.band(given, metric, NAMES[model])[-1]
                yield "mean", metric, high - low, low <= mean[model, -1] <= high, 0.95
            for (a, i), (b, j) in (((5, -1), (0, -1)), ((4, -1), (3, -1)), ((2, 11), (2, 10))):
                bounds = intervals.difference(given, metric, (NAMES[a], i), (NAMES[b], j)).bounds
                low, high = bounds or (np.nan, np.nan)
                yield "difference", metric, high - low, low <= mean[a, i] - mean[b, j] <= high, 0.95
            for score, found in intervals.score_intervals(given, metric, table).scores.items():
                if score in SCORES:
                    low, high = found.bounds or (np.nan, np.nan)
                    said = found.coverage or np.nan
                    yield score, metric, high - low, low <= true[metric][score] <= high, said


def rows(name: str, sets: int) -> list[str]:
    """A line for each kind of interval: coverage over those that are told, the lowest of both metrics."""
    tally: dict[tuple[str, str], list[tuple[float, bool, float]]] = {}
    for what, metric, width, holds, said in held(name, sets):
        tally.setdefault((what, metric), []).append((width, holds, said))
    cells = []
    for what in ("mean", "difference", *SCORES):
        told = []
        for metric in METRICS:
            known = [(h, s) for w, h, s in tally[what, metric] if np.isfinite(w)]
            share = len(known) / len(tally[what, metric])
            told.append(
                "–" if share < 0.2 else f"{np.mean([h for h, _ in known]):.0%}{'' if share > 0.9 else '*'}"
            )
        cells.append(" / ".join(told))
    return [f"| {name} | {' | '.join(cells)} |"]


def main(arguments: list[str] | None = None) -> None:
    """Run the study, print its table; `--write` puts it into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=120)
    parser.add_argument("--cell", help="one of them alone")
    parser.add_argument("--write", action="store_true", help="put the table into the study's page")
    options = parser.parse_args(arguments)
    lines = [
        f"| source | mean | difference | {' | '.join(SCORES)} |",
        "|---|" + "---|" * (2 + len(SCORES)),
    ]
    for name in CELLS:
        if options.cell in (None, name):
            lines += rows(name, options.sets)
            print(lines[-1], flush=True)
    if options.write:
        study_pages.put("elsewhere", "elsewhere", "\n".join(lines))


if __name__ == "__main__":
    main()
