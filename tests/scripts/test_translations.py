"""Catalogues of translations: what is extracted, and that each catalogue fits the code and its compiled form."""

from __future__ import annotations

import ast
import gettext
import io
import string
import warnings

import pytest

from e2lm_core.base.settings import ENGLISH, languages
from scripts import translations
from scripts.translations import Text

MARKS = (":material/", "**", "`", ":gray[", ":orange[", ":green-badge[", "]")
CATALOGUES = [language for language in languages() if language != ENGLISH]


def _names(text: str) -> set[str]:
    return {
        name for _, name, _, _ in string.Formatter().parse(text.replace("{{", "").replace("}}", "")) if name
    }


def test_texts_of_calls_are_extracted_and_users_texts_are_not() -> None:
    code = """
st.button(language.translate("Open" if here else "Close"))
LABEL = language.mark("Sort by")
language.translate_count("{number} set", "{number} sets", len(sets))
markdown.fill_template("**{name}** is left out", name=name)
markdown.fill_template("**{name}**", name=name)
markdown.caption(question.note or "No note.")
markdown.caption(f"Hello {name}")
markdown.escape("as typed")
urls.link("run", "See the run", icon)
Tab("run", "Run")
formatting.count(3, "fact")
formatting.count(3, "entry", "entries")
Sentence("{share} done", share=1)
Sentence("{number} wolf", "{number} wolves", number=2)
"""
    found = [(text.one, text.many) for text in translations._called(ast.parse(code))]
    single = ("Open", "Close", "Sort by", "**{name}** is left out", "No note.", "See the run", "Run")
    plural = (("set", "sets"), ("fact", "facts"), ("entry", "entries"), ("wolf", "wolves"))
    assert sorted(found) == sorted(
        [
            *((one, "") for one in (*single, "{share} done")),
            *((f"{{number}} {one}", f"{{number}} {many}") for one, many in plural),
        ]
    )


def test_constants_of_other_rooms_are_named_dictionaries_labels_and_whole_sentences() -> None:
    code = """
HELP = {"a": "One sentence."}
OTHER = {"a": "never shown"}
DOOR = Door(label="See what they know", view="known")
def sentence():
    return "All is well." if ... else "in part"
def known():
    return "Known to the mini models."
"""
    found = {text.one for text in translations._constants(ast.parse(code), ("HELP",))}
    assert found == {"One sentence.", "See what they know", "Known to the mini models."}


def test_a_catalogue_survives_writing_reading_and_compiling(tmp_path) -> None:
    texts = {Text('a "quoted"\nline'): ["ui/a.py"], Text("{number} set", "{number} sets"): ["ui/b.py"]}
    known = {Text('a "quoted"\nline'): ('eine "Zeile"\\',)}
    path = tmp_path / "studio.po"
    path.write_text(translations.written("xx", texts, known), encoding="utf-8")
    entries = translations.read(path)
    assert entries[Text('a "quoted"\nline')] == ('eine "Zeile"\\',)
    assert entries[Text("{number} set", "{number} sets")] == ("", "")
    entries[Text("{number} set", "{number} sets")] = ("{number} Satz", "{number} Sätze")
    said = gettext.GNUTranslations(io.BytesIO(translations.compiled(entries)))
    assert said.gettext('a "quoted"\nline') == 'eine "Zeile"\\'
    assert [said.ngettext("{number} set", "{number} sets", n) for n in (1, 2)] == [
        "{number} Satz",
        "{number} Sätze",
    ]


def test_lines_wrapped_by_an_editor_are_read_and_fuzzy_entries_refused(tmp_path) -> None:
    path = tmp_path / "studio.po"
    path.write_text('#: ui/a.py\nmsgid ""\n"Open "\n"it"\nmsgstr "Öffnen"\n', encoding="utf-8")
    assert translations.read(path) == {Text("Open it"): ("Öffnen",)}
    path.write_text('#, fuzzy\nmsgid "Open"\nmsgstr "Zu"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="fuzzy"):
        translations.read(path)


@pytest.mark.parametrize("language", CATALOGUES)
def test_the_compiled_catalogue_is_that_of_the_file(language: str) -> None:
    path = translations.catalogue_file(language)
    assert path.with_suffix(".mo").read_bytes() == translations.compiled(translations.read(path)), (
        "run `python -m scripts.translations`"
    )


@pytest.mark.parametrize("language", CATALOGUES)
def test_no_translation_is_of_a_text_that_the_code_has_no_more(language: str) -> None:
    assert not translations.stale(language), "run `python -m scripts.translations`"
    if missing := translations.untranslated(language):  # they show English
        warnings.warn(
            f"{language} lacks {len(missing)} texts: {[text.one for text in missing]}", stacklevel=1
        )


@pytest.mark.parametrize("language", CATALOGUES)
def test_translations_have_the_names_marks_and_plural_forms_of_the_english_texts(language: str) -> None:
    wrong, entries = [], translations.read(translations.catalogue_file(language))
    plurals = int(entries[Text("")][0].partition("nplurals=")[2].partition(";")[0])
    for text, forms in entries.items():
        if not text.one or not any(forms):
            continue
        if len(forms) != (plurals if text.many else 1) or not all(forms):
            wrong.append(f"{text.one}: not all plural forms")
        for form in forms:
            if _names(form) != _names(text.one):
                wrong.append(f"{text.one}: other names in {form}")
            if [form.count(mark) for mark in MARKS] != [text.one.count(mark) for mark in MARKS]:
                wrong.append(f"{text.one}: other marks in {form}")
    assert not wrong, "\n".join(wrong)
