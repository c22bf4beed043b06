"""Library of the shelf: its sources, benchmarks and curves, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.base.settings import Settings
from e2lm_core.imported.records import Curve, lower_is_better
from e2lm_core.imported.shelf.added import added_files
from e2lm_core.imported.shelf.columns import AddedBenchmark, AddedFile, AddedSource
from e2lm_core.imported.shelf.packing import Benchmark, PackedFile, Source, open_packed
from e2lm_core.scores.arrays import Floats

FOLDER = Path(__file__).parent / "figures"
SUFFIX = ".shelf"
# Choices of a question by the benchmark's name, as its authors wrote it; `-*` stands for any ending. A benchmark is not
# here if its questions have no choices or different numbers of them, or if one answer is right more often than the
# others (yes in 62% of BoolQ, no in 63% of WSC), so that a model is above 1 / choices without reading a question.
CHOICES = {
    **dict.fromkeys(("anli_r1", "anli_r2", "anli_r3"), 3),
    **dict.fromkeys(("piqa", "winogrande"), 2),
    **dict.fromkeys(("arc_challenge", "arc_easy", "gpqa", "hellaswag", "logiqa", "race", "sciq"), 4),
    **dict.fromkeys(("mmlu", "mmluvar", "hendrycksTest-*"), 4),
}


SUBJECT = "hendrycksTest-"  # one of MMLU's, as lm-evaluation-harness 0.3 calls them


@dataclass(frozen=True)
class Shelved:
    """A benchmark on the shelf.

    Attributes:
        source: Origin of its figures.
        benchmark: Its entry in the source's file.
        file: The source's file.
        parts: Benchmarks whose questions it joins; empty for one that the source has itself.
    """

    source: Source | AddedSource
    benchmark: Benchmark | AddedBenchmark
    file: PackedFile | AddedFile
    parts: tuple[Benchmark, ...] = ()

    @property
    def key(self) -> str:
        """Name in links: source, benchmark and few-shot count, such as `pythia:piqa:5`."""
        shots = self.benchmark.num_fewshot
        name = self.benchmark.name.replace("%", "%25").replace(":", "%3A")
        return ":".join([self.group[0], name, *([] if shots is None else [str(shots)])])

    @property
    def group(self) -> tuple[str, int | None]:
        """Source and few-shot count; benchmarks that share them ran on the same models."""
        return self.source.key, self.benchmark.num_fewshot

    @property
    def digest(self) -> str:
        """Digest of its figures, equal for equal ones alone."""
        return f"{self.key}:{self.file.path.name}:{self.benchmark.crc}:{len(self.parts)}"

    @property
    def label(self) -> str:
        """Name with the few-shot count, such as `piqa (5-shot)`."""
        shots = self.benchmark.num_fewshot
        return self.benchmark.name if shots is None else f"{self.benchmark.name} ({shots}-shot)"

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that ran it, each series in order of size; of an added table those of all benchmarks."""
        if isinstance(self.file, AddedFile):
            return tuple(model.name for model in self.file.header.models)
        return tuple(axis.model.name for axis in self.file.header.axes_of(_packed(self)))

    @property
    def series(self) -> dict[str, str]:
        """Series by model that ran it, such as `standard`; empty for an added table, which names none."""
        if isinstance(self.file, AddedFile):
            return {}
        return {axis.model.name: axis.series for axis in self.file.header.axes_of(_packed(self))}

    @property
    def main_metric(self) -> str:
        """The metric that a table shows where none is named: the source's first."""
        return next(iter(self.benchmark.metrics))

    def chance(self, metric: str) -> float | None:
        """Accuracy of blind guessing; None for a metric or a benchmark without a known one."""
        if metric not in ("acc", "acc_norm", "score"):
            return None
        name = self.benchmark.name
        choices = CHOICES.get(name) or CHOICES.get(name.partition("-")[0] + "-*")
        return None if choices is None else 1 / choices


@lru_cache(maxsize=1)
def _files() -> tuple[PackedFile, ...]:
    """The packed files of the package, by name; their headers are read once a process."""
    return tuple(open_packed(path) for path in sorted(FOLDER.glob(f"*{SUFFIX}")))


def sources(settings: Settings | None = None) -> tuple[Source | AddedSource, ...]:
    """Origins of all figures on the shelf, those that a caller has added last.

    Args:
        settings: The caller's settings; None for the package's sources alone.
    """
    added = () if settings is None else added_files(settings)[0]
    return (*(file.header.source for file in _files()), *(file.header.source for file in added))


def benchmarks(source: str | None = None, settings: Settings | None = None) -> tuple[Shelved, ...]:
    """All benchmarks on the shelf, or those of one source, MMLU as a whole last; no curve is read.

    Args:
        source: Key of a source; None for all.
        settings: Settings of a caller whose added tables are on the shelf as well; None for the package's alone.

    Raises:
        StudioError: There is no such source.
    """
    keys = [known.key for known in sources(settings)]
    if source is not None and source not in keys:
        raise StudioError(f"The shelf has no source {quote(source)}: it has {join_words(keys, len(keys))}.")
    packed = [
        shelved
        for file in _files()
        if source in (None, file.header.source.key)
        for shelved in (
            *(Shelved(file.header.source, benchmark, file) for benchmark in file.header.benchmarks),
            *_joined(file),
        )
    ]
    added = [
        Shelved(file.header.source, benchmark, file)
        for file in (() if settings is None else added_files(settings)[0])
        if source in (None, file.header.source.key)
        for benchmark in file.header.benchmarks
    ]
    return (*packed, *added)


