"""All pairs of ten kinds of edit of one question by two people: nothing acknowledged is lost, no other text is right.

    python -m benchmarks.people.pairs [--only NAME …] [--services]

Ada edits a question, and then Bob: on what she saved (online), or offline on what both had before, so that his table
sends it again once the server is back. Each of the 55 pairs in both orders, in two browsers at one app, or with
`--services` without a browser, as the table's requests. Exit status 1 unless after each pair

- the right answer is a text that one of the two saw as the right one when they saved,
- an edit that was acknowledged is in the set, and one that was not changed nothing and is kept as a draft,
- undo by either never marks another text.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Locator, expect, sync_playwright

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.conflicts import PAIR, merge
from e2lm_core.sets.editing import drafts
from e2lm_core.ui.editor.drafts.conflicts import LETTERS
from e2lm_core.ui.requests.component_requests import ComponentRequest
from e2lm_core.ui.requests.middleware import browser_cookie
from e2lm_core.ui.server import table_routes
from scripts.screenshots import FLAGS, server, settle

SET = "mine"
TARGET = 2  # the choice that most edits are about
WAIT_S = 60.0
DOUBLE_CLICK_MS = 700
app = typer.Typer()


def asked(number: int) -> Question:
    """The question of a case."""
    choices = ("alder", "birch", "cedar", "dogwood")
    text = f"Which tree has number {number:04}?"
    return Question(id=f"q{number}", question=text, choices=choices, answer=1, subject="trees")


class Edit(NamedTuple):
    """An edit as its author means it: the question that they see, as they want it, and the request of the table.

    `wanted` is None for a deleted question; a shuffle's order is the server's.
    """

    kind: str
    seen: Question
    wanted: Question | None
    request: dict[str, Any]


Make = Callable[
    [Question, str, bool], dict[str, Any]
]  # of the question seen, by whom, whether both do the same


def _place(seen: Question, text: str) -> int:
    """The place of a choice, or of the one that stands there by now."""
    return seen.choices.index(text) if text in seen.choices else min(TARGET, len(seen.choices) - 1)


def _text(seen: Question, who: str, again: bool) -> dict[str, Any]:
    return {"question": f"{seen.question} ({who})"}


def _reword(seen: Question, who: str, again: bool) -> dict[str, Any]:
    at = _place(seen, "cedar")
    return {"choices": (*seen.choices[:at], f"cedar of {who}", *seen.choices[at + 1 :])}


def _mark(seen: Question, who: str, again: bool) -> dict[str, Any]:
    return {"answer": _place(seen, "dogwood" if again else "cedar")}


def _reorder(seen: Question, who: str, again: bool) -> dict[str, Any]:
    """A choice goes up by one, and the right one stays right."""
    at = max(1, _place(seen, "dogwood" if again else "cedar"))
    order = list(range(len(seen.choices)))
    order[at - 1 : at + 1] = at, at - 1
    return {"choices": tuple(seen.choices[place] for place in order), "answer": order.index(seen.answer)}


def _add(seen: Question, who: str, again: bool) -> dict[str, Any]:
    return {"choices": (*seen.choices, f"elm of {who}")}


def _remove(seen: Question, who: str, again: bool) -> dict[str, Any]:
    at = _place(seen, "dogwood" if again else "alder")
    left = (*seen.choices[:at], *seen.choices[at + 1 :])
    return {"choices": left, "answer": seen.answer - (seen.answer > at)}


def _subject(seen: Question, who: str, again: bool) -> dict[str, Any]:
    return {"subject": f"trees of {who}"}


SAVED: dict[str, Make] = {
    "text": _text,
    "reword": _reword,
    "mark": _mark,
    "reorder": _reorder,
    "add": _add,
    "remove": _remove,
    "subject": _subject,
}
DONE = ("replace", "shuffle", "delete")
KINDS = (*SAVED, *DONE)
PAIRS = tuple(combinations_with_replacement(KINDS, 2))


def edit(kind: str, seen: Question, who: str, again: bool = False) -> Edit:
    """An edit of that kind by somebody who sees the question so; `again` where the other's was of the same kind."""
    if kind in SAVED:
        changes = SAVED[kind](seen, who, again)
        wanted = seen.model_copy(update=changes)
        typed = changes.keys() | set(PAIR) if changes.keys() & set(PAIR) else changes.keys()
        fields, before = ({f: getattr(q, f) for f in sorted(typed)} for q in (wanted, seen))
        return Edit(kind, seen, wanted, {"do": "save", "id": seen.id, "fields": fields, "seen": before})
    if kind == "replace":
        old, new = seen.choices[_place(seen, "cedar")], f"cypress of {who}"
        wanted = seen.model_copy(update={"choices": tuple(new if c == old else c for c in seen.choices)})
        body = {"text": old, "by": new, "fields": ["choices"], "exact": True}
        return Edit(kind, seen, wanted, {"do": kind, "ids": [seen.id], **body})
    body = {"seed": 1 + again} if kind == "shuffle" else {}
    return Edit(kind, seen, None if kind == "delete" else seen, {"do": kind, "ids": [seen.id], **body})


