"""Mount detection: whether the home outlives a restart.

A container's own disk ends with the container; only mounted folders stay.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from e2lm_core.base.records import Record

MOUNTS = Path("/proc/self/mountinfo")
# Files that container engines create in a container, and the variable of a Space.
MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
SPACE = "SPACE_ID"
_IN_MEMORY = {"tmpfs", "ramfs"}
_LAYERED = {"overlay", "overlayfs", "aufs", "fuse.fuse-overlayfs"}


class MountInfo(Record):
    """Mount that holds a folder.

    Attributes:
        mount: Path of the mount.
        kind: Type of its file system; empty if unknown.
        lasting: Whether its content outlives a restart.
    """

    mount: str
    kind: str
    lasting: bool


def find_mount(folder: Path, env: Mapping[str, str] = os.environ, mounts: str | None = None) -> MountInfo:
    """Mount that holds a folder, which need not exist yet.

    On a system that lists no mounts the disk is taken to last.

    Args:
        folder: The folder.
        env: Environment variables, by which a Space is recognised.
        mounts: Text of `/proc/self/mountinfo`; None to read it.
    """
    if mounts is None:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace") if MOUNTS.is_file() else ""
    kinds = dict(_mounted(line) for line in mounts.splitlines() if " - " in line)
    path = Path(os.path.realpath(folder))
    mount = next((str(p) for p in (path, *path.parents) if str(p) in kinds), "/")
    kind = kinds.get(mount, "")
    contained = bool(env.get(SPACE)) or kinds.get("/") in _LAYERED or any(mark.exists() for mark in MARKS)
    lost = kind in _IN_MEMORY or (contained and mount == "/")
    return MountInfo(mount=mount, kind=kind, lasting=not lost)


def persistence_risk(
    home: Path, env: Mapping[str, str] = os.environ, mounts: str | None = None
) -> str | None:
    """Sentence for visitors if saved data does not outlive a restart; None if it does.

    Args:
        home: The home.
        env: Environment variables, by which a Space is recognised.
        mounts: Text of `/proc/self/mountinfo`; None to read it.
    """
    place = find_mount(home, env, mounts)
    if place.lasting:
        return None
    if place.kind in _IN_MEMORY:
        return "What is saved here lies in this machine's memory and ends with its next restart: download what you want to keep."
    return (
        "What is saved here ends with the next restart, since no storage is mounted for it: download what you "
        "want to keep."
    )


def _mounted(line: str) -> tuple[str, str]:
    """(path, type of file system) in a line of mountinfo, where blanks in a path are octal numbers."""
    before, _, after = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split()[4])
    return point, after.split()[0]
