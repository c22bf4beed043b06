"""Page frame and navigation.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import languages
from e2lm_core.ui import session
from e2lm_core.ui.app import account, chart_tools, guide
from e2lm_core.ui.app.status_bar import status_bar
from e2lm_core.ui.base import language, markdown, polling, streamlit_internals, theme, urls, viewport
from e2lm_core.ui.base.urls import Place
from e2lm_core.ui.requests import sign_in


def draw_frame() -> None:
    """Draw the page of the address in the frame that all pages share."""
    session.begin_run()
    polling.begin_page()
    urls.note_asked_address()
    # The icon is a file of the app: a material symbol as page icon would be fetched from a font host.
    st.set_page_config(
        page_title=urls.PRODUCT,
        page_icon=theme.icon_path(),
        layout="wide",
        initial_sidebar_state="auto",  # a width in pixels has an effect only from the second visit on
    )
    theme.apply_theme()

    pages = st.navigation(
        [
            st.Page(
                place.script,
                title=language.translate(place.title),
                icon=place.icon,
                default=place is urls.SETS,
            )
            for place in urls.PLACES
        ]
    )
    sign_in.sign_in_controls(session.opened_settings(), session.author())
    account.account_popover()
    _language_popover()
    viewport.watch_width(
        session.studio().settings.sign_in
    )  # after the navigation: a report of the width redraws the page that is current then
    chart_tools.listen()
    with streamlit_internals.forget_left_fragments():
        try:
            pages.run()
        except StudioError as error:  # of a set whose files were changed outside the studio, say
            markdown.error(error, icon=":material/error:")
    polling.end_page()


def _language_popover() -> None:
    """Draw the list that chooses the language, below the places; a select box would fetch twenty files more."""
    name = language.name_of(language.current())
    with st.sidebar.popover(
        markdown.fill_template("Language: {name}", name=name), icon=":material/translate:"
    ):
        for one in languages():
            st.button(
                markdown.escape(language.name_of(one)),
                key=f"language_{one}",
                type="tertiary",
                on_click=language.choose,
                args=(one,),
            )


def open_place(place: Place) -> tuple[TaskSet, str]:
    """Draw the head of a place: status bar, title and tabs.

    Returns:
        The selected set, and the slug of the shown tab, "" for a place without tabs.
    """
    session.redraw_through_app()
    tab = urls.current_tab(place)
    missing = _missing_question(session.current_set_name())
    urls.write_url(place, tab)
    task = status_bar()
    guide.guide_bar(task, tab or place.slug)
    markdown.title(place.title, anchor=False)
    if tab:
        urls.tab_control(place)
    if missing is not None:
        markdown.caption(
            markdown.fill_template(
                ":material/link_off: There is no question {id} in this set: it was deleted or renamed.",
                id=missing,
            )
        )
    return task, tab


def _missing_question(name: str | None) -> str | None:
    try:
        return None if name is None else urls.missing_question(q.id for q in session.read_set(name).questions)
    except StudioError:  # the status bar says why
        return None
