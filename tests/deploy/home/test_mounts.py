"""Whether a home outlasts a restart, by the mounts of containers, Spaces and machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.deploy.home import mounts as home_mounts

OVERLAY = "1 0 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b\n"
VOLUME = "2 1 8:1 /volumes/e2lm /data rw,relatime shared:3 - ext4 /dev/sda1 rw\n"
BUCKET = "2 1 0:60 / /data rw,nosuid - fuse.bucket bucket rw\n"
MEMORY = "2 1 0:61 / /data rw - tmpfs tmpfs rw\n"
MACHINE = "1 0 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
BLANK = "2 1 8:2 / /my\\040disk rw - ext4 /dev/sdb1 rw\n"


@pytest.fixture(autouse=True)
def no_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_mounts, "MARKS", ())


@pytest.mark.parametrize(
    ("mounts", "home", "space", "mount", "lasting"),
    [
        (OVERLAY, "/data", False, "/", False),
        (OVERLAY, "/home/studio/.e2lm-studio", False, "/", False),
        (OVERLAY + VOLUME, "/data", False, "/data", True),
        (OVERLAY + VOLUME, "/data/deeper", False, "/data", True),
        (OVERLAY + VOLUME, "/database", False, "/", False),
        (OVERLAY + BUCKET, "/data", True, "/data", True),
        (OVERLAY + MEMORY, "/data", False, "/data", False),
        (MACHINE, "/home/me/.e2lm-studio", False, "/", True),
        (MACHINE + MEMORY, "/data", False, "/data", False),
        (MACHINE, "/data", True, "/", False),
        (MACHINE + BLANK, "/my disk/home", False, "/my disk", True),
        ("", "/data", False, "/", True),
        ("", "/data", True, "/", False),
    ],
)
def test_what_lasts(mounts: str, home: str, space: bool, mount: str, lasting: bool) -> None:
    env = {"SPACE_ID": "me/studio"} if space else {}
    found = home_mounts.find_mount(Path(home), env, mounts)
    assert (found.mount, found.lasting) == (mount, lasting)
    assert (home_mounts.persistence_risk(Path(home), env, mounts) is None) is lasting


def test_a_containers_mark_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mark").touch()
    monkeypatch.setattr(home_mounts, "MARKS", (tmp_path / "mark",))
    assert not home_mounts.find_mount(Path("/data"), {}, MACHINE).lasting


def test_a_link_counts_as_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to("/data/home")
    assert home_mounts.find_mount(tmp_path / "home", {}, OVERLAY + VOLUME).lasting


def test_the_warning_names_no_path() -> None:
    said = home_mounts.persistence_risk(Path("/data"), {}, OVERLAY)
    assert said is not None
    assert "/" not in said
    assert said.endswith(".")


def test_this_machine_is_read() -> None:
    assert home_mounts.find_mount(Path("/")).mount == "/"
