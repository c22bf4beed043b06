"""Uploaded files, charged to the visitor's quota.

Tested in tests/people/test_pages.py.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from e2lm_core.people import quotas
from e2lm_core.ui import session


def read_upload(file: UploadedFile) -> bytes:
    """Content of an uploaded file, charged once to the visitor's quota.

    Raises:
        LimitError: The file exceeds the visitor's upload quota of the day.
    """
    counted: set[str] = st.session_state.setdefault("uploads_counted", set())
    if file.file_id not in counted:
        quotas.charge(session.studio().settings, "uploads", file.size)
        counted.add(file.file_id)
    return file.getvalue()