class Case(NamedTuple):
    """Two kinds of edit in their order, and whether the second author saw what the first had saved."""

    first: str
    second: str
    online: bool

    def __str__(self) -> str:
        return f"{self.first} then {self.second}, {'online' if self.online else 'offline'}"


def cases(pairs: Iterable[tuple[str, str]] = PAIRS) -> list[Case]:
    """The pairs in both orders, on- and offline."""
    orders = [order for pair in pairs for order in dict.fromkeys((pair, pair[::-1]))]
    return [Case(*order, online) for order in orders for online in (True, False)]


# --- what is to hold ------------------------------------------------------------------------------------------


def right(question: Question) -> str:
    """The text of the right choice."""
    return question.choices[question.answer]


def faults(
    first: Edit, second: Edit, online: bool, saved: bool, now: Question | None, kept: bool
) -> list[str]:
    """Sentences on what an outcome has done wrong.

    Args:
        first: The edit that was saved first.
        second: The edit of the other one.
        online: Whether the second author saw what the first had saved.
        saved: Whether the second was acknowledged, without a clash and without a sentence.
        now: The question as it is on the disk, None where it is not there.
        kept: Whether the second author's text is a draft.
    """
    found = []
    done = [first, second] if saved else [first]
    if now is not None and right(now) not in {right(e.wanted) for e in done if e.wanted is not None}:
        found.append(f"{right(now)!r} is right, which nobody saw as right")
    for one in done:
        if one is second or not online:
            found += [f"{lost} of {one.kind} is lost" for lost in _lost(one, now, done[-1].kind == "shuffle")]
    if online and not saved:
        found.append("who saw everything was refused")
    if not saved and second.kind in SAVED and not kept:
        found.append("what was not saved is no draft")
    return found


def _lost(one: Edit, now: Question | None, by_chance: bool) -> Iterator[str]:
    """What of an acknowledged edit is not in the set."""
    if one.wanted is None or now is None:
        if one.wanted is not None or now is not None:
            yield "all"
        return
    wanted, seen = one.wanted, one.seen
    for name in ("question", "subject"):
        if getattr(wanted, name) not in (getattr(seen, name), getattr(now, name)):
            yield name
    if set(wanted.choices) - set(seen.choices) - set(now.choices):
        yield "a new choice"
    if (set(seen.choices) - set(wanted.choices)) & set(now.choices):
        yield "what was taken out"
    if right(wanted) not in (right(seen), right(now)):
        yield "the right answer"
    if (
        one.kind == "reorder"
        and not by_chance
        and [c for c in now.choices if c in wanted.choices] != [c for c in wanted.choices if c in now.choices]
    ):
        yield "the order"


# --- without a browser ------------------------------------------------------------------------------------------


@dataclass
class Table:
    """A table of questions as its script keeps it: the rows that it was told, and the state that these are of."""

    settings: Settings
    name: str
    digest: str | None = None
    rows: dict[str, Question] = field(default_factory=dict)

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """The server's answer to a request, whose rows are taken over."""
        asked = ComponentRequest(
            self.settings, self.name, json.loads(json.dumps({**body, "since": self.digest}))
        )
        told = json.loads(table_routes.perform_action(asked))
        kept = {} if told["whole"] else {i: q for i, q in self.rows.items() if i not in told["gone"]}
        self.rows = kept | {row["id"]: Question(**row) for row in told["rows"]}
        self.digest = told["digest"]
        return dict(told)

    def send(self, one: Edit) -> bool:
        """Whether the edit was acknowledged."""
        told = self.ask(one.request)
        return not told.get("sentence") and not told.get("clashes")


