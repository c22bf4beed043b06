"""What of single questions repeats on the embedded models: on another training, on another text, on another shape.

    python -m benchmarks.coverage.selection.repeats [--write]

The ladder's models are trained from three seeds that read two draws of the same facts. The easiest half of a set, by the
early margin of the first seeds of one shape, is judged on other seeds of the same models: those that read the same
draw and those that read the other. And of every question it is asked what each score would be without it, by the models of
either shape. `--write` puts both tables into docs/studies/null_selection.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import study_pages
from benchmarks.coverage.planted import measured_of
from e2lm_core.analysis.questions.repeatability import correlate_halves
from e2lm_core.base.settings import Settings
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores import signal
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.sets.collection import open_set

SETS = ("ladder_science", "ladder_general")
ARCHS = ("arch1", "arch2")
# Of first seeds arch1 reads the first draw and arch2 the second; the second seed reads the other one, the third the same.
SAME, OTHER = "-seed3", "-seed2"
Chosen = Sequence[ModelCurve]


def first_seeds(measured: Measurements, arch: str) -> list[ModelCurve]:
    """The models of a shape that count."""
    return [
        c
        for c in measured.curves
        if c.model.arch == arch and c.model.seed_of is None and c.model.twin_of is None
    ]


def again(measured: Measurements, models: Chosen, seed: str) -> list[ModelCurve]:
    """The same models from another seed."""
    names = {f"{curve.model.name}{seed}" for curve in models}
    return [curve for curve in measured.curves if curve.model.name in names]


def easiest_half(measured: Measurements, models: Chosen) -> np.ndarray:
    """[Q] whether a question is of the half with the highest mean margin over the models' early checkpoints."""
    values = [measured.per_question[c.model.name]["margin"][c.early].mean(axis=0) for c in models]
    margin = np.mean(values, axis=0)
    mask = np.zeros(len(margin), dtype=bool)
    mask[np.argsort(-margin, kind="stable")[: len(margin) // 2]] = True
    return mask


def gain(measured: Measurements, models: Chosen, mask: np.ndarray) -> float:
    """By how much accuracy at the last checkpoint is higher on the chosen questions than on all, mean over models."""
    last = [measured.per_question[c.model.name]["acc"][-1] for c in models]
    return float(np.mean([values[mask].mean() - values.mean() for values in last]))


def draws_table(every: dict[str, Measurements]) -> str:
    """Markdown: gains of the easiest half, on who chose and on other seeds, mean over both shapes."""
    lines = [
        "| set | on the models that chose | trained again on the same text | trained again on another draw |",
        "|---|---|---|---|",
    ]
    for name, measured in every.items():
        gains = []
        for arch in ARCHS:
            models = first_seeds(measured, arch)
            mask = easiest_half(measured, models)
            judges = [models, *(again(measured, models, seed) for seed in (SAME, OTHER))]
            gains.append([gain(measured, those, mask) for those in judges])
        lines.append(f"| {name} | " + " | ".join(f"{g:+.3f}" for g in np.mean(gains, axis=0)) + " |")
    return "\n".join(lines)


def without(measured: Measurements, models: Chosen, metric: str) -> Floats:
    """[Q] SQ, mean over models, less that of the set without the question."""
    values = np.stack([measured.per_question[c.model.name][metric][c.early] for c in models])
    total, count = values.sum(axis=-1, keepdims=True), values.shape[-1]
    rest = np.round(np.moveaxis((total - values) / (count - 1), -1, 0), 12)

    def quality(curves: Floats) -> Floats:
        return (signal.rho(curves) + signal.autocorrelation(curves)).mean(axis=-1) / 2

    return quality(total[..., 0] / count) - quality(rest)


def single_table(every: dict[str, Measurements]) -> str:
    """Markdown: the correlation over questions, between shapes, of what SQ would be without each."""
    lines = ["| set | metric | correlation over questions |", "|---|---|---|"]
    for name, measured in every.items():
        for metric in ("acc", "norm_prob"):
            halves = [first_seeds(measured, arch) for arch in ARCHS]
            models = [curve.model for half in halves for curve in half]
            split = (tuple(range(len(halves[0]))), tuple(range(len(halves[0]), len(models))))
            found = correlate_halves(models, split, *(without(measured, half, metric) for half in halves))
            lines.append(
                f"| {name} | {metric} | {found.correlation:+.2f} [{found.low:+.2f}, {found.high:+.2f}] |"
            )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Ask both, print the tables; `--write` puts them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="put the tables into the study's page")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        studio = open_studio(Settings(home=Path(folder)))
        every = {name: measured_of(studio, open_set(studio.settings, name)) for name in SETS}
    for name, table in {"draws": draws_table(every), "single": single_table(every)}.items():
        print(f"{name}\n{table}\n")
        if options.write:
            study_pages.put("null_selection", name, table)


if __name__ == "__main__":
    main()
