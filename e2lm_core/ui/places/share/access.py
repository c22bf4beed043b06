"""Sharing controls.

Tested in tests/people/test_pages.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import streamlit as st

from e2lm_core.base.records import TaskSet
from e2lm_core.people import sharing
from e2lm_core.people.access import Role
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls

_ROLES: dict[Role, str] = {"reader": language.mark("to read"), "editor": language.mark("to edit")}
_OPEN_LINKS: dict[Role, str] = {
    "reader": language.mark("Anyone who signs in with this link may come to read:"),
    "editor": language.mark("Anyone who signs in with this link may come to edit:"),
}


def sharing_popover(task: TaskSet) -> None:
    """Draw a popover to share the caller's set, or to leave another person's; nothing without sign-in."""
    settings = session.studio().settings
    if settings.auth == "none" or settings.readonly or (session.is_example(task.address) and not task.owner):
        return
    if task.owner:
        _leave(task)
        return
    with st.popover(language.translate("Share with somebody"), icon=":material/group_add:"):
        who = st.text_input(
            language.translate("With whom"),
            placeholder=language.translate("an id, e-mail or name"),
            key="share_who",
        )
        role = st.segmented_control(
            language.translate("As"),
            list(_ROLES),
            default="reader",
            required=True,
            format_func=lambda r: language.translate(_ROLES[r]),
            key="share_role",
        )
        if st.button(language.translate("Share"), type="primary", key="share_go", disabled=not who.strip()):
            widgets.perform_action(lambda: sharing.share(settings, task.name, who.strip(), role))
        for grant in sharing.shared_with(settings, task.name):
            _row(
                f"{grant.person}, {language.translate(_ROLES[grant.role])}",
                f"share_end_{grant.person}",
                partial(sharing.unshare, settings, task.name, grant.person),
            )
        links = sharing.list_links(settings, task.name)
        for link in links:
            markdown.caption(_OPEN_LINKS[link.role])
            st.code(_address() + urls.RESULT.slug + link.query, language=None, wrap_lines=True)
        with st.container(horizontal=True):
            if st.button(language.translate("Make a link"), key="share_link", icon=":material/link:"):
                widgets.perform_action(lambda: sharing.create_link(settings, task.name, role))
            if links and st.button(
                language.translate("Close the links"), key="share_close", icon=":material/link_off:"
            ):
                widgets.perform_action(lambda: sharing.close_links(settings, task.name))


def _leave(task: TaskSet) -> None:
    settings = session.studio().settings
    with st.popover(language.translate("Leave"), icon=":material/group_remove:"):
        markdown.markdown(
            markdown.fill_template(
                "Remove **{set}** from your list? {owner} keeps it.",
                set=task.address,
                owner=task.owner,
            )
        )
        if st.button(language.translate("Leave this set"), type="primary", key="share_leave"):
            st.session_state.pop("set", None)
            st.query_params.pop("set", None)
            widgets.perform_action(lambda: sharing.unshare(settings, task.address, settings.person or ""))


def _row(text: str, key: str, end: Callable[[], object]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        markdown.caption(markdown.escape(text))
        if st.button(language.translate("Take back"), key=key, type="tertiary"):
            widgets.perform_action(end)


def _address() -> str:
    """The studio's own address as the browser knows it, without a page."""
    parts = urlsplit(st.context.url or "")
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else "/"