def present(settings: Settings, name: str, of: Question) -> Question | None:
    """A question as it is on the disk, None where it is not there."""
    return next((q for q in collection.open_set(settings, name).questions if q.id == of.id), None)


def kept(settings: Settings, name: str, one: Edit) -> bool:
    """Whether what the author wanted is their draft."""
    draft = drafts.find_draft(settings, name, drafts.question_place(one.seen.id))
    typed = json.loads(json.dumps(one.request.get("fields", {})))
    return draft is not None and all(draft.fields.get(field) == value for field, value in typed.items())


def by_services(home: Settings, name: str, case: Case) -> list[str]:
    """A case as the tables' requests, in a set of its own; what was wrong with it."""
    was, again = asked(1), case.first == case.second
    collection.create_set(home, name, (was, asked(2)))
    ada, bob = (Table(home.for_person(None, digits * 12), name) for digits in "ab")
    ada.ask({})
    bob.ask({})
    first, second = edit(case.first, was, "Ada"), edit(case.second, was, "Bob", again)
    found = [] if ada.send(first) else ["the first was refused"]
    if case.online:
        bob.ask({})
        if was.id not in bob.rows:
            return found  # nothing is left to be edited
        second = edit(case.second, bob.rows[was.id], "Bob", again)
    saved = bob.send(second)
    now = present(home, name, was)
    found += faults(first, second, case.online, saved, now, kept(bob.settings, name, second))
    found += _kept_mine(bob.settings, name, second)
    return found + list(_undone(ada.settings, bob.settings, name, (first, second)))


def _kept_mine(bob: Settings, name: str, one: Edit) -> Iterator[str]:
    """What is wrong once each clash was ended with "Keep mine"."""
    draft, now = (
        drafts.find_draft(bob, name, drafts.question_place(one.seen.id)),
        present(bob, name, one.seen),
    )
    if draft is None or not draft.tried or now is None:
        return
    for clash in merge(now, draft.fields, draft.seen).clashes:
        authoring.resolve_conflict(bob, name, clash, "mine")
    yield from _wrong_mine(present(bob, name, one.seen), one)


def _wrong_mine(now: Question | None, one: Edit) -> Iterator[str]:
    if now is None or one.wanted is None or right(now) != right(one.wanted):
        yield "Keep mine marks another text"


def _undone(ada: Settings, bob: Settings, name: str, edits: Iterable[Edit]) -> Iterator[str]:
    """What is wrong once each of them has taken back what they did, and one has done it again."""
    states = [q for one in edits for q in (one.seen, one.wanted) if q is not None]
    marked = {right(q) for q in states}
    for who, act in ((ada, versions.undo), (bob, versions.undo), (ada, versions.redo)):
        with contextlib.suppress(StudioError):  # there is nothing of theirs, or it cannot be taken back
            act(who, name)
        now = present(who, name, states[0])
        if now is not None and right(now) not in marked:
            yield f"after {act.__name__} {right(now)!r} is right, which nobody saw as right"


# --- in two browsers --------------------------------------------------------------------------------------------


