"""What asks before it acts: copying, creating, deleting a set, importing questions."""

from __future__ import annotations

import streamlit as st

from e2lm_core.base import phrasing
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Finding
from e2lm_core.sets import authoring, collection, importing, rows
from e2lm_core.sets.folder import bundle
from e2lm_core.ui import session
from e2lm_core.ui.author import editor


def copy(name: str) -> None:
    """A popover that copies the set under a new name and takes it in hand."""
    settings = session.studio().settings
    with st.popover("Copy this set", icon=":material/content_copy:"):
        wish = st.text_input(
            "Name of the copy", collection.free_name(settings, f"my_{name}"), key="copy_name"
        )
        if st.button("Copy", type="primary", key="copy_go"):
            _do(lambda: collection.copy_set(settings, name, wish), wish)


def create() -> None:
    settings = session.studio().settings
    with st.popover("New set", icon=":material/add:"):
        wish = st.text_input("Name", collection.free_name(settings, "my_set"), key="create_name")
        if st.button("Create", type="primary", key="create_go"):
            _do(lambda: collection.create_set(settings, wish), wish)
        upload = st.file_uploader("or open a bundle", type=["zip"], key="create_bundle")
        if upload is not None and st.button("Open the bundle", key="create_open"):
            _do(
                lambda: collection.import_set(
                    settings, bundle.unpack(upload.getvalue(), settings.limits), wish
                ),
                wish,
            )
        for gone in collection.deleted_sets(settings):
            if st.button(f"Restore {gone}", key=f"restore_{gone}", icon=":material/restore_from_trash:"):
                _do(lambda gone=gone: collection.restore_set(settings, gone), gone)


def delete(name: str) -> None:
    with st.popover("Delete set", icon=":material/delete:"):
        st.markdown(f"Put **{name}** aside? *New set* can restore it.")
        if st.button("Delete this set", type="primary", key="delete_go"):
            try:
                collection.delete_set(session.studio().settings, name)
            except StudioError as error:
                st.error(str(error))
            else:
                st.session_state.pop("set", None)
                st.query_params.pop("set", None)
                editor.reset()
                st.rerun()


def import_questions(name: str) -> None:
    """Upload or paste, look at what was read, then add it."""
    settings = session.studio().settings
    st.markdown(
        "A CSV needs the columns `question`, `choices` (or `choice 0`, `choice 1` …) and `answer`, from 0; a "
        "JSONL line needs the same keys. Nothing is added before you say so."
    )
    upload = st.file_uploader("CSV or JSONL", type=["csv", "tsv", "jsonl", "json"], key="import_file")
    pasted = st.text_area(
        "or paste it here",
        key="import_text",
        height=120,
        placeholder='{"question": "…", "choices": ["…", "…"], "answer": 0}',
    )
    if upload is not None:
        data, filename = upload.getvalue(), upload.name
    elif pasted.strip():
        data = pasted.encode()
        filename = "pasted.jsonl" if pasted.lstrip().startswith(("{", "[")) else "pasted.csv"
    else:
        return
    try:
        preview = authoring.preview_import(settings, data, filename)
    except StudioError as error:
        st.error(str(error), icon=":material/error:")
        return
    findings(preview.problems)
    broken = {p.question_id for p in preview.problems if p.severity == "error"}
    good = [q for q in preview.questions if q.id not in broken]
    st.dataframe(
        [
            {"id": q.id, "question": q.question, "choices": list(q.choices), "gold": q.answer}
            for q in good[:200]
        ],
        hide_index=True,
        height=260,
    )
    if not good:
        st.info("No question of this file can be added as it is.")
        return
    label = f"Add {phrasing.count(len(good), 'question')}"
    if broken:
        label += f" and leave out {len(broken):,}"
    if st.button(label, type="primary", key="import_go", icon=":material/playlist_add:"):
        try:
            saved = authoring.add_questions(settings, name, good)
        except StudioError as error:
            st.error(str(error), icon=":material/error:")
        else:
            editor.reset()
            editor.edited(saved)
            st.session_state.pop("import_text", None)
            st.toast(f"Added {phrasing.count(len(good), 'question')}.")
            st.rerun()


def findings(found: list[Finding] | tuple[Finding, ...], most: int = 12) -> None:
    """Checks, errors first; many are folded."""
    for severity, icon, box in (
        ("error", ":material/error:", st.error),
        ("warning", ":material/warning:", st.warning),
    ):
        own = [f.sentence for f in found if f.severity == severity]
        for sentence in own[:most]:
            box(sentence, icon=icon)
        if len(own) > most:
            with st.expander(f"{len(own) - most} more {severity}s"):
                st.markdown("\n".join(f"- {sentence}" for sentence in own[most : most + 200]))


def download(name: str) -> None:
    """The questions themselves, as CSV or JSONL."""
    task = session.task()
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Download CSV",
            importing.write_csv(task.questions),
            f"{name}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="set_csv",
        )
        st.download_button(
            "Download JSONL",
            rows.write_jsonl(task.questions),
            f"{name}.jsonl",
            "application/jsonl",
            icon=":material/download:",
            on_click="ignore",
            key="set_jsonl",
        )


def _do(action, name: str) -> None:
    try:
        action()
    except StudioError as error:
        st.error(str(error), icon=":material/error:")
    else:
        session.choose_set(name)
        editor.reset()
        st.rerun()
