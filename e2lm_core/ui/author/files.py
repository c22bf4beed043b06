"""Questions from and to files: an import that is looked at before it is added, and the download of a set.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from e2lm_core.base import phrasing
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question
from e2lm_core.sets import authoring, importing, rows
from e2lm_core.ui import session
from e2lm_core.ui.author import after, checks
from e2lm_core.ui.frame import say, uploaded

MOST_SHOWN = 200


def import_questions(name: str) -> None:
    """Upload or paste, look at what was read, then add it to the set of that name."""
    st.markdown(
        "A CSV needs the columns `question`, `choices` (or `choice 0`, `choice 1` …) and `answer`, from 0; a "
        "JSONL line needs the same keys. Nothing is added before you say so."
    )
    try:
        data, filename = _file()
        if data is None:
            return
        preview = authoring.preview_import(session.studio().settings, data, filename)
    except StudioError as error:
        say.error(error, icon=":material/error:")
        return
    checks.show(preview.problems)
    broken = {problem.question_id for problem in preview.problems if problem.severity == "error"}
    _preview(name, [q for q in preview.questions if q.id not in broken], len(broken))


def _file() -> tuple[bytes | None, str]:
    """(content, file name) of the upload or, without one, of what is pasted."""
    upload = st.file_uploader("CSV or JSONL", type=["csv", "tsv", "jsonl", "json"], key="import_file")
    pasted = st.text_area(
        "or paste it here",
        key="import_text",
        height=120,
        placeholder='{"question": "…", "choices": ["…", "…"], "answer": 0}',
    )
    if upload is not None:
        return uploaded.read(upload), upload.name
    if not pasted.strip():
        return None, ""
    return pasted.encode(), "pasted.jsonl" if pasted.lstrip().startswith(("{", "[")) else "pasted.csv"


def _preview(name: str, questions: Sequence[Question], broken: int) -> None:
    """The questions that can be added, and the button that adds them."""
    st.dataframe(
        [
            {"id": q.id, "question": q.question, "choices": list(q.choices), "gold": q.answer}
            for q in questions[:MOST_SHOWN]
        ],
        hide_index=True,
        height=260,
    )
    if not questions:
        st.info("No question of this file can be added as it is.")
        return
    label = f"Add {phrasing.count(len(questions), 'question')}"
    if broken:
        label += f" and leave out {broken:,}"
    if st.button(say.plain(label), type="primary", key="import_go", icon=":material/playlist_add:"):
        _add(name, questions)


def _add(name: str, questions: Sequence[Question]) -> None:
    try:
        saved = authoring.add_questions(session.studio().settings, name, questions)
    except StudioError as error:
        say.error(error, icon=":material/error:")
    else:
        after.reset()
        after.edited(saved)
        st.session_state.pop("import_text", None)
        say.toast(f"Added {phrasing.count(len(questions), 'question')}.")
        st.rerun()


def download(name: str) -> None:
    """The questions themselves, as CSV or JSONL."""
    task = session.task()
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Download CSV",
            importing.write_csv(task.questions),
            f"{task.name}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="set_csv",
        )
        st.download_button(
            "Download JSONL",
            rows.write_jsonl(task.questions),
            f"{task.name}.jsonl",
            "application/jsonl",
            icon=":material/download:",
            on_click="ignore",
            key="set_jsonl",
        )
