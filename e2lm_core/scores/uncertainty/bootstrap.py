"""Bootstrap over questions: design, counts, resampled means.

Axes: R resamples, Q questions. A resample is a row of counts (how often each question was drawn), so that the
resampled curves of everything that was measured are matrix products `counts @ values`, and differences
between models, checkpoints or metrics stay paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.scores.arrays import Floats

Key = TypeVar("Key")

RESAMPLES = 1000  # of every interval that is shown
BLOCK = 1 << 22  # counts in memory at once: 16 MiB in float32 (and as much again while they are drawn)
COUNTED = 1 << 15  # draws counted at once: their counts stay in the processor's cache


@dataclass(frozen=True)
class ResamplingDesign:
    """Clusters and strata of a bootstrap over questions.

    Attributes:
        cluster_of: Cluster of each question [Q]; clusters are drawn whole.
        strata: Clusters of each stratum; every resample draws as many clusters from a stratum as it has.
    """

    cluster_of: NDArray[np.intp]
    strata: tuple[NDArray[np.intp], ...]

    @property
    def questions(self) -> int:
        """Number of questions of the set."""
        return len(self.cluster_of)

    @property
    def clusters(self) -> int:
        """Number of clusters drawn in a resample: a group of questions counts once."""
        return sum(len(stratum) for stratum in self.strata)


def resampling_design(
    questions: int,
    groups: Sequence[str | None] | None = None,
    subjects: Sequence[str | None] | None = None,
) -> ResamplingDesign:
    """Design of the bootstrap over the questions of a set.

    Args:
        questions: Number of questions Q.
        groups: Group of each question [Q]. Questions of one group (a shared passage, rewordings of one fact)
            are drawn together, since they succeed and fail together; a question without a group ("" or None)
            stands alone.
        subjects: Subject of each question [Q]. If given, every resample has as many clusters of each subject
            as the set; a group that spans subjects belongs to that of its first question.

    Raises:
        ValueError: A list is not as long as the set.
    """
    for name, labels in (("groups", groups), ("subjects", subjects)):
        if labels is not None and len(labels) != questions:
            raise ValueError(f"{len(labels)} {name} given for {questions} questions")
    names = [("group", g) if g else ("alone", str(i)) for i, g in enumerate(groups or [None] * questions)]
    numbers: dict[tuple[str, str], int] = {}
    cluster_of = np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.intp)
    members: dict[str, list[int]] = {}
    seen = -1
    for question, cluster in enumerate(cluster_of.tolist()):
        if cluster > seen:  # clusters are numbered in the order of their first questions
            seen = cluster
            subject = (subjects[question] or "") if subjects is not None else ""
            members.setdefault(subject, []).append(cluster)
    return ResamplingDesign(
        cluster_of, tuple(np.array(clusters, dtype=np.intp) for clusters in members.values())
    )


def resample_counts(design: ResamplingDesign, resamples: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Counts [R, Q] of each question in each resample, yielded in blocks of rows.

    The counts are float32, which holds these whole numbers exactly and makes the matrix product fast. Every
    block has its own stream of the seed and its size depends on Q alone, so resample i is the same for any
    number of resamples. A set without a question has no block.

    Args:
        design: Clusters and strata of the questions.
        resamples: Number of resamples R, at least 1.
        seed: Seed of the random numbers.

    Raises:
        ValueError: `resamples` is below 1.
    """
    if resamples < 1:
        raise ValueError(f"{resamples} resamples are none")
    if design.questions == 0:
        return
    block = max(1, BLOCK // design.questions)
    alone = design.clusters == design.questions
    for number, start in enumerate(range(0, resamples, block)):
        rows = min(block, resamples - start)
        drawn = [
            _draw(np.random.default_rng([seed, number, which]), rows, len(stratum))
            for which, stratum in enumerate(design.strata)
        ]
        counts = drawn[0] if len(drawn) == 1 else _in_order(drawn, design.strata)
        yield counts if alone else counts[:, design.cluster_of]


def resampled_means(
    values: Mapping[Key, ArrayLike], design: ResamplingDesign, resamples: int, seed: int
) -> dict[Key, Floats]:
    """Mean over questions in each resample, with the same resamples for all keys.

        mean_r = sum_q count_rq * value_q / sum_q count_rq

    Whole-number values (acc) are summed exactly, so that models with equal counts stay tied; all others are
    summed as deviations from their mean, which keeps float32's error near 1e-7 of their spread.

    Args:
        values: Values by key, {key: [..., Q]}.
        design: Clusters and strata of the questions.
        resamples: Number of resamples R, at least 1.
        seed: Seed of the random numbers.

    Returns:
        Means by key, {key: [R, ...]}. A row that is NaN for some question is NaN in every resample.

    Raises:
        ValueError: A last axis is not as long as the set, or `resamples` is below 1.
    """
    prepared = {key: summands(np.asarray(array), design.questions) for key, array in values.items()}
    parts: dict[Key, list[Floats]] = {key: [] for key in values}
    for block in resample_counts(design, resamples, seed):
        total = block.sum(axis=1, dtype=np.float64)[:, None]
        for key, (deviations, centre) in prepared.items():
            parts[key].append(weighted_means(block, total, deviations, centre))
    shapes = {key: np.shape(array)[:-1] for key, array in values.items()}
    return {
        key: np.concatenate(blocks).reshape(resamples, *shapes[key])
        if blocks
        else np.full((resamples, *shapes[key]), np.nan)
        for key, blocks in parts.items()
    }


def _draw(stream: np.random.Generator, rows: int, items: int) -> NDArray[np.float32]:
    """Counts [rows, items], float32, of each of `items` in `items` draws with replacement."""
    picked = stream.integers(0, items, size=(rows, items), dtype=np.int32)
    counts = np.empty((rows, items), dtype=np.float32)
    step = max(1, COUNTED // items)
    offsets = (np.arange(step, dtype=np.int32) * items)[:, None]
    for start in range(0, rows, step):
        part = picked[start : start + step]
        numbered = (part + offsets[: len(part)]).ravel()
        counts[start : start + step] = np.bincount(numbered, minlength=part.size).reshape(part.shape)
    return counts


def _in_order(
    drawn: Sequence[NDArray[np.float32]], strata: Sequence[NDArray[np.intp]]
) -> NDArray[np.float32]:
    """Counts [R, clusters], float32, of the counts [R, clusters of it] of each stratum."""
    counts = np.empty((len(drawn[0]), sum(map(len, strata))), dtype=np.float32)
    for part, stratum in zip(drawn, strata, strict=True):
        counts[:, stratum] = part
    return counts


def weighted_means(
    counts: NDArray[np.float32], total: Floats, deviations: NDArray[np.float32], centre: Floats
) -> Floats:
    """Means [R, cells] of `summands`, a question as often as it was drawn.

    Args:
        counts: Counts [R, Q] of each question in each resample, float32.
        total: Sums [R, 1] of the counts.
        deviations: Summands [cells, Q], float32.
        centre: Constants [cells] to add to their means.
    """
    means: Floats = (counts @ deviations.T).astype(np.float64) / total + centre
    return means


def summands(array: NDArray, questions: int) -> tuple[NDArray[np.float32], Floats]:
    """Summands [cells, Q], float32, of values [..., Q], and the constants [cells] to add to their means.

    Whole numbers are their own summands, whose sums are exact; of all others they are the deviations from
    their mean.

    Raises:
        ValueError: The last axis is not as long as the set.
    """
    if array.ndim == 0 or array.shape[-1] != questions:
        raise ValueError(f"values of shape {array.shape} given for {questions} questions")
    flat = array.reshape(int(np.prod(array.shape[:-1])), questions)
    with np.errstate(invalid="ignore"):
        whole = bool(((flat == np.rint(flat)) | np.isnan(flat)).all())
        if whole:
            return flat.astype(np.float32), np.zeros(len(flat))
        centre = flat.mean(axis=1, dtype=np.float64)
        return (flat - centre[:, None]).astype(np.float32), centre
