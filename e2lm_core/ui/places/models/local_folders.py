"""Form to add a local folder.

Tested in tests/pages/test_checkpoints.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import count, join_words
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import user_folders
from e2lm_core.people import accounts
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, local_request, markdown

TITLE = language.mark("Add a folder of checkpoints")
_OPEN = "folder_open"


def may_add(settings: Settings) -> bool:
    """Whether the caller may add folders: a local user without sign-in, or an administrator.

    Others must not decide which files of the server's disk are read.
    """
    if settings.auth == "none":
        return local_request.is_local_request()
    return accounts.is_administrator(settings)


def folders() -> None:
    """Draw the added folders and the button that opens the dialog; nothing for callers without the right."""
    settings = session.studio().settings
    if not may_add(settings):
        return
    try:
        there = user_folders.folders(settings)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    if there:
        st.header(language.translate("From a folder"), anchor=False)
    for number, folder in enumerate(there):
        line, button = st.columns([8, 1], vertical_alignment="center")
        with line:
            markdown.markdown(str(folder.path))
        if button.button(
            language.translate("Remove"),
            key=f"folder_remove_{number}",
            help=language.translate("Its files and all results stay."),
        ):
            user_folders.remove_folder(settings, folder.path)
            st.rerun()
    if st.button(language.translate(TITLE), key="folder_add", icon=":material/create_new_folder:"):
        st.session_state[_OPEN] = True
    if st.session_state.get(_OPEN):
        st.dialog(language.translate(TITLE), on_dismiss=_closed)(_dialog)()


def _closed() -> None:
    st.session_state[_OPEN] = False


def _dialog() -> None:
    settings = session.studio().settings
    path = st.text_input(
        language.translate("Folder"),
        key="folder_path",
        placeholder="/data/my-run",
        help=language.translate(
            "It holds MODEL/step1000/ or step1000/, each as transformers saves it, or is a Hugging Face cache. It is "
            "read where it lies."
        ),
    )
    if not path.strip():
        return
    try:
        folder, found = user_folders.inspect_folder(path)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    checkpoints = sum(len(own) for _, own in found.models)
    names = join_words([model.name for model, _ in found.models])
    markdown.markdown(
        Sentence(
            "{models} with {checkpoints}: {names}.",
            models=count(len(found.models), "model"),
            checkpoints=count(checkpoints, "checkpoint"),
            names=names,
        )
    )
    own = [checkpoint for _, of_model in found.models for checkpoint in of_model]
    skipped = user_folders.skipped_sentence(folder, found)
    for problem in (
        *found.problems,
        *([skipped] if skipped else ()),
        *session.studio().catalogue.name_conflicts(folder, found),
        *session.studio().usable_checkpoints(own)[1],
        *user_folders.adapter_warnings(found),
    ):
        markdown.warning(problem, icon=":material/warning:")
    said: dict[str, int] = {}
    for name in user_folders.models_without_tokens(found):
        tokens = st.number_input(
            markdown.fill_template("Tokens a step of {name}", name=name),
            min_value=0,
            max_value=10**11,
            value=0,
            key=f"folder_tokens_{name}",
            help=language.translate(
                "Batch size × sequence length, over all machines. Enter 0 if unknown; curves are then "
                "drawn over steps."
            ),
        )
        if tokens:
            said[name] = int(tokens)
    if st.button(language.translate("Add"), key="folder_go", type="primary", icon=":material/add:"):
        widgets.perform_action(lambda: user_folders.add_folder(settings, path, said), _closed)
