"""A folder that cannot be written, for a program of its own: by a mount in a namespace of its own, or by its rights.

Root writes whatever the rights say, so that a container's tests need the mount.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT

_MOUNTED = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'


def run_in(folder: Path, program: str, env: Mapping[str, str] = os.environ) -> str:
    """What a Python program prints, to which the folder cannot be written; the test is skipped where none can be made so."""
    command = [sys.executable, "-c", program]
    if _has_namespaces():
        command = ["unshare", "--map-root-user", "--mount", "sh", "-c", _MOUNTED, "sh", str(folder), *command]
        return _output(command, env)
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere, and no namespace with a mount can be made here")
    with _without_rights(folder):
        return _output(command, env)


def _output(command: list[str], env: Mapping[str, str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def _has_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = ["unshare", "--map-root-user", "--mount", "sh", "-c", _MOUNTED, "sh", str(Path.cwd()), "true"]
    return subprocess.run(tried, capture_output=True).returncode == 0


@contextmanager
def _without_rights(folder: Path) -> Iterator[None]:
    inside = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in inside}
    for path in inside:
        path.chmod(modes[path] & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
