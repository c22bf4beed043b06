"""Download of one file of a data set on the hub, verified against its listing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from e2lm_core.base.errors import CheckpointError, LimitError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub.client import HubClient
from e2lm_core.checkpoints.hub.download import SPARE_BYTES, is_same_file
from e2lm_core.people import access

MAX_BYTES = 4 * 2**30


def download_dataset_file(
    settings: Settings,
    repo: str,
    path: str,
    target: Path,
    revision: str = "main",
    report_progress: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """Download one file of a data set.

    Args:
        settings: The caller's settings.
        repo: OWNER/NAME of the data set.
        path: Path of the file in it.
        target: File to write; its folder exists.
        revision: Branch, tag or commit.
        report_progress: Called with the bytes done and the bytes in all.

    Returns:
        The commit that the file is of.

    Raises:
        CheckpointError: The hub refuses or cannot be reached, has no such file, or gives other bytes than it lists.
        LimitError: The file is larger than 4 GB, or does not fit on the disk.
        TaskError: The caller is a visitor.
    """
    access.require_member(settings, Sentence("download data sets"))
    client = HubClient(settings)
    commit, listed = client.files(repo, revision, "dataset")
    file = next((one for one in listed if one.path == path), None)
    if file is None:
        alike = [one.path for one in listed if one.path.rpartition(".")[2] == path.rpartition(".")[2]]
        there = (
            Sentence("it has {alike}", alike=join_words(alike, 5))
            if alike
            else Sentence("it has {number} other file", "it has {number} other files", number=len(listed))
        )
        raise CheckpointError(
            Sentence(
                "The data set {repo} has no file {path} at {commit}: {there}.",
                repo=repo,
                path=quote(path),
                commit=commit[:7],
                there=there,
            )
        )
    room = shutil.disk_usage(target.parent).free - SPARE_BYTES
    if file.bytes > min(MAX_BYTES, room):
        why = (
            Sentence("at most 4 GB are read")
            if file.bytes > MAX_BYTES
            else Sentence("{free} GB are free", free=f"{max(room, 0) / 1e9:.1f}")
        )
        raise LimitError(
            Sentence(
                "{path} of {repo} takes {size} GB, and {why}: choose a smaller file.",
                path=path,
                repo=repo,
                size=f"{file.bytes / 1e9:.1f}",
                why=why,
            )
        )
    with target.open("wb") as opened:
        client.fetch(repo, commit, file, opened, lambda done: report_progress(done, file.bytes), "dataset")
    if not is_same_file(target, file):
        raise CheckpointError(
            Sentence(
                "{path} of {repo} came with other bytes than the hub lists: download it again.",
                path=path,
                repo=repo,
            )
        )
    return commit
