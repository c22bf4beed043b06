"""Disk usage and download progress of hub checkpoints."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from e2lm_core.base import formatting
from e2lm_core.base.formatting import size
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub import cache as hub_cache


class DiskUsage(Record):
    """Of some checkpoints of a hub: how many there are, how many are here `whole`, and the bytes here."""

    checkpoints: int
    whole: int
    whole_bytes: int
    partial_bytes: int

    @property
    def bytes(self) -> int:
        """Of what is here, whole or in part."""
        return self.whole_bytes + self.partial_bytes

    @property
    def expected_bytes(self) -> float | None:
        """bytes of the whole ones / their number · all of them; None before one is whole.

        Checkpoints of one model are of one size.
        """
        return self.whole_bytes / self.whole * self.checkpoints if self.whole else None


def folder_bytes(places: Iterable[Path]) -> int:
    """Bytes of files, and of all files in folders; one that is there twice by a hard link counts once."""
    sizes: dict[tuple[int, int], int] = {}
    for place in places:
        for path in (str(place), *_within(place)):
            try:
                found = os.stat(path)
            except OSError:  # not there, or gone in the meantime
                continue
            if stat.S_ISREG(found.st_mode):
                sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())


def _within(place: Path) -> Iterator[str]:
    """All files below a folder; one that is moved away while they are listed is left out."""
    for folder, _, names in os.walk(place):
        yield from (os.path.join(folder, name) for name in names)


def disk_usage(settings: Settings, checkpoints: Sequence[Checkpoint]) -> DiskUsage:
    """How much of these checkpoints of a hub is here; the folders are looked at, no byte is read."""
    whole = [c for c in checkpoints if hub_cache.find_snapshot(c, settings)]
    return DiskUsage(
        checkpoints=len(checkpoints),
        whole=len(whole),
        whole_bytes=folder_bytes(hub_cache.snapshot_folder(c, settings) for c in whole),
        partial_bytes=folder_bytes(hub_cache.partial_folder(c, settings) for c in checkpoints),
    )


def download_progress(usage: DiskUsage, earlier_usage: DiskUsage, seconds: float) -> tuple[float, str]:
    """The share downloaded, in [0, 1], and its sentence: 3 of 14 checkpoints, 1.2 GB, about 40 s left.

    `before` is what was there when the download began, `seconds` ago. The time is told once a whole
    checkpoint has told how large they are.
    """
    text = f"{usage.whole} of {formatting.count(usage.checkpoints, 'checkpoint')}, {size(usage.bytes)}"
    expected = usage.expected_bytes
    if expected is None:
        return 0.0, text
    gained = usage.bytes - earlier_usage.bytes
    if gained > 0 and seconds > 1:
        text += f", {formatting.duration((expected - usage.bytes) * seconds / gained)} left"
    return min(1.0, max(0.0, usage.bytes / expected)) if expected else 1.0, text
