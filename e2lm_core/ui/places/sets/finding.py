"""Search and order of the sets on the place Sets.

Tested in tests/pages/test_sets.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.files import folder_stamp
from e2lm_core.sets.collection import SetInfo
from e2lm_core.ui import session
from e2lm_core.ui.base import language

ORDERS = {  # translated where they are shown
    "kind": language.mark("own sets first"),
    "title": language.mark("title"),
    "changed": language.mark("last change"),
    "size": language.mark("number of questions"),
}
ROW = 3  # cards beside each other on a wide page


def found_sets(infos: Sequence[SetInfo], few: int) -> list[SetInfo]:
    """Draw the search and the order; the sets whose title or address contains the search text, in that order.

    One row of cards has nothing to sort, and the first page fetches no select box for it.

    Args:
        infos: All sets.
        few: Largest number of sets without a search.
    """
    if len(infos) <= ROW:
        return list(infos)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        wish = (
            st.text_input(
                language.translate("Find a set"),
                key="sets_find",
                icon=":material/search:",
                placeholder=language.translate("Title or name"),
                width="stretch",
            )
            if len(infos) > few
            else ""
        )
        order = st.selectbox(
            language.translate("Sort by"),
            list(ORDERS),
            format_func=lambda order: language.translate(
                "Sort: {order}", order=language.translate(ORDERS[order])
            ),
            label_visibility="collapsed",
            key="sets_order",
            width=230,
        )
    wish = wish.strip().casefold()
    found = [
        i for i in infos if wish in i.address.casefold() or wish in session.set_label(i.address).casefold()
    ]
    if order == "title":
        found.sort(key=lambda info: session.set_label(info.address).casefold())
    elif order == "changed":
        found.sort(key=_changed_ns, reverse=True)
    elif order == "size":
        found.sort(key=_size, reverse=True)
    return found


def _changed_ns(info: SetInfo) -> int:
    """Time of the last change of a set's files, in nanoseconds since 1970."""
    return max((stamp[1] for stamp in folder_stamp(info.folder)), default=0)


def _size(info: SetInfo) -> int:
    """Number of questions; -1 for a set that cannot be read, which its card says."""
    with contextlib.suppress(StudioError):
        return len(session.read_set(info.address).questions)
    return -1
