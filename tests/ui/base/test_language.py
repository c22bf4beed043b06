"""The visitor's language: what chooses it, and what a text without a translation shows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.base.settings import Settings
from e2lm_core.ui.base import language, markdown, page_cache


def _timed() -> None:
    """A page that says what a translation costs, in seconds; AppTest runs its source alone."""
    from timeit import repeat

    import streamlit as st

    from e2lm_core.ui.base import language as page_language

    best = min(repeat(lambda: page_language.translate("Open"), number=1000, repeat=5)) / 1000
    st.text(f"{page_language.translate('Open')} {best}")


@pytest.fixture
def german(monkeypatch) -> None:
    monkeypatch.setenv("E2LM_LANGUAGE", "de")


def test_english_is_what_the_code_says(monkeypatch) -> None:
    monkeypatch.delenv("E2LM_LANGUAGE", raising=False)
    assert language.current() == "en"
    assert language.translate("Open") == "Open"
    assert language.translate("From {file}:", file="a.csv") == "From a.csv:"
    assert language.translate_count("{number} question", "{number} questions", 1) == "1 question"
    assert language.translate_count("{number} question", "{number} questions", 15_000) == "15,000 questions"


def test_a_value_may_have_any_name(german) -> None:
    for name in ("text", "one", "many", "template"):
        said = Sentence("{" + name + "} is here", **{name: "a"})
        assert language.translate(said) == "a is here"
        assert markdown.fill_template("{" + name + "} is here", **{name: "a"}) == "a is here"
        assert (
            language.translate(Sentence("{number} " + said.template, "", number=1, **{name: "a"}))
            == "1 a is here"
        )


def test_a_thread_without_a_page_speaks_english_and_logs_nothing(monkeypatch, caplog) -> None:
    monkeypatch.delenv("E2LM_LANGUAGE", raising=False)
    with caplog.at_level("WARNING"):
        assert language.translate("Open") == "Open"
    assert not caplog.records


def test_a_chosen_language_holds_for_everybody(german) -> None:
    assert language.translate("Open") == "Öffnen"
    assert language.translate("From {file}:", file="a.csv") == "Aus a.csv:"
    assert language.translate_count("{number} question", "{number} questions", 1) == "1 Frage"
    assert language.translate_count("{number} question", "{number} questions", 0) == "0 Fragen"
    assert language.translate_count("{number} question", "{number} questions", 15_000) == "15\u202f000 Fragen"


def test_values_of_a_sentence_have_any_name(german) -> None:
    same = Sentence("{where}: choices {first} and {second} are the same ({text}). Change one.")
    said = Sentence(same, where=Sentence("Row {number}", number="3"), first="A", second="B", text="'a'")
    assert language.translate(said) == "Zeile 3: Die Antworten A und B sind gleich ('a'). Ändern Sie eine."


def test_a_missing_translation_shows_english(german) -> None:
    assert language.translate("A text that no catalogue has") == "A text that no catalogue has"
    assert language.translate("") == ""  # gettext's own answer is the catalogue's head
    assert language.translate_count("{number} wolf", "{number} wolves", 2) == "2 wolves"


def test_the_browser_chooses_among_the_languages_with_a_catalogue(monkeypatch) -> None:
    monkeypatch.delenv("E2LM_LANGUAGE", raising=False)
    for locale, expected in {
        "de": "de",
        "de-AT": "de",
        "DE_ch": "de",
        "en-GB": "en",
        "tlh": "en",
        "../../x": "en",
        "": "en",
        None: "en",
    }.items():
        assert language._of_locale(locale) == expected


@pytest.mark.parametrize(
    ("cookie", "server", "browser", "expected"),
    [
        ("de", "en", "en-US", "de"),
        ("en", "de", "de-DE", "en"),
        ("../x", "de", "en-US", "de"),
        (None, None, "de-AT", "de"),
        ("", None, None, "en"),
    ],
)
def test_a_remembered_choice_outdoes_the_server_which_outdoes_the_browser(
    monkeypatch, cookie: str | None, server: str | None, browser: str | None, expected: str
) -> None:
    monkeypatch.delenv("E2LM_LANGUAGE", raising=False)
    if server:
        monkeypatch.setenv("E2LM_LANGUAGE", server)
    context = SimpleNamespace(cookies={} if cookie is None else {language.COOKIE: cookie}, locale=browser)
    monkeypatch.setattr(language, "st", SimpleNamespace(context=context))
    assert language._at_first() == expected


def test_a_language_without_a_catalogue_is_refused_in_a_sentence(tmp_path) -> None:
    with pytest.raises(StudioError, match=r"E2LM_LANGUAGE is “?'?\"?xx.*use one of en, de"):
        Settings.from_env({"E2LM_HOME": str(tmp_path), "E2LM_LANGUAGE": "xx"})


def test_templates_are_translated_and_their_values_are_not(german) -> None:
    assert markdown.fill_template("Delete **{id}**? *Undo* brings it back.", id="Open") == (
        "**Open** löschen? *Rückgängig* holt sie zurück."
    )
    said = markdown.fill_count(
        "Copied {number} question to {set}.", "Copied {number} questions to {set}.", 2, set="*a*"
    )
    assert said == "2 Fragen nach \\*a\\* kopiert."


def test_a_computed_sentence_is_translated_with_its_values(german) -> None:
    count = formatting.count(15_000, "question")
    said = Sentence("The built-in mini models know {known} of {questions}.", known=24, questions=count)
    assert language.translate(said) == "Die eingebauten Minimodelle kennen 24 von 15\u202f000 Fragen."
    assert markdown.safe_sentence(joined((said, "*x*"))) == f"{language.translate(said)} *x*"
    assert markdown.fill_template("{name}", name=formatting.count(1, "question")) == "1 Frage"
    of_table = {"known": Sentence("The built-in mini models know {known} of {questions}.")}
    assert language.translate(Sentence(of_table["known"], known=24, questions=count)) == language.translate(
        said
    )
    with language.in_english():
        assert language.translate(said) == said
    assert f"{said}".endswith("24 of 15,000 questions.")  # what commands print


def test_shared_values_are_made_in_english(german) -> None:
    def made() -> str:
        return page_cache.get_or_compute("inner", (1,), lambda: language.translate("Open"))

    page_cache.clear()
    assert page_cache.get_or_compute("outer", (1,), lambda: language.translate("Open") + made()) == "OpenOpen"
    assert language.translate("Open") == "Öffnen"
    page_cache.clear()


def test_a_failed_shared_value_leaves_the_language(german) -> None:
    with pytest.raises(ZeroDivisionError):
        page_cache.get_or_compute("fails", (1,), lambda: 1 / 0)
    assert language.current() == "de"


def test_a_translation_costs_microseconds_on_a_page(monkeypatch) -> None:
    monkeypatch.delenv("E2LM_LANGUAGE", raising=False)
    at = AppTest.from_function(_timed)
    at.context = {"locale": "de-DE"}
    at.run()
    word, seconds = at.text[0].value.split()
    assert word == "Öffnen"
    assert float(seconds) < 50e-6, seconds


def test_catalogues_lie_within_the_package() -> None:
    assert Path(language.__file__).parent in language.LOCALE.parents


def test_a_fixed_language_outdoes_the_visitors_and_ends(german) -> None:
    with language.in_language("en"):
        assert language.translate("Open") == "Open"
        with language.in_language("de"):
            assert language.translate("Open") == "Öffnen"
        assert language.current() == "en"
    assert language.current() == "de"


def test_a_refusal_of_an_action_is_a_sentence_with_its_values(german) -> None:
    error = StudioError(Sentence("There is already a set {name}: choose another name.", name="'x'"))
    assert str(error) == "There is already a set 'x': choose another name."  # what commands print
    assert markdown.escape(error) == "Es gibt schon einen Fragensatz 'x': Wählen Sie einen anderen Namen."


def test_the_browser_remembers_a_language_that_was_chosen_here(monkeypatch) -> None:
    monkeypatch.setattr(language, "st", SimpleNamespace(session_state={}))
    assert not language.is_chosen()
    language.choose("de")
    assert language.is_chosen()


def test_a_choice_outlives_a_change_of_language_and_shows_its_new_label(monkeypatch) -> None:
    """The browser keeps a choice as its label: it would show, and send, that of the former language."""

    def page() -> None:
        import streamlit as st

        from e2lm_core.ui.base import language

        st.selectbox("sort", ["title", "last change"], format_func=language.translate, key="sort")
        st.segmented_control("tab", ["title", "last change"], format_func=language.translate, key="tab")
        st.button("Deutsch", key="german", on_click=language.choose, args=("de",))

    monkeypatch.setenv("E2LM_LANGUAGE", "en")
    at = AppTest.from_function(page).run()
    at.selectbox(key="sort").set_value("last change")
    at.segmented_control(key="tab").set_value("title").run()
    assert at.selectbox(key="sort").proto.options == ["title", "last change"]
    at.button(key="german").click().run()
    box, tabs = at.selectbox(key="sort").proto, at.segmented_control(key="tab").proto
    assert box.options == ["Titel", "letzte Änderung"]
    assert (box.set_value, box.raw_value) == (True, "letzte Änderung")
    assert (tabs.set_value, list(tabs.raw_values)) == (True, ["Titel"])
    assert (at.session_state["sort"], at.session_state["tab"]) == ("last change", "title")
