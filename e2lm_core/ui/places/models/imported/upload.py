"""Upload of result files.

Tested in tests/pages/test_results.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from e2lm_core.base.errors import StudioError
from e2lm_core.imported import read_results
from e2lm_core.ui import session
from e2lm_core.ui.app.uploads import read_upload
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.places.models.imported import current

TYPES = ["zip", "json", "jsonl", "csv", "tsv", "parquet", "eval"]
HELP = language.mark(
    "What lm_eval, lighteval, OLMES or Inspect write (zip the whole folder, all revisions in it), every_eval_ever's "
    "records, the competition's curve file, a table of OLMES or DataDecide, an export of W&B, or a CSV with model, task, "
    "metric, step, tokens_seen and score. Nothing in them is executed."
)
# The value is (digest, refusal) of the uploader's files, so that they are read once: Streamlit sends them
# again with every drawing.
_TAKEN = "results_taken"


def upload_form() -> None:
    """Draw the upload form; its files are read once, and a refusal stays visible."""
    files = st.file_uploader(
        language.translate("Result files"),
        type=TYPES,
        accept_multiple_files=True,
        key="results_files",
        help=language.translate(HELP),
        label_visibility="collapsed",
    )
    if not files:
        st.session_state.pop(_TAKEN, None)
        return
    try:
        uploads = _by_name(files)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    digest = _digest(uploads)
    taken, refusal = st.session_state.get(_TAKEN) or (None, None)
    if taken != digest:
        refusal = _read(uploads)
        st.session_state[_TAKEN] = (digest, refusal)
    if refusal is not None:
        markdown.error(refusal, icon=":material/error:")


def _by_name(files: Sequence[UploadedFile]) -> dict[str, bytes]:
    """Content of the uploaded files by name; files of the same name get distinct ones."""
    uploads: dict[str, bytes] = {}
    for file in files:
        name = file.name
        while name in uploads:
            name = f"again/{name}"
        uploads[name] = read_upload(file)
    return uploads


def _digest(uploads: Mapping[str, bytes]) -> str:
    parts = (name.encode("utf-8", "replace") + b"\0" + data for name, data in uploads.items())
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _read(uploads: dict[str, bytes]) -> StudioError | None:
    """Read and open the uploads; the reason of a refusal, else None."""
    studio = session.studio()
    bar = st.progress(0.0, text=language.translate("Reading …"))
    try:
        imported = read_results.import_uploads(
            uploads,
            studio.settings.limits,
            studio.catalogue.checkpoints,
            lambda share: _told(bar, share),
        )
    except StudioError as error:
        return error
    finally:
        bar.empty()
    current.open_results(imported)
    return None


def _told(bar: DeltaGenerator, share: float) -> None:
    bar.progress(share, text=language.translate("Reading …"))
