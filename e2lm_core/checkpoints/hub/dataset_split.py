"""Download of a split of a data set on the hub as the Parquet files of one commit; no loading script runs."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from e2lm_core.base.errors import CheckpointError, LimitError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub.client import HubClient, HubUnreachable, RemoteFile
from e2lm_core.checkpoints.hub.dataset_file import download_dataset_file
from e2lm_core.people import access, quotas

CONVERTED = "refs/convert/parquet"  # branch with the hub's own conversion of a data set to Parquet
MAX_BYTES = 512 * 2**20
MAX_FILES = 8
PREFERRED = ("test", "validation", "train")
_SHARD = re.compile(r"(?P<split>[A-Za-z0-9_.]+?)(?:-\d{5}-of-\d{5})?(?:-[0-9a-f]{16})?\.parquet")
_NUMBERED = re.compile(r"\d{4,5}\.parquet")


class DatasetPart(NamedTuple):
    """A split of a subset of a data set, with its Parquet files in order."""

    subset: str
    split: str
    files: tuple[RemoteFile, ...]

    @property
    def label(self) -> str:
        """The part as text: ARC-Easy/test; test in a data set without subsets."""
        return f"{self.subset}/{self.split}" if self.subset else self.split


class DownloadedSplit(NamedTuple):
    """First Parquet files of a split, which are deleted when the `with` ends.

    Attributes:
        repo: OWNER/NAME of the data set.
        commit: Commit that the files are of.
        part: The split.
        paths: The downloaded files, in order.
    """

    repo: str
    commit: str
    part: DatasetPart
    paths: tuple[Path, ...]

    @property
    def origin(self) -> str:
        """Repository, commit and part as text, for the questions' source."""
        return f"{self.repo}@{self.commit[:12]} {self.part.label}"


def find_parts(files: Sequence[RemoteFile]) -> list[DatasetPart]:
    """Splits that Parquet files are of, by their paths: `data/test-00000-of-00001.parquet`, "
    "`SUBSET/test/0000.parquet`."""
    found: dict[tuple[str, str], list[RemoteFile]] = {}
    for file in sorted(files, key=lambda one: one.path):
        *folders, name = file.path.split("/")
        if _NUMBERED.fullmatch(name) and folders:
            split = folders.pop()
        elif shard := _SHARD.fullmatch(name):
            split = shard["split"]
        else:
            continue
        subset = "/".join(folder for folder in folders if folder not in ("data", "default"))
        found.setdefault((subset, split), []).append(file)
    return [DatasetPart(subset, split, tuple(shards)) for (subset, split), shards in found.items()]


def choose_part(parts: Sequence[DatasetPart], repo: str, subset: str, split: str) -> DatasetPart:
    """The part of a subset and split; with "" the only subset, and its test, validation or train split.

    Raises:
        CheckpointError: There is no such part, or several subsets to choose from.
    """
    there = join_words([part.label for part in parts], 8)
    fitting = [part for part in parts if subset in ("", part.subset) and split in ("", part.split)]
    if not fitting:
        wish = "/".join(filter(None, (subset, split)))
        raise CheckpointError(
            Sentence(
                "The data set {repo} has no part {wish}: it has {there}.",
                repo=repo,
                wish=quote(wish),
                there=there,
            )
        )
    if len({part.subset for part in fitting}) > 1:
        raise CheckpointError(
            Sentence(
                "The data set {repo} has several subsets: choose one of {there}.", repo=repo, there=there
            )
        )
    return min(fitting, key=lambda part: PREFERRED.index(part.split) if part.split in PREFERRED else 9)


@contextmanager
def download_split(
    settings: Settings, repo: str, subset: str = "", split: str = "", revision: str = "main"
) -> Iterator[DownloadedSplit]:
    """Download the first Parquet files of a split, at most `MAX_BYTES`, charged to the caller's uploads.

    A data set without Parquet files on its main branch is read from the hub's own conversion.

    Args:
        settings: The caller's settings.
        repo: OWNER/NAME of the data set.
        subset: Its subset; "" for the only one.
        split: Its split; "" for test, else validation, else train.
        revision: Branch, tag or commit, which is pinned to its commit.

    Raises:
        CheckpointError: The hub refuses or cannot be reached, or has no such part or no Parquet.
        LimitError: The first file is larger than `MAX_BYTES`, or the caller's quota is used up.
        TaskError: The caller is a visitor.
    """
    access.require_member(settings, Sentence("download data sets"))
    access.require_writer(settings)
    client = HubClient(settings)
    commit, listed = client.files(repo, revision, "dataset")
    parts = find_parts(listed)
    if not parts and revision == "main":
        try:
            commit, listed = client.files(repo, CONVERTED, "dataset")
        except HubUnreachable:
            raise
        except CheckpointError:
            listed = ()
        parts = find_parts(listed)
    if not parts:
        raise CheckpointError(
            Sentence(
                "The data set {repo} has no Parquet files: download one of its files and import that.",
                repo=repo,
            )
        )
    part = choose_part(parts, repo, subset, split)
    if part.files[0].bytes > MAX_BYTES:
        raise LimitError(
            Sentence(
                "{path} of {repo} takes {size} MB, and at most {most} MB are read: choose another split.",
                path=part.files[0].path,
                repo=repo,
                size=f"{part.files[0].bytes / 1e6:,.0f}",
                most=f"{MAX_BYTES / 1e6:,.0f}",
            )
        )
    with tempfile.TemporaryDirectory(prefix="e2lm-dataset-") as folder:
        paths, size = [], 0
        for number, file in enumerate(part.files[:MAX_FILES]):
            size += file.bytes
            if size > MAX_BYTES:
                break
            quotas.charge(settings, "uploads", file.bytes)
            paths.append(Path(folder) / f"{number}.parquet")
            download_dataset_file(settings, repo, file.path, paths[-1], commit)
        yield DownloadedSplit(repo, commit, part, tuple(paths))