class Browser:
    """A person's page with the table of questions, and the hands at it."""

    def __init__(self, chromium: Chromium, url: str, home: Settings) -> None:
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        self.page = context.new_page()
        self.page.set_default_timeout(WAIT_S * 1000)
        self.page.goto(f"{url}/questions?set={SET}")
        settle(self.page)
        token = next(c["value"] for c in context.cookies() if c["name"] == browser_cookie.COOKIE)
        self.settings = home.for_person(None, browser_cookie.author(token))

    def row(self, of: Question) -> Locator:
        """The row of a question."""
        return self.page.locator(f'.qt-row[data-id="{of.id}"]')

    def show(self, of: Question) -> None:
        """Have the question alone in the table."""
        number = of.question[: of.question.index("?")].split()[-1]
        self.page.get_by_role("searchbox", name="Search the questions").fill(number)
        expect(self.page.locator(".qt-row")).to_have_count(1)
        expect(self.row(of)).to_be_visible()

    def follow(self, now: Question | None, of: Question) -> None:
        """Wait until the table shows what is on the disk."""
        wanted = None if now is None else (now.question, list(now.choices), now.answer, now.subject)
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            row = self.page.evaluate(_ROW, [SET, of.id])
            seen = row and (row["question"], row["choices"], row["answer"], row.get("subject"))
            if seen == wanted:
                return
            self.page.wait_for_timeout(50)
        raise TimeoutError(f"{of.id} is not shown as it is: {seen}, not {wanted}")

    def prepare(self, one: Edit) -> None:
        """Do all but the last click of an edit: that much needs the server."""
        if one.kind == "shuffle":
            self.row(one.seen).get_by_role("checkbox").check()
            expect(self.page.get_by_role("button", name="Shuffle choices")).to_be_visible()
        elif one.kind == "replace":
            self.page.get_by_role("button", name="Replace", exact=True).click()
            self.page.get_by_role("textbox", name="Find").fill(one.request["text"])
            self.page.get_by_role("textbox", name="Replace by").fill(one.request["by"])
            expect(self.page.get_by_role("button", name="Replace in 1 place")).to_be_enabled()
        if self.page.get_by_role("button", name="Close this").count():  # a notice of before
            self.page.get_by_role("button", name="Close this").click()

    def do(self, one: Edit) -> None:
        """The edit as its author does it."""
        row, page = self.row(one.seen), self.page
        if one.wanted is None:
            page.wait_for_timeout(DOUBLE_CLICK_MS)  # a second click so soon after the last deletion is none
            row.get_by_role("button", name="Delete question").click()
            return
        moved = [
            at for at, (a, b) in enumerate(zip(one.seen.choices, one.wanted.choices, strict=False)) if a != b
        ]
        if one.kind == "text":
            self._type("question", one.wanted.question, one)
        elif one.kind == "subject":
            self._type("subject", one.wanted.subject or "", one)
        elif one.kind == "reword":
            self._type(f"choice {moved[0]}", one.wanted.choices[moved[0]], one)
        elif one.kind == "mark":
            row.get_by_role("radio", name=f"{LETTERS[one.wanted.answer]} is right", exact=True).click()
        elif one.kind == "add":
            row.get_by_role("button", name="choice").click()
            row.locator("textarea").fill(one.wanted.choices[-1])
            page.keyboard.press("Enter")
        elif one.kind in ("reorder", "remove"):
            at = moved[-1] if one.kind == "reorder" else [*moved, len(one.wanted.choices)][0]
            row.locator(f'[data-cell="choice {at}"]').click()
            page.keyboard.press("Escape")
            expect(row.locator(f'[data-cell="choice {at}"]')).to_be_focused()
            page.keyboard.press("Alt+ArrowUp" if one.kind == "reorder" else "Delete")
        else:
            name = "Shuffle choices" if one.kind == "shuffle" else "Replace in 1 place"
            page.get_by_role("button", name=name).click()

    def _type(self, cell: str, text: str, one: Edit) -> None:
        row = self.row(one.seen)
        row.locator(f'[data-cell="{cell}"]').click()
        row.locator(f'.qt-field[data-cell="{cell}"]').fill(text)
        self.page.keyboard.press("Enter")

    def is_saved(self, one: Edit) -> bool:
        """Whether the table says that the edit is saved, once it says anything."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if one.kind in DONE:
                notices = self.page.locator(".qt-notice").evaluate_all(
                    "all => all.map((one) => one.className)"
                )
                if notices:
                    return "qt-error" not in notices[0]
            else:
                rows = self.row(one.seen).evaluate_all(_STATE)
                if not rows or rows[0] != "saving":
                    return rows == ["saved"]
            self.page.wait_for_timeout(20)
        raise TimeoutError(f"Nothing is said of {one.kind} of {one.seen.id}")

    def clean(self, one: Edit) -> None:
        """Close what an edit has opened."""
        if one.kind == "replace":
            self.page.get_by_role("button", name="Close find and replace").click()
        box = self.row(one.seen).get_by_role("checkbox")
        if one.kind == "shuffle" and box.count():
            box.uncheck()


_STATE = """(rows) => rows.map((row) => {
  const state = row.querySelector(".qt-state")?.className ?? "";
  return state && !/qt-(ok|error)/.test(state) ? "saving" : /qt-ok/.test(state) && !row.querySelector(".qt-unsaved") ? "saved" : "";
})"""
# What the table knows of a question, after it has asked what is new.
_ROW = """([set, id]) => {
  document.dispatchEvent(new Event("e2lm-news"));
  return e2lmTables.get(set).store.rows.get(id) ?? null;
}"""


def by_browsers(ada: Browser, bob: Browser, home: Settings, case: Case, was: Question) -> list[str]:
    """A case in two browsers' tables of one set; what was wrong with it."""
    again = case.first == case.second
    first, second = edit(case.first, was, "Ada"), edit(case.second, was, "Bob", again)
    for one in (ada, bob):
        one.show(was)
    if not case.online:
        bob.prepare(second)
        bob.page.context.set_offline(True)
        bob.do(second)
    ada.prepare(first)
    ada.do(first)
    found = [] if ada.is_saved(first) else ["the first was refused"]
    ada.clean(first)
    if case.online:
        now = present(home, SET, was)
        bob.follow(now, was)
        if now is None:
            return found  # nothing is left to be edited
        second = edit(case.second, now, "Bob", again)
        bob.prepare(second)
        bob.do(second)
    else:
        bob.page.context.set_offline(False)
    saved = bob.is_saved(second)
    now = present(home, SET, was)
    found += faults(first, second, case.online, saved, now, kept(bob.settings, SET, second))
    bob.clean(second)
    mine = bob.page.get_by_role("button", name="Keep mine")
    if not saved and second.kind in SAVED and now is not None:
        mine.click()
        expect(mine).to_have_count(0)
        found += _wrong_mine(present(home, SET, was), second)
    with contextlib.suppress(StudioError):
        drafts.discard_draft(bob.settings, SET, drafts.question_place(was.id))
    return found


