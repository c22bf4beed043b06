"""Where the home ends with the container, the strip says so; elsewhere it says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from e2lm_core.deploy.home import mounts
from e2lm_core.ui.app import storage_notice


def strip() -> None:
    from pathlib import Path

    from e2lm_core.ui.app import storage_notice

    storage_notice.storage_notice(Path("/data"))


@pytest.mark.parametrize("disk", ["overlay overlay", "ext4 /dev/sda1"])
def test_the_strip_says_what_does_not_last(
    disk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mounts").write_text(f"1 0 0:50 / / rw - {disk} rw\n")
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(mounts, "MARKS", ())
    storage_notice._risk.cache_clear()
    at = AppTest.from_function(strip).run()
    storage_notice._risk.cache_clear()
    assert not at.exception
    helps = [m.help for m in at.markdown if "not kept" in m.value]
    assert bool(helps) is disk.startswith("overlay")
    assert all("ends with the next restart" in said for said in helps)
