"""How much of a hub's checkpoints is on this machine, and how far a download is."""

from __future__ import annotations

from e2lm_core.checkpoints.hub.on_disk import DiskUsage, download_progress


def test_progress_tells_the_time_once_a_checkpoint_is_whole():
    def held(whole: int, whole_bytes: int, partial: int) -> DiskUsage:
        return DiskUsage(checkpoints=4, whole=whole, whole_bytes=whole_bytes, partial_bytes=partial)

    none = held(0, 0, 0)
    assert download_progress(held(0, 0, 50), none, 10.0) == (0.0, "0 of 4 checkpoints, 50 bytes")
    # 1 of 100 bytes and half of the next in 10 s: 15 bytes a second, 250 bytes to go
    assert download_progress(held(1, 100, 50), none, 10.0) == (
        0.375,
        "1 of 4 checkpoints, 150 bytes, about 15 s left",
    )
    assert download_progress(held(4, 400, 0), none, 10.0)[0] == 1.0
