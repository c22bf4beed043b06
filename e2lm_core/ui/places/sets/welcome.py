"""Ways to start: example, new set, import.

Tested in tests/pages/test_sets.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from e2lm_core.base.errors import StudioError
from e2lm_core.base.titles import MAX_TITLE_CHARS
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import guide as guides
from e2lm_core.sets.folder import bundle, source
from e2lm_core.sets.prompts import layouts, render
from e2lm_core.ui import session
from e2lm_core.ui.app import guide as guide_app
from e2lm_core.ui.app import uploads
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.editor import file_import, last_edit, prompt_preview

_FORMATS = (language.mark("Cloze"), language.mark("Letters"), language.mark("Ending"))
PROPOSED = language.mark("my set")  # title of a new set, until another is typed


def draw(example: str | None) -> None:
    """Draw the ways to start side by side: example and guided start if there is one, write, import."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if example is not None and st.button(
            language.translate("Try the example"),
            type="primary",
            icon=":material/play_arrow:",
            key="door_example",
        ):
            enter(session.FIRST_SET if _is_here(session.FIRST_SET) else example, "overview")
        if example is not None and not session.studio().settings.readonly:
            _guided(example)
        with st.popover(language.translate("Write"), icon=":material/edit_note:"):
            _write()
        with st.popover(language.translate("Import"), icon=":material/upload_file:"):
            _import()


def _guided(example: str) -> None:
    """Draw the button that begins the guided start, or takes it up again."""
    settings = session.studio().settings
    guide = guides.find_guide(settings)
    is_open = guide is not None and guide.step != "done"
    if not st.button(
        language.translate("Go on with the guided start") if is_open else language.translate("Guided start"),
        icon=":material/tour:",
        key="door_guide",
        help=language.translate(
            "Two minutes, five steps on a copy: change an answer, watch the curve, mend a suspect, download the bundle."
        ),
    ):
        return
    try:
        if guide is not None and is_open:
            guides.save_guide(settings, guide.model_copy(update={"is_left": False}))
        else:
            guide = guides.start_guide(
                settings, session.FIRST_SET if _is_here(session.FIRST_SET) else example
            )
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    enter(guide.set_name, guide_app.SHOWN[guide.step].view)


def _is_here(name: str) -> bool:
    return any(info.address == name for info in session.all_sets())


def _write() -> None:
    settings = session.studio().settings
    name, title = named("create_name")
    others = [info.address for info in session.all_sets() if not info.problem]
    layout = st.selectbox(
        language.translate("How it asks"),
        [*layouts.LAYOUTS, *others],
        format_func=lambda one: (
            language.translate(one.capitalize())
            if one in layouts.LAYOUTS
            else language.translate("as {set}", set=session.set_label(one))
        ),
        key="create_layout",
        help=language.translate("You can change this later under *Prompt*."),
    )
    try:
        begun = layouts.resolve_layout(settings, layout)
        asks = render.render(begun.config, layouts.sample_question(begun))
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    st.code(prompt_preview.highlight_scored(asks), language=None, wrap_lines=True)
    if st.button(language.translate("Create"), type="primary", key="create_go"):
        _made(lambda: collection.import_set(settings, begun, name, title), name, "Table")


def _import() -> None:
    settings = session.studio().settings
    st.caption(
        language.translate(
            "A table (CSV, Excel, JSON, Parquet), a quiz (GIFT, Aiken, Moodle XML, QTI, Markdown) or a bundle (.zip)."
        )
    )
    upload = file_import.uploader(language.translate("Upload a file"), "create_bundle")
    _propose_title(upload)
    name, title = named("import_name")
    if upload is None:
        if st.button(
            language.translate("Paste rows instead"), key="import_create", icon=":material/content_paste:"
        ):
            _made(lambda: collection.create_set(settings, name, title=title), name, "Import")
    else:
        _uploaded(upload, name, title)
    if settings.with_lm_eval:
        task = st.text_input(
            language.translate("Or the name of an lm-eval task (runs the task's own code)"), key="create_task"
        )
        if task and st.button(language.translate("Build it with lm-eval"), key="create_build"):
            with st.spinner(language.translate("lm-eval builds the task's questions…")):
                _made(
                    lambda: collection.import_set(settings, source.built_by_name(settings, task).task, name),
                    name,
                    "Table",
                )


def _uploaded(upload: UploadedFile, name: str, title: str) -> None:
    """Draw the button that opens a bundle, or that looks at a file of questions in a new set."""
    settings = session.studio().settings
    if source.is_bundle(upload.name, upload.getvalue()):
        if st.button(language.translate("Open the bundle"), type="primary", key="create_open"):
            _made(
                lambda: collection.import_set(
                    settings, bundle.unpack(uploads.read_upload(upload), settings.limits), name, title or None
                ),
                name,
                "Table",
            )
        return
    if st.button(language.translate("Preview the questions"), type="primary", key="import_preview"):

        def begun() -> None:
            data = uploads.read_upload(upload)
            authoring.preview_import(settings, data, upload.name)  # a file that cannot be read makes no set
            collection.create_set(settings, name, title=title)
            file_import.hand_over(name, upload.name, data)

        _made(begun, name, "Import")


def _propose_title(upload: UploadedFile | None) -> None:
    """Take a file's name as the title, once, where no other was typed."""
    if upload is not None and st.session_state.get("import_proposed") != upload.file_id:
        st.session_state["import_proposed"] = upload.file_id
        proposed = st.session_state.get("import_name_proposed")  # in the language of then
        if st.session_state.get("import_name", proposed) == proposed:
            title = PurePath(upload.name).stem[:MAX_TITLE_CHARS]
            st.session_state["import_name"] = title or language.translate(PROPOSED)


def named(key: str) -> tuple[str, str]:
    """Draw the title field of a new set; a valid, free name made from it, and the title.

    A title that is a name already, such as my_set, is the name alone: the title is then "".
    """
    settings = session.studio().settings
    if key not in st.session_state:
        st.session_state[key] = st.session_state[f"{key}_proposed"] = language.translate(PROPOSED)
    wish = st.text_input(language.translate("Title"), key=key, max_chars=MAX_TITLE_CHARS)
    name = collection.free_name(settings, wish)
    if name == wish:
        return name, ""
    markdown.caption(language.translate("Name in files and links: `{name}`", name=name))
    return name, wish


def _made(make: Callable[[], object], name: str, view: str) -> None:
    """Create a set and go to its questions; a refusal is shown."""
    try:
        make()
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    last_edit.forget_last_edit()
    st.session_state["author_view"] = view
    enter(name, "write")


def enter(name: str, view: str) -> None:
    """Select a set and go to a view of it."""
    session.set_current_set(name)
    urls.go(view)
