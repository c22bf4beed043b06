"""Environments for tools that cannot stand in the studio's own, and the sources of such tools: by pip, made once.

They lie in `others` within the environment that runs this, so that `make clean` takes them away.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from e2lm_core.base.errors import StudioError

KEPT = Path(sys.prefix) / "others"
# lighteval 0.13 and lm-eval 0.4.9.1 call what later versions of these have no longer. Of datasets one wants a version
# below 4 and the other one from 4 on, so each has an environment of its own.
_BEFORE = ("transformers<5", "huggingface_hub<1", "xxhash<4")
OLD = ("lm-eval==0.4.9.1", *_BEFORE)
WRITERS = ("lighteval==0.13.0", "inspect-ai==0.3.285", *_BEFORE)
MADE = "made.json"  # last written: what an environment was made of


def environment(name: str, packages: Sequence[str], folder: Path | None = None) -> Path:
    """The Python of an environment with these packages; made where there is none, or one of others.

    One that is given as `folder` and works is taken as it is.
    """
    place = (folder or KEPT / name).absolute()
    python = place / "bin" / "python"
    if folder is not None and python.exists():
        return python
    mark = place / MADE
    if not mark.exists() or json.loads(mark.read_text()) != list(packages):
        venv.create(place, with_pip=True, clear=True)
        _pip(python, "install", "--quiet", *packages)
        mark.write_text(json.dumps(list(packages)))
    return python


def newest(package: str) -> str:
    """The version that pip would install today."""
    told = _pip(
        Path(sys.executable),
        *("install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet", "--report", "-", package),
    )
    report: dict[str, Any] = json.loads(told)
    return str(report["install"][0]["metadata"]["version"])


def source(package: str, version: str, folder: Path) -> Path:
    """The top folder of a release's source, unpacked below `folder`."""
    _pip(
        Path(sys.executable),
        *("download", "--no-deps", "--no-binary", ":all:", "--quiet", "--dest", str(folder)),
        f"{package}=={version}",
    )
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    archive.unlink()
    return folder / archive.name.removesuffix(".tar.gz")


def _pip(python: Path, *words: str) -> str:
    """What pip says. Raises StudioError with its last line where it fails."""
    done = subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().split("\n")[-1]
        raise StudioError(f"pip {words[0]} failed: {last[:300]}")
    return done.stdout
