"""The benchmark of the editor, in its short form."""

from __future__ import annotations

import pytest

from benchmarks import editor
from tests.conftest import needs


@pytest.mark.slow
def test_a_save_is_measured_from_enter_to_its_tick(tmp_path) -> None:
    needs("chromium")
    told = editor.measured(tmp_path / "home", 60, 5)
    assert 0 < told["saved_s_p50"] <= told["saved_s_p95"] < 30
    assert told["saved_s_p50"] <= told["rest_s_p95"]
    assert told["find_s"] > 0
