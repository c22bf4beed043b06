"""The competition's submission: a patch that git applies, and no token in it; run in tests/benchmarks/interop/test_round_trips.py."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

from e2lm_core.base.errors import TaskError
from e2lm_core.base.settings import Limits
from e2lm_core.export import patch
from e2lm_core.sets.folder.files import task_files
from tests.support import studios


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def applied(data: bytes, top: Path) -> None:
    (top / "evaluation.patch").write_bytes(data)
    done = subprocess.run(
        ["git", "apply", "--check", "--apply", "evaluation.patch"], cwd=top, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (top / "evaluation.patch").unlink()


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@needs_git
def test_git_applies_it_to_equal_bytes(tmp_path: Path) -> None:
    """Whatever a text holds: no end of line but a newline is one, and an empty file is a file."""
    awkward = studios.question(1, question="one\u2028two\x85three\r four\n@@ -1 +1 @@\n+++ b/x", subject=None)
    task = studios.task(dev=0).model_copy(
        update={"questions": (awkward,), "readme": "no newline\r\nat the end"}
    )
    found = members(patch.submission(task, Limits()))
    assert list(found) == ["evaluation.patch", "metadata.yaml"]
    applied(found["evaluation.patch"], tmp_path)
    written = {f"lm_eval/tasks/little/{name}": data for name, data in task_files(task, Limits()).items()}
    assert studios.tree(tmp_path) == written
    assert written["lm_eval/tasks/little/dev.jsonl"] == b""
    assert patch.submission(task, Limits()) == patch.submission(task, Limits())


def test_the_tokens_place_is_left_to_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_not_to_be_seen")
    found = members(patch.submission(studios.task(), Limits(), "acc_norm"))
    assert yaml.safe_load(found["metadata.yaml"]) == {
        "task_name": "little",
        "task_metric": "acc_norm",
        "hf_token": "",
    }
    assert b"hf_not_to_be_seen" not in b"".join(found.values())
    with pytest.raises(TaskError, match="use acc or acc_norm"):
        patch.submission(studios.task(), Limits(), "margin")
