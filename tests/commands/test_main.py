"""The program: what its start loads, and that nothing a reader does to it is a traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from e2lm_core.base.settings import Settings
from tests.conftest import ROOT
from tests.support import studios

HEAVY = {
    "numpy",
    "pandas",
    "scipy",
    "torch",
    "transformers",
    "plotly",
    "pyarrow",
    "streamlit",
    "huggingface_hub",
}


def test_listing_sets_loads_no_heavy_library(here: Settings) -> None:
    script = (
        "import sys; from e2lm_core.commands.main import app; app(['tasks'], standalone_mode=False);"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    environment = os.environ | studios.environment(here)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_whoever_stops_reading_is_no_failure(here: Settings) -> None:
    command = f"{sys.executable} -m e2lm_core evaluate little --questions --json | head -c 10"
    environment = os.environ | studios.environment(here)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr
