"""The frame of all pages."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

HEAVY = (
    "torch",
    "transformers",
    "sentence_transformers",
    "sklearn",
    "scipy.stats",
)  # .3 s of import and more, each


def test_the_first_page_imports_no_heavy_library() -> None:
    code = (
        "import sys, e2lm_core.ui.app.navigation, e2lm_core.ui.places.sets.page\n"
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert out.stdout.strip() == ""