def swept(chromium: Chromium, home: Path, wanted: Sequence[Case]) -> dict[Case, list[str]]:
    """Cases in two browsers at an app of their own on an empty home; what was wrong with each."""
    settings = Settings(home=home)
    questions = [asked(number) for number in range(1, len(wanted) + 1)]
    collection.create_set(settings, SET, questions)
    environment = os.environ | {"E2LM_HOME": str(home), "E2LM_LADDER": str(home / "none")}  # nothing is run
    with server(environment) as url:
        ada, bob = (Browser(chromium, url, settings) for _ in range(2))
        found = {}
        for case, was in zip(wanted, questions, strict=True):
            found[case] = by_browsers(ada, bob, settings, case, was)
            typer.echo(f"{case}: {'; '.join(found[case]) or 'held'}")
        for one in (ada, bob):
            one.page.context.close()
    return found


@app.command()
def main(
    services: Annotated[bool, typer.Option("--services", help="Without a browser.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Pairs with this kind of edit alone.")] = None,
    chromium: Annotated[str, typer.Option(help="The browser.")] = "/usr/bin/chromium",
) -> None:
    """Go through all pairs, or those with some kinds of edit; exit status 1 where one does not hold."""
    wanted = cases(pair for pair in PAIRS if not only or set(pair) & set(only))
    with tempfile.TemporaryDirectory() as folder:
        if services:
            home = Settings(home=Path(folder))
            found = {case: by_services(home, f"set{n}", case) for n, case in enumerate(wanted)}
        else:
            with sync_playwright() as playwright:
                opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                found = swept(opened, Path(folder), wanted)
                opened.close()
    wrong = {case: sentences for case, sentences in found.items() if sentences}
    for case, sentences in wrong.items():
        typer.echo(f"{case}: {'; '.join(sentences)}")
    typer.echo(f"{len(PAIRS)} pairs of {len(KINDS)} kinds, {len(wanted)} cases: {len(wrong)} did not hold.")
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    app()
