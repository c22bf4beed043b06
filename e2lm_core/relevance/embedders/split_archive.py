"""Joins a model archive split over several packages."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Collection, Sequence
from importlib import metadata
from pathlib import Path, PurePosixPath


def join_archive(distributions: Sequence[str], files: Collection[str], folder: Path) -> Path:
    """`folder` with the named files of the archive, whose pieces the installed distributions hold in this order.

    Put together once, beside the folder, and moved there whole: whoever is stopped leaves nothing half made, and of two
    at work the first one's stays. Raises ImportError where a distribution is missing, OSError and `zipfile.BadZipFile`
    where its piece, or the disk, is not as it should be.
    """
    if _complete(folder, files):
        return folder
    pieces = [_piece(name) for name in distributions]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".parts-") as making:
        whole, made = Path(making) / "whole.zip", Path(making) / "made"
        with whole.open("wb") as archive:
            for piece in pieces:
                with piece.open("rb") as opened:
                    shutil.copyfileobj(opened, archive, 2**20)
        with zipfile.ZipFile(whole) as archive:
            for name in files:
                target = made / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(_member(archive, name)) as opened, target.open("wb") as file:
                    shutil.copyfileobj(opened, file, 2**20)
        shutil.rmtree(folder, ignore_errors=True)  # what lacks a file
        try:
            made.rename(folder)
        except OSError:
            if not _complete(folder, files):  # or else another was first
                raise
    return folder


def _complete(folder: Path, files: Collection[str]) -> bool:
    return all((folder / name).is_file() for name in files)


def _piece(distribution: str) -> Path:
    """The one file of a distribution that is a numbered piece of an archive: `name.zip.003`."""
    listed = metadata.distribution(distribution).files or []
    found = [
        path for path in listed if path.suffix[1:].isdigit() and PurePosixPath(path.stem).suffix == ".zip"
    ]
    if len(found) != 1:
        raise FileNotFoundError(f"{len(found)} pieces of an archive in the package {distribution}, not one")
    return Path(str(found[0].locate()))


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """The member of that path, below the archive's own folder if it has one."""
    found = [m for m in archive.infolist() if m.filename == name or m.filename.partition("/")[2] == name]
    if not found:
        raise zipfile.BadZipFile(f"the archive has no {name}")
    return found[0]
