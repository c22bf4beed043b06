"""Notice if saved data do not outlive a restart.

Tested in tests/ui/app/test_storage_notice.py.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import streamlit as st

from e2lm_core.deploy.home import auto_backup, mounts
from e2lm_core.ui.base import language, markdown


def storage_notice(home: Path) -> None:
    """Draw a short notice, explained on hover, if saved data do not outlive a restart."""
    if sentence := _risk(home):
        st.markdown(
            language.translate(":gray[:material/cloud_off: not kept]"),
            help=markdown.safe_sentence(sentence),
            width="content",
        )


@lru_cache(maxsize=4)
def _risk(home: Path) -> str | None:
    if auto_backup.backup_target() is not None:
        return None
    return mounts.persistence_risk(home)  # cached: mounts do not change while the server runs
