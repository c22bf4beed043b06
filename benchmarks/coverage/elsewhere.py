"""Do the intervals that are shown hold on sets from another generator? `python -m benchmarks.coverage.elsewhere [--write]`.

No method was chosen on this source; it differs from `tests.support.simulation` in every part:

    p_mkq  = 1/4 + 3/4 sigmoid(a_q (theta_mk - b_q))         three-parameter logistic, a log-normal, b skewed
    acc    = [T(z_mkq) < p_mkq],  norm_prob = sigmoid(logit p_mkq - 1.2 z_mkq)
    z_mkq  = (shared by a question's models, by its group, from checkpoint to checkpoint, and noise) / sqrt(chi2_4 / 4)

with theta an S-curve of training whose take-off differs by model, moved at every checkpoint by Student's t, T the
distribution of Student's t with 4 degrees, so that answers hang together by a t copula: in a group all fail at once.
Counted is, cell by cell, how often the studio's own intervals (`intervals.band`, `difference`, `score_intervals`) hold
the truth of a finite source, and of how many sets one is shown. Where groups are *proposed*, question texts are made
from templates and the labels are those that `sets.checks.groups` proposes. `--work` keeps finished cells.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit, logit, stdtr

from benchmarks import study_pages
from e2lm_core.base.records import Question
from e2lm_core.scores import set_scores
from e2lm_core.scores.layout import Layout, Run
from e2lm_core.scores.uncertainty import coverage, intervals
from e2lm_core.sets.checks import groups as proposals

METRICS = ("acc", "norm_prob")
SCORES = ("sq", "rc_organisers", "rc", "cs", "score_organisers", "score", "snr", "decision_accuracy")
SIZES, SHAPES, POINTS, EARLY, CHOICES = 3, 2, 16, 8, 4
MODELS = SIZES * SHAPES + 1  # the last is the web-only twin of the middle size's first shape
SCIENCE = 2
SOURCE, FRESH, RESAMPLES = 6_000, 300, 200
FLEETS, SETS = 8, 25
FIRST = 200  # the fleets before were looked at while methods and kinds were chosen
_TAILS = 4.0


@dataclass(frozen=True)
class Cell:
    """A kind of source, and of how many questions its sets are; `group` questions hang together, `labels` says how
    the studio learns of it."""

    questions: int
    group: int = 1
    labels: str = "none"  # or known, proposed
    ends: float = 1.6  # theta of the middle size at the end
    apart: float = 0.5  # between sizes
    tails: bool = False  # of difficulty


CELLS = {
    **{f"{n} questions": Cell(n) for n in (20, 50, 100, 300)},
    **{f"{n}, heavy tails": Cell(n, tails=True) for n in (50, 300)},
    **{f"{n}, ceiling": Cell(n, ends=5.0) for n in (20, 50, 100, 300)},
    **{f"{n}, nearly equal models": Cell(n, apart=0.05) for n in (100, 300)},
    **{f"{n}, groups of 5 known": Cell(n, group=5, labels="known") for n in (100, 300)},
    **{f"{n}, groups of 5 proposed": Cell(n, group=5, labels="proposed") for n in (100, 300)},
    "300, groups of 5 not told": Cell(300, group=5),
}


def abilities(rng: np.random.Generator, cell: Cell) -> np.ndarray:
    """[M, K]: S-curves from below all questions; shapes of a size differ by a fifth of what sizes do."""
    size = np.repeat(np.arange(SIZES) - 1.0, SHAPES) * cell.apart
    level = cell.ends + size + rng.normal(0, 0.2 * cell.apart, SIZES * SHAPES)
    level = np.append(level, cell.ends - 1.5)
    middle = rng.uniform(0.15, 0.8) + rng.normal(0, 0.06, MODELS)
    steep = rng.uniform(5, 14)
    rise = expit(steep * (np.linspace(0, 1, POINTS) - middle[:, None]))
    return -3 + (level[:, None] + 3) * rise + 0.06 * rng.standard_t(3, (MODELS, POINTS))


class Source:
    """Questions by the thousand put to one fleet: `values` [questions, metric, model, checkpoint], the truth itself."""

    def __init__(self, cell: Cell, number: int) -> None:
        rng = np.random.default_rng([number, 77])
        self.cell, theta = cell, abilities(rng, cell)
        blocks = SOURCE // cell.group
        of = np.repeat(np.arange(blocks), cell.group)
        count = len(of)
        shared = rng.standard_normal(blocks)[of] if cell.group > 1 else 0.0
        own = rng.standard_t(2, count) if cell.tails else rng.gamma(4, 0.5, count) - 2  # skewed to the hard
        b = own + 0.8 * shared
        a = np.exp(rng.normal(0.3, 0.5, count))
        p = 0.25 + 0.75 * expit(a * (theta[..., None] - b))
        z = self._copula(rng, of, cell.group > 1, count)
        values = [(stdtr(_TAILS, z) < p), expit(logit(np.clip(p, 1e-6, 1 - 1e-6)) - 1.2 * z)]
        self.values = np.stack(values).transpose(3, 0, 1, 2).astype(np.float32)
        self.truth = self.values.mean(axis=0, dtype=np.float64)

    def _copula(self, rng: np.random.Generator, of: np.ndarray, grouped: bool, count: int) -> np.ndarray:
        """[M, K, Q] of Student's t: parts of variance .3 by question, .2 by model, .2 by group, the rest in passing."""
        by_group = np.sqrt(0.2) * rng.standard_normal((MODELS, of.max() + 1))[:, of] if grouped else 0.0
        lasting = np.sqrt(0.3) * rng.standard_normal(count) + np.sqrt(0.2) * rng.standard_normal(
            (MODELS, count)
        )
        passing = np.empty((MODELS, POINTS, count))
        passing[:, 0] = rng.standard_normal((MODELS, count))
        for k in range(1, POINTS):
            passing[:, k] = 0.7 * passing[:, k - 1] + np.sqrt(0.51) * rng.standard_normal((MODELS, count))
        normal = (lasting + by_group)[:, None] + np.sqrt(0.3 if grouped else 0.5) * passing
        return normal / np.sqrt(rng.chisquare(_TAILS, of.max() + 1) / _TAILS)[of]

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """The places of a set's questions: groups are drawn whole."""
        step = self.cell.group
        first = step * rng.integers(0, len(self.values) // step, self.cell.questions // step)
        return (first[:, None] + np.arange(step)).ravel()


def runs(values: np.ndarray) -> dict[str, Run]:
    """A set's answers [questions, metric, model, checkpoint] as the scores take them."""
    steps = np.arange(1, POINTS + 1)
    made = {}
    for m in range(MODELS):
        twin = m == MODELS - 1
        size = f"s{SCIENCE // SHAPES if twin else m // SHAPES}"
        made[f"m{m}"] = Run(
            per_question={metric: values[:, i, m].T.astype(np.float64) for i, metric in enumerate(METRICS)},
            steps=steps,
            early=steps <= EARLY,
            counts=not twin,
            twin_of=f"m{SCIENCE}" if twin else None,
            size=size,
        )
    return made


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
    return proposals.by_template(asked)


def _worded(group: int, number: int) -> str:
    """A question of its group's template, which no other group has."""
    word = f"zor{chr(97 + group // 26)}{chr(97 + group % 26)}"
    return f"Which {word} metal does the {word}ist of {word}land find beside plon{number}?"


def true_scores(source: Source, number: int) -> dict[tuple[str, str], float]:
    """{(metric, score or model): mean over fresh sets of this size}, those left out where it is undefined; a model's is
    its own SQ."""
    rng = np.random.default_rng([number, 78])
    drawn = [source.values[source.draw(rng)] for _ in range(FRESH)]
    stacked = np.stack([rows.mean(axis=0, dtype=np.float64) for rows in drawn])
    every = runs(drawn[0])
    layout = Layout.of(every, {name: np.zeros(POINTS) for name in every})
    errors = np.stack([rows[:, 1, SCIENCE].std(axis=0, ddof=1) for rows in drawn]) / np.sqrt(
        source.cell.questions
    )
    found = {}
    for i, metric in enumerate(METRICS):
        chance = np.full(FRESH, 1 / CHOICES)
        against = set_scores.floor(every, layout, metric, chance, source.cell.questions)
        if metric == "norm_prob":
            against = set_scores.Floor(chance, {f"m{SCIENCE}": errors[:, layout.early[f"m{SCIENCE}"]]})
        curves = {f"m{m}": stacked[:, i, m] for m in range(MODELS)}
        own = set_scores.curve_scores(layout, curves, metric, against)
        each = {score: own.whole[score] for score in SCORES} | {n: own.models[n] for n in layout.counted}
        for name, values in each.items():
            known = values[np.isfinite(values)]
            found[metric, name] = float(known.mean()) if len(known) > FRESH / 2 else float("nan")
    return found


PAIRS = {
    "two shapes": ((0, POINTS - 1), (1, POINTS - 1)),
    "two sizes": ((0, POINTS - 1), (4, POINTS - 1)),
    "science and twin": ((SCIENCE, EARLY - 1), (MODELS - 1, EARLY - 1)),
    "neighbouring checkpoints": ((4, POINTS - 1), (4, POINTS - 2)),
}


def judged(source: Source, number: int, sets: int) -> Iterator[tuple[str, str, bool | None]]:
    """(metric, what, whether its interval holds the truth; None where none is shown) of every set."""
    true, told, table = true_scores(source, number), labels(source.cell), coverage.load()
    for trial in range(sets):
        rng = np.random.default_rng([number, 79, trial])
        made = runs(source.values[source.draw(rng)])
        choices = np.full(source.cell.questions, CHOICES)
        given = intervals.resample(made, choices, METRICS, groups=told, resamples=RESAMPLES, seed=trial)
        for i, metric in enumerate(METRICS):
            shown = intervals.score_intervals(given, metric, table)
            for m in range(MODELS - 1):
                for low, high, aim in zip(*shown.bands[f"m{m}"].T, source.truth[i, m], strict=True):
                    yield metric, "mean", None if np.isnan(low) else bool(low <= aim <= high)
            for (a, k), (b, j) in PAIRS.values():
                own = intervals.difference(given, metric, (f"m{a}", k), (f"m{b}", j))
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


def counted(cell: Cell, fleets: range, sets: int) -> dict[str, list[int]]:
    """{metric|what: [held, shown, all]} of a cell."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for number in fleets:
        for metric, what, held in judged(Source(cell, number), number, sets):
            row = found[f"{metric}|{what}"]
            row[0] += held is True
            row[1] += held is not None
            row[2] += 1
    return dict(found)


def table(found: dict[str, dict[str, list[int]]]) -> str:
    """Markdown: a row a cell and metric; coverage, with the share of sets shown where it is below all of them."""
    names = ("mean", "difference", *SCORES)
    lines = [f"| sets | metric | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    lines += [
        f"| {cell} | {metric} | {' | '.join(_figure(rows[f'{metric}|{n}']) for n in names)} |"
        for cell, rows in found.items()
        for metric in METRICS
    ]
    return "\n".join(lines)


def _figure(row: list[int]) -> str:
    held, shown, every = row
    if shown < every / 20:
        return "–"
    return f"{held / shown:.2f}" + (f" ({shown / every:.0%})" if shown < 0.95 * every else "")


def main(arguments: list[str] | None = None) -> None:
    """Run the cells that are missing in `--work`, print the table; `--write` puts it into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fleets", type=int, default=FLEETS)
    parser.add_argument("--sets", type=int, default=SETS, help="sets of each fleet and cell")
    parser.add_argument("--work", type=Path, help="folder that keeps finished cells")
    parser.add_argument("--write", action="store_true", help="put the table into the study's page")
    options = parser.parse_args(arguments)
    found = {}
    for name, cell in CELLS.items():
        kept = options.work / f"{name}.json" if options.work else None
        if kept and kept.exists():
            found[name] = json.loads(kept.read_text(encoding="utf-8"))
            continue
        found[name] = counted(cell, range(FIRST, FIRST + options.fleets), options.sets)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(found[name]), encoding="utf-8")
        print(name, flush=True)
    print(table(found))
    if options.write:
        study_pages.put("coverage", "elsewhere", table(found))


if __name__ == "__main__":
    main()
