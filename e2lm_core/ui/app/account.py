"""The caller's account in the sidebar: their data as an archive, and the removal of the account.

Tested in tests/people/test_pages.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.deploy.home import own_data
from e2lm_core.ui import session
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.requests import sign_in


def account_popover() -> None:
    """Draw the popover of the caller's account; nothing for guests and without sign-in."""
    settings = session.studio().settings
    person = settings.person
    if settings.auth == "none" or person is None or not settings.sign_in:
        return
    with (
        st.sidebar.container(key="account"),
        st.popover(
            language.translate("Your account"),
            icon=":material/person:",
            key="account_menu",
            on_change="rerun",
        ) as box,
    ):
        if not box.open:
            return
        st.download_button(
            language.translate("Download your data"),
            lambda: own_data.archive_own_data(settings, person),
            f"e2lm-{person}.zip",
            "application/zip",
            icon=":material/download:",
            on_click="ignore",
            key="account_download",
            help=language.translate(
                "Sets with their history, drafts, trash, imported results and model groups."
            ),
        )
        typed = st.text_input(
            markdown.fill_template("To delete your account, type {person}", person=person),
            key="account_typed",
            help=language.translate(
                "All your sets, drafts and results are deleted for good. Download them first."
            ),
        )
        if st.button(
            language.translate("Delete my account"),
            key="account_delete",
            icon=":material/delete_forever:",
            disabled=typed.strip() != person,
        ):
            _delete(person)


def _delete(person: str) -> None:
    """Delete the account and end its sign-in, as the next drawing would make it anew."""
    studio = session.studio()
    try:
        own_data.delete_account(studio, person)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    sign_in.sign_out(session.opened_settings())
