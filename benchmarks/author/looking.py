"""The checker of a walk: the disk, the table, the card and the drafts against what is expected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from benchmarks.author.expected import NEW, Expected, Item
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection

_PAGE = """
() => {
  const all = (what, root = document) => [...root.querySelectorAll(what)];
  const text = (e) => !e ? "" : e.matches("textarea, input") ? e.value : e.classList.contains("qt-empty") ? "" : e.textContent;
  const gold = (root) => all(".qt-choice", root).findIndex((e) => e.classList.contains("qt-gold"));
  const rows = all(".qt-row").sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((row) => ({
    id: row.dataset.id,
    question: text(row.querySelector('[data-cell="question"]')),
    choices: all('[data-cell^="choice "]', row).map(text),
    answer: gold(row),
    unsaved: row.querySelector(".qt-unsaved")?.textContent ?? "",
  }));
  const form = document.querySelector(".qt-new"), card = document.querySelector(".st-key-card_area");
  const radios = card ? all("input[type=radio]", card) : [];
  const inputs = card ? all("input[type=text]", card).map(text) : [];
  return {
    rows: document.querySelector(".qt-list") ? rows : null,
    form: form && {
      question: text(form.querySelector("textarea")),
      choices: all(".qt-choices input", form).map(text),
      answer: gold(form),
      hint: form.querySelector(".qt-hint").textContent,
    },
    card: card && {
      place: all('[data-testid="stHeading"]').some((e) => e.textContent.includes("A new question")) ? "new"
        : "question/" + (document.querySelector('input[role=combobox][aria-label="Question"]')?.value ?? "").split(" · ").pop(),
      question: text(card.querySelector("textarea")),
      choices: inputs.slice(0, -1),
      answer: radios.findIndex((radio) => radio.checked),
    },
    where: location.href.split("/").pop() + " " + all("input[type=radio]").filter((radio) => radio.checked)
      .map((radio) => radio.closest("label")?.textContent).join(),
    exceptions: all("[data-testid=stException], .qt-error").map((e) => e.textContent),
    text: (document.querySelector("[data-testid=stMain]")?.innerText ?? "") + rows.map((row) => row.unsaved).join(),
  };
}
"""


def look(page: Page) -> dict[str, Any]:
    """The questions, the forms and the text that a page of Questions shows now."""
    return page.evaluate(_PAGE)


def saved_items(settings: Settings, name: str = "mine") -> tuple[Item, ...]:
    """The questions of a set on the disk."""
    task = collection.open_set(settings, name)
    return tuple(Item(q.id, q.question, q.choices, q.answer) for q in task.questions)


def drafts_on_disk(home: Path) -> dict[str, dict[str, Any]]:
    """By place, the fields that differ from what was seen before."""
    found = {}
    for path in home.glob("drafts/*/mine/*.json"):
        draft = json.loads(path.read_text(encoding="utf-8"))
        fields = {
            name: _plain(name, value)
            for name, value in draft["fields"].items()
            if _plain(name, value) != _plain(name, draft["seen"].get(name))
        }
        if not draft["over"] and fields:
            found[draft["place"]] = fields
    return found


def differences(settings: Settings, page: Page, expected: Expected, blank: dict[str, Any]) -> Iterator[str]:
    """What of the disk and of the page is not as expected."""
    there = look(page)
    yield from (f"the page says: {text}" for text in there["exceptions"])
    if not expected.is_offline:
        saved = saved_items(settings)
        if len(saved) == len(expected.items):
            expected.name_new([str(item.id) for item in saved])
        yield from _differ("disk", saved, expected.items)
        wanted = {
            place: {name: _plain(name, value) for name, value in typed.fields.items()}
            for place, typed in expected.typed.items()
        }
        yield from _differ("drafts", drafts_on_disk(settings.home), wanted)
    if expected.shown_set == "other":
        yield from _differ("rows of the other set", shown_rows(there), expected.other)
    elif expected.view == "Table":
        yield from _table(there, expected, blank)
    elif expected.view == "Card":
        yield from _card(there, expected, blank)
    elif "Save the prompt" not in there["text"] or "view=Prompt" not in there["where"]:
        yield f"no prompt is shown at {there['where']}: {there['text'][:300]}"


def _table(there: dict[str, Any], expected: Expected, blank: dict[str, Any]) -> Iterator[str]:
    if there["rows"] is None:
        yield f"no table is shown at {there['where']}: {there['text'][:300]}"
        return
    yield from _differ("rows", shown_rows(there), tuple(map(expected.overlaid, expected.items)))
    for row, item in zip(there["rows"], expected.items, strict=False):
        if expected.typed_on(item) and not row["unsaved"]:
            yield f"{item.id}: nothing says that what is typed is not saved"
        if not expected.typed_on(item) and row["unsaved"] and not expected.is_offline:
            yield f"{item.id}: {row['unsaved']}"
    typed, form = expected.typed.get(NEW), there["form"]
    if typed is None and form is None:
        return
    if form is None:
        yield "the form of the new question is not shown"
        return
    yield from _differ("new question", _form(form), {**blank, **(typed.fields if typed else {})})


def _card(there: dict[str, Any], expected: Expected, blank: dict[str, Any]) -> Iterator[str]:
    if there["card"] is None:
        yield f"no card is shown at {there['where']}: {there['text'][:300]}"
        return
    place = there["card"]["place"]
    saved = {f"question/{item.id}": item._asdict() for item in expected.items}
    if place != NEW and place not in saved:
        yield f"the card shows {place}, which is not here"
        return
    before = blank if place == NEW else {name: saved[place][name] for name in blank}
    yield from _differ(f"card of {place}", _form(there["card"]), expected.shown(place, before))


def shown_rows(there: dict[str, Any]) -> tuple[Item, ...]:
    """The questions of a table that was looked at, as it shows them."""
    return tuple(Item(r["id"], r["question"], tuple(r["choices"]), r["answer"]) for r in there["rows"] or ())


def _form(form: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(name, form[name]) for name in ("question", "choices", "answer")}


def _plain(name: str, value: Any) -> Any:
    """Choices without the empty ones behind the last; no right answer is -1."""
    if name == "choices":
        choices = list(value or ())
        while choices and not choices[-1].strip():
            choices.pop()
        return tuple(choices)
    if name == "answer":
        return -1 if value is None else value
    return value or None if name == "subject" else value


def _differ(what: str, found: Any, wanted: Any) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: {found}, not {wanted}"
