"""Disk usage and download progress of hub checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base import formatting
from e2lm_core.base.files import folder_bytes
from e2lm_core.base.formatting import size
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub import cache as hub_cache


class DiskUsage(Record):
    """Disk usage of some checkpoints of a hub.

    Attributes:
        checkpoints: Number of checkpoints.
        whole: Number of complete downloads.
        whole_bytes: Bytes of complete downloads.
        partial_bytes: Bytes of partial downloads.
    """

    checkpoints: int
    whole: int
    whole_bytes: int
    partial_bytes: int

    @property
    def bytes(self) -> int:
        """Bytes of complete and partial downloads."""
        return self.whole_bytes + self.partial_bytes

    @property
    def expected_bytes(self) -> float | None:
        """Expected bytes of all checkpoints; None before one is complete.

            bytes of the complete ones / their number · number of all

        Checkpoints of one model have one size.
        """
        return self.whole_bytes / self.whole * self.checkpoints if self.whole else None


def disk_usage(settings: Settings, checkpoints: Sequence[Checkpoint]) -> DiskUsage:
    """Disk usage of these checkpoints of a hub; only folders are listed, no file is read."""
    whole = [c for c in checkpoints if hub_cache.find_snapshot(c, settings)]
    return DiskUsage(
        checkpoints=len(checkpoints),
        whole=len(whole),
        whole_bytes=folder_bytes(hub_cache.snapshot_folder(c, settings) for c in whole),
        partial_bytes=folder_bytes(hub_cache.partial_folder(c, settings) for c in checkpoints),
    )


def download_progress(
    usage: DiskUsage, earlier_usage: DiskUsage, seconds: float, expected_bytes: float | None = None
) -> tuple[float, str]:
    """Share downloaded, in [0, 1], and its sentence: 3 of 14 checkpoints, 1.2 GB, about 40 s left.

    The time left is given once a complete checkpoint has shown how large they are.

    Args:
        usage: Disk usage now.
        earlier_usage: Disk usage when the download began.
        seconds: Seconds since the download began.
        expected_bytes: Bytes of all checkpoints, where several models have several sizes; None for
            `usage.expected_bytes`.
    """
    text = Sentence(
        "{whole} of {checkpoints}, {size}",
        whole=str(usage.whole),
        checkpoints=formatting.count(usage.checkpoints, "checkpoint"),
        size=size(usage.bytes),
    )
    expected = usage.expected_bytes if expected_bytes is None else expected_bytes
    if expected is None:
        return 0.0, text
    gained = usage.bytes - earlier_usage.bytes
    if gained > 0 and seconds > 1:
        left = max(0.0, expected - usage.bytes) * seconds / gained
        text = Sentence("{progress}, {duration} left", progress=text, duration=formatting.duration(left))
    return min(1.0, max(0.0, usage.bytes / expected)) if expected else 1.0, text