def find_benchmarks(
    name: str,
    source: str | None = None,
    num_fewshot: int | None = None,
    metric: str | None = None,
    settings: Settings | None = None,
) -> list[Shelved]:
    """Benchmarks of that name: one for each source and few-shot count that has it.

    Args:
        name: Name of the benchmark as its source writes it.
        source: Key of the source; None for all.
        num_fewshot: Few-shot count; None for all.
        metric: A metric that they have; None for any.
        settings: Settings of a caller whose added tables count as well.

    Raises:
        StudioError: There is none.
    """
    every = benchmarks(source, settings)
    named = [shelved for shelved in every if shelved.benchmark.name == name]
    if not named:
        alike = sorted({s.benchmark.name for s in every if name.lower() in s.benchmark.name.lower()})
        hint = f"close to it are {join_words(alike, 5)}" if alike else "`shelf list` shows all"
        raise StudioError(f"The shelf has no benchmark {quote(name)}: {hint}.")
    found = [s for s in named if num_fewshot in (None, s.benchmark.num_fewshot)]
    if not found:
        counts = [
            "an unknown number" if n is None else str(n) for n in (s.benchmark.num_fewshot for s in named)
        ]
        raise StudioError(
            f"The shelf has {quote(name)} with {join_words(counts)} few-shot examples, not with {num_fewshot}: "
            "name one of these, or leave it out."
        )
    if not (with_metric := [s for s in found if metric is None or metric in s.benchmark.metrics]):
        raise _no_metric(name, str(metric), {m for s in found for m in s.benchmark.metrics})
    return with_metric


def open_curves(shelved: Shelved, metric: str | None = None) -> tuple[Curve, ...]:
    """Curves of a benchmark, one per model and metric, as an import would give them.

    Args:
        shelved: The benchmark.
        metric: A metric of it; None for all.

    Raises:
        StudioError: The benchmark lacks the metric, or the file is damaged.
    """
    known = shelved.benchmark.metrics
    if metric is not None and metric not in known:
        raise _no_metric(shelved.label, metric, known)
    wanted = known if metric is None else (metric,)
    if isinstance(shelved.file, AddedFile):
        of = cast(AddedBenchmark, shelved.benchmark)
        return tuple(curve for name in wanted for curve in shelved.file.curves(of, name))
    figures = _joined_figures(shelved) if shelved.parts else shelved.file.figures(_packed(shelved))
    return tuple(curve for name in wanted for curve in _curves(shelved, name, *figures[name]))


def series(shelved: Shelved) -> list[tuple[str, ...]]:
    """Names of the models that differ in size alone, smallest first; one tuple for each series, none of an added table."""
    if isinstance(shelved.file, AddedFile):
        return []
    by_series: dict[str, list[str]] = {}
    for axis in shelved.file.header.axes_of(_packed(shelved)):
        by_series.setdefault(axis.series, []).append(axis.model.name)
    return [tuple(names) for names in by_series.values()]


def _joined(file: PackedFile) -> Iterator[Shelved]:
    """MMLU of a source that has its subjects alone, for each few-shot count."""
    by_shots: dict[int | None, list[Benchmark]] = {}
    for benchmark in file.header.benchmarks:
        if benchmark.name.startswith(SUBJECT) and benchmark.questions is not None:
            by_shots.setdefault(benchmark.num_fewshot, []).append(benchmark)
    for shots, parts in by_shots.items():
        whole = Benchmark(
            name="mmlu",
            num_fewshot=shots,
            questions=sum(part.questions or 0 for part in parts),
            metrics=parts[0].metrics,
        )
        yield Shelved(file.header.source, whole, file, tuple(parts))


def _joined_figures(shelved: Shelved) -> dict[str, tuple[Floats, Floats | None]]:
    """Shares of right answers over the questions of all parts, with the error of so many single questions."""
    number = shelved.benchmark.questions or 0
    file = cast(PackedFile, shelved.file)
    of_parts = [(part.questions or 0, file.figures(part)) for part in shelved.parts]
    joined: dict[str, tuple[Floats, Floats | None]] = {}
    for metric in shelved.benchmark.metrics:
        counts = sum(np.round(figures[metric][0] * questions) for questions, figures in of_parts)
        shares = np.asarray(counts) / number
        joined[metric] = shares, np.sqrt(shares * (1 - shares) / (number - 1))
    return joined


def _packed(shelved: Shelved) -> Benchmark:
    """Entry of a benchmark that came with the package."""
    return cast(Benchmark, shelved.benchmark)


def _no_metric(name: str, metric: str, known: Collection[str]) -> StudioError:
    return StudioError(
        f"The shelf has no metric {quote(metric)} of {name}: it has {join_words(sorted(known), 9)}."
    )


def _curves(shelved: Shelved, metric: str, scores: Floats, errors: Floats | None) -> Iterator[Curve]:
    at = 0
    for axis in cast(PackedFile, shelved.file).header.axes_of(_packed(shelved)):
        here = slice(at, at + len(axis.steps))
        at = here.stop
        yield Curve(
            model=axis.model,
            task=shelved.benchmark.name,
            metric=metric,
            num_fewshot=shelved.benchmark.num_fewshot,
            questions=shelved.benchmark.questions,
            lower_is_better=lower_is_better(metric),
            steps=axis.steps,
            tokens_seen=axis.tokens_seen,
            early=axis.early,
            scores=tuple(scores[here].tolist()),
            stderr=() if errors is None else tuple(errors[here].tolist()),
        )
