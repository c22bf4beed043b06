"""docs/python.md: every block runs, from the first to the last, as a reader of the page would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import e2lm_core
from tests.conftest import ROOT, needs

DOCUMENT = ROOT / "docs" / "python.md"


def blocks() -> str:
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.M | re.S))


@pytest.mark.slow
def test_every_line_of_the_document_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lm_eval")
    for name in [name for name in os.environ if name.startswith("E2LM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("E2LM_LADDER", str(needs("ladder")))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", blocks()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "\nTrue 60 " in done.stdout, done.stdout
    assert (tmp_path / "curves.html").is_file()


def test_the_document_shows_every_public_name() -> None:
    public = set(e2lm_core.__all__) - {"__version__"}
    assert set(re.findall(r"\be2lm\.(\w+)", blocks())) == public


def test_a_public_name_is_the_one_of_its_room() -> None:
    from e2lm_core.runs.studio import open_studio

    assert e2lm_core.open_studio is open_studio
    assert set(e2lm_core.__all__) <= set(dir(e2lm_core))
    with pytest.raises(AttributeError, match="has no attribute 'open_studios'"):
        e2lm_core.open_studios  # noqa: B018


def test_importing_the_package_loads_no_library() -> None:
    script = (
        "import sys, e2lm_core; print(sorted({'torch', 'pandas', 'numpy', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
