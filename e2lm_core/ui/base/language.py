"""The visitor's language: the interface's texts as gettext catalogues translate them.

English is the language of the code, and what a text without a translation shows. A catalogue is a file,
`ui/base/locale/LANGUAGE/LC_MESSAGES/studio.po`, with its compiled form beside it (`python -m scripts.translations`).
Each visitor chooses one in the sidebar, which their browser remembers in a cookie; before that `E2LM_LANGUAGE`
does, else the browser's own language.

Values that all sessions share are computed in English (`in_english`), so that no visitor's language is kept in
them. What is drawn once for all has the language in its key (`ui/cache/element_replay.py`).
"""

from __future__ import annotations

import gettext
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import streamlit as st

from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import ENGLISH, LOCALE, languages
from e2lm_core.ui.base import streamlit_internals

DOMAIN = "studio"
# A comma would be read as the decimal sign in many languages, and a point as that of the scores beside it.
THOUSANDS = "\u202f"
COOKIE = "e2lm_language"  # the visitor's choice; `ui/base/viewport.py` writes it
_CHOSEN, _CHOSEN_HERE = "language", "language_chosen"
_FIXED: ContextVar[str | None] = ContextVar("fixed_language", default=None)
_here = threading.local()  # of this thread: the run of a page, and its language


def mark(text: str) -> str:
    """A constant text as it is, marked for the catalogues; `translate` it where it is shown."""
    return text


def translate(text: str, /, **values: Any) -> str:
    """A text in the visitor's language, with its `{names}` filled if values are given; English without one.

    Of a `Sentence` its template is translated, and its values are filled in again.
    """
    language = current()
    if language == ENGLISH or not text:
        return text.format(**values) if values else str(text)
    if isinstance(text, Sentence):
        if text.plural:
            return translate_count(text.template, text.plural, **text.values)
        return translate(text.template, **text.values)
    said = _catalogue(language).gettext(text)
    return said.format(**_shown(values)) if values else said


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    """Values as the visitor's language writes them."""
    return {
        name: translate(value)
        if isinstance(value, Sentence)
        else whole_number(value)
        if type(value) is int
        else value
        for name, value in values.items()
    }


def translate_count(one: str, many: str, /, number: int, **values: Any) -> str:
    """A text with a number, `{number}`, in the plural form that the visitor's language has for it.

    Args:
        one: English text for 1.
        many: English text for other numbers.
        number: The number.
        **values: Values of the other names.
    """
    language = current()
    if language == ENGLISH:
        said = one if number == 1 else many
    else:
        said = _catalogue(language).ngettext(one, many, number)
    return said.format(**_shown({**values, "number": number}))


def whole_number(number: int) -> str:
    """A whole number with the thousands set apart: 15,000 in English, with narrow spaces elsewhere."""
    said = f"{number:,}"
    return said if current() == ENGLISH else said.replace(",", THOUSANDS)


def current() -> str:
    """The language of what is drawn now: the visitor's choice, else the server's, else the browser's, else English."""
    if (fixed := _FIXED.get()) is not None:
        return fixed
    # Outside of a page's run Streamlit would log a warning for every text.
    if (run := streamlit_internals.current_script_run()) is None:
        return os.environ.get("E2LM_LANGUAGE") or _of_locale(None)
    if getattr(_here, "run", None) is not run:
        if (found := st.session_state.get(_CHOSEN)) is None:
            found = st.session_state[_CHOSEN] = _at_first()
        _here.run, _here.language = run, str(found)
    return str(_here.language)


def _at_first() -> str:
    """The language of a new session."""
    remembered = st.context.cookies.get(COOKIE)
    if remembered in languages():
        return remembered
    return os.environ.get("E2LM_LANGUAGE") or _of_locale(st.context.locale)


def name_of(language: str) -> str:
    """A language's own name: a catalogue translates "English" by it."""
    return mark("English") if language == ENGLISH else _catalogue(language).gettext("English")


def is_chosen() -> bool:
    """Whether the visitor has chosen the language in this session, so that the browser shall remember it."""
    return _CHOSEN_HERE in st.session_state


def choose(language: str) -> None:
    """Draw pages in this language from now on, in this session and in later ones of this browser."""
    # Before the change: a choice is read by the label that it has in the former language, and sent in the new one.
    for key in streamlit_internals.keys_of_labelled_choices():
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
    st.session_state[_CHOSEN] = st.session_state[_CHOSEN_HERE] = language
    _here.run = None


@contextmanager
def in_language(name: str) -> Iterator[None]:
    """A language for what is said in here, whoever asks."""
    token = _FIXED.set(name)
    try:
        yield
    finally:
        _FIXED.reset(token)


def in_english() -> AbstractContextManager[None]:
    """English for what is computed in here: values that all sessions share."""
    return in_language(ENGLISH)


def of_request(cookies: Mapping[str, str], accepted: str) -> str:
    """The language of a request of a page's script, as that of a page.

    Args:
        cookies: Cookies of the request.
        accepted: Languages that the browser accepts, the first one first.
    """
    if (remembered := cookies.get(COOKIE)) in languages():
        return str(remembered)
    return os.environ.get("E2LM_LANGUAGE") or _of_locale(accepted.split(",")[0])


@lru_cache(maxsize=256)  # a browser may name any language
def _of_locale(locale: str | None) -> str:
    """The language of a browser's locale, such as de-AT, that has a catalogue; English for any other."""
    name = (locale or ENGLISH).replace("_", "-").split("-")[0].lower()
    return name if name in languages() else ENGLISH


@lru_cache(maxsize=32)
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, [language], fallback=True)
