"""The steps of a walk, by name: whether one may be taken, what the author does, and what is expected of it then."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from playwright.sync_api import Locator, Page, TimeoutError

from benchmarks.author.expected import (
    MAX_CHOICES,
    MAX_QUESTIONS,
    MIN_CHOICES,
    MIN_QUESTIONS,
    NEW,
    Expected,
    Item,
)
from benchmarks.author.looking import look, shown_rows

T = TypeVar("T")
BLANK = {"question": "", "choices": (), "answer": -1}
ENDED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
DRAFTED_MS = 900  # a draft is sent .4 s after it was typed
TURN_S = 20.0


class Step(NamedTuple):
    """A step by its name; `number` makes its text unlike any other's, `pick` chooses among what is there."""

    name: str
    number: int
    pick: int

    def __str__(self) -> str:
        return f"{self.name}:{self.number}:{self.pick}"


def parse_steps(text: str) -> list[Step]:
    """Steps as a failing walk is printed: `name:number:pick`, with blanks between."""
    parts = [word.split(":") for word in text.split()]
    return [Step(name, int(number), int(pick)) for name, number, pick in parts]


class Impossible(Exception):
    """A step for which there is nothing now."""


class Hands(NamedTuple):
    """The two windows of one author, and what is expected of the first."""

    page: Page
    second: Page
    expected: Expected


class Act(NamedTuple):
    """`weight` is how often it is drawn among those that may be taken."""

    may: Callable[[Hands], bool]
    do: Callable[[Hands, Step], None]
    weight: int = 2


# --- whether a step may be taken ---------------------------------------------------------------------------


def _is_table(hands: Hands) -> bool:
    expected = hands.expected
    return expected.view == "Table" and expected.shown_set == "mine"


def _is_online_table(hands: Hands) -> bool:
    return _is_table(hands) and not hands.expected.is_offline


def _is_card(hands: Hands) -> bool:
    expected = hands.expected
    return expected.view == "Card" and expected.shown_set == "mine" and not expected.is_offline


def _is_online(hands: Hands) -> bool:
    return not hands.expected.is_offline


def _has_room(hands: Hands) -> bool:
    return len(hands.expected.items) < MAX_QUESTIONS


def _free(expected: Expected) -> list[int]:
    return [at for at, item in enumerate(expected.items) if expected.is_free(item)]


def _picked(hands: Hands, step: Step, fits: Callable[[Item], bool] = lambda _: True) -> int:
    """The place of a question over which nothing is typed and that fits. Raises Impossible where there is none."""
    items = hands.expected.items
    return _one([at for at in _free(hands.expected) if fits(items[at])], step)


def _one(found: Sequence[T], step: Step) -> T:
    if not found:
        raise Impossible
    return found[step.pick % len(found)]


def _require(possible: bool) -> None:
    if not possible:
        raise Impossible


# --- what the author does in the table -----------------------------------------------------------------------


def _row(page: Page, place: int) -> Locator:
    return page.locator(f'.qt-row[aria-rowindex="{place + 1}"]')


def _cell(page: Page, place: int, name: str = "question") -> Locator:
    return _row(page, place).locator(f'[data-cell="{name}"]')


def _select(page: Page, place: int, name: str) -> None:
    """Take a text in hand without typing in it."""
    _cell(page, place, name).click()
    page.locator(".qt-list textarea").wait_for()
    page.keyboard.press("Escape")


def _type(page: Page, place: int, name: str, text: str) -> None:
    _cell(page, place, name).click()
    page.locator(".qt-list textarea").fill(text)


def _edit_text(hands: Hands, step: Step) -> None:
    place = _picked(hands, step)
    text = f"Asked in {step.number}?"
    _type(hands.page, place, "question", text)
    hands.page.keyboard.press("Enter")
    hands.expected.replace(place, question=text)


def _edit_choice(hands: Hands, step: Step) -> None:
    place = _picked(hands, step)
    choices = list(hands.expected.items[place].choices)
    at = step.pick // 7 % len(choices)
    choices[at] = f"choice of {step.number}"
    _type(hands.page, place, f"choice {at}", choices[at])
    hands.page.keyboard.press("Enter")
    hands.expected.replace(place, choices=tuple(choices))


def _mark(hands: Hands, step: Step) -> None:
    place = _picked(hands, step)
    at = step.pick // 7 % len(hands.expected.items[place].choices)
    _row(hands.page, place).get_by_role("radio", name=f"{chr(65 + at)} is right").click()
    hands.expected.replace(place, answer=at)


def _add_choice(hands: Hands, step: Step) -> None:
    place = _picked(hands, step, lambda item: len(item.choices) < MAX_CHOICES)
    text, item = f"choice of {step.number}", hands.expected.items[place]
    _select(hands.page, place, "choice 0")
    hands.page.keyboard.press("+")
    hands.page.locator(".qt-list textarea").fill(text)
    hands.page.keyboard.press("Enter")
    hands.expected.replace(place, choices=(*item.choices, text))


def _remove_choice(hands: Hands, step: Step) -> None:
    place = _picked(hands, step, lambda item: len(item.choices) > MIN_CHOICES)
    item = hands.expected.items[place]
    at = next(n for n in (step.pick // 7 % 2, 2) if n != item.answer)
    _select(hands.page, place, f"choice {at}")
    hands.page.keyboard.press("Delete")
    choices = (*item.choices[:at], *item.choices[at + 1 :])
    hands.expected.replace(place, choices=choices, answer=item.answer - (item.answer > at))


def _move_choice(hands: Hands, step: Step) -> None:
    place = _picked(hands, step)
    item = hands.expected.items[place]
    at = step.pick // 7 % (len(item.choices) - 1)
    choices = list(item.choices)
    choices[at], choices[at + 1] = choices[at + 1], choices[at]
    _select(hands.page, place, f"choice {at}")
    hands.page.keyboard.press("Alt+ArrowDown")
    answer = {at: at + 1, at + 1: at}.get(item.answer, item.answer)
    hands.expected.replace(place, choices=tuple(choices), answer=answer)


def _move(hands: Hands, step: Step) -> None:
    items = list(hands.expected.items)
    place = step.pick % (len(items) - 1)
    _row(hands.page, place).hover()
    _row(hands.page, place).get_by_role("button", name=f"More about question {place + 1}").click()
    hands.page.get_by_role("menuitem", name="Move down").click()
    items[place], items[place + 1] = items[place + 1], items[place]
    hands.expected.change(tuple(items))


def _delete(hands: Hands, step: Step) -> None:
    _require(len(hands.expected.items) > MIN_QUESTIONS)
    place = _picked(hands, step)
    hands.page.wait_for_timeout(650)  # of two deletions in one breath the second is taken for a double click
    _row(hands.page, place).hover()
    _row(hands.page, place).get_by_role("button", name=f"Delete question {place + 1}").click()
    items = hands.expected.items
    hands.expected.change((*items[:place], *items[place + 1 :]))


def _new_form(page: Page) -> Locator:
    form = page.get_by_role("form", name="A new question")
    if not form.count():
        page.get_by_role("button", name="Add a question").click()
    form.wait_for()
    return form


def _type_new(hands: Hands, step: Step) -> None:
    """Type some of a new question: its text, two choices, its right answer, by the bits of `pick`."""
    form, expected = _new_form(hands.page), hands.expected
    typed = expected.typed.get(NEW)
    fields: dict[str, Any] = {}
    if step.pick & 1 or not step.pick & 6:
        fields["question"] = f"New in {step.number}?"
        form.get_by_label("The new question's text").fill(fields["question"])
    if step.pick & 2:
        fields["choices"] = (f"one of {step.number}", f"two of {step.number}")
        for letter, text in zip("AB", fields["choices"], strict=True):
            form.get_by_label(f"Choice {letter} of the new question").fill(text)
        if typed and len(typed.fields.get("choices", ())) > 2:
            fields["choices"] = (*fields["choices"], *typed.fields["choices"][2:])
    if step.pick & 4:
        fields["answer"] = step.pick // 8 % 2
        form.get_by_role("radio", name=f"{'AB'[fields['answer']]} is right").click()
    expected.type_at(NEW, "Table", BLANK, **fields)
    if step.pick & 64 and not expected.is_offline:
        hands.page.wait_for_timeout(DRAFTED_MS)


def _add(hands: Hands, step: Step) -> None:
    """Complete the new question and add it."""
    _type_new(hands, step._replace(pick=7 | step.pick & 8))
    hands.page.get_by_role("button", name="Add the question").click()
    typed = hands.expected.typed.pop(NEW).fields
    hands.expected.change(
        (*hands.expected.items, Item(None, typed["question"], typed["choices"], typed["answer"]))
    )


def _leave_half(hands: Hands, step: Step) -> None:
    """Type in a text and load the page again before it is saved."""
    place = _picked(hands, step)
    text, item = f"Half of {step.number}", hands.expected.items[place]
    if step.pick // 7 % 2:
        _type(hands.page, place, "question", text)
        hands.expected.type_at(f"question/{item.id}", "Table", item._asdict(), question=text)
    else:
        _type(hands.page, place, "choice 0", text)
        choices = (text, *item.choices[1:])
        hands.expected.type_at(f"question/{item.id}", "Table", item._asdict(), choices=choices)
    if step.pick // 14 % 2:
        hands.page.wait_for_timeout(DRAFTED_MS)
    _reload(hands, step)


def _half(hands: Hands, step: Step, is_savable: bool) -> tuple[int, str]:
    """The place of a question over which something is typed, in the table and among drafts."""
    expected, found = hands.expected, []
    for at, item in enumerate(expected.items):
        typed = expected.typed_on(item)
        if typed and (not is_savable or expected.is_as_seen(item)):
            found.append((at, f"question/{item.id}"))
    return _one(found, step)


def _save_half(hands: Hands, step: Step) -> None:
    at, place = _half(hands, step, is_savable=True)
    _row(hands.page, at).get_by_role("button", name="Save", exact=True).click()
    fields = hands.expected.typed.pop(place).fields
    hands.expected.replace(at, **fields)


def _discard_half(hands: Hands, step: Step) -> None:
    at, place = _half(hands, step, is_savable=False)
    _row(hands.page, at).get_by_role("button", name="Discard", exact=True).click()
    del hands.expected.typed[place]


# --- in the card ---------------------------------------------------------------------------------------------


def _card_place(hands: Hands) -> str:
    return str(look(hands.page)["card"]["place"])


def _card_base(hands: Hands, place: str) -> dict[str, Any]:
    item = next((i for i in hands.expected.items if f"question/{i.id}" == place), None)
    return item._asdict() if item else BLANK


def _type_in_card(hands: Hands, step: Step) -> None:
    place, text = _card_place(hands), f"Card of {step.number}"
    saved = _card_base(hands, place)
    area = hands.page.locator(".st-key-card_area")
    fields: dict[str, Any] = {}
    if step.pick & 1:
        area.locator("textarea").fill(text)
        fields["question"] = text
    if step.pick & 2 or not fields:
        before = hands.expected.shown(place, saved)["choices"]
        area.locator("input[type=text]").first.fill(text)
        fields["choices"] = (text, *before[1:])
    if step.pick & 4 and place != NEW:
        answer = step.pick // 8 % 2
        area.get_by_role("radiogroup").get_by_text("AB"[answer], exact=True).click()
        fields["answer"] = answer
    hands.expected.type_at(place, "Card", hands.expected.seen(place, saved), **fields)


def _save_card(hands: Hands, step: Step) -> None:
    """Save what is typed in the card; a new question is completed first."""
    place, expected = _card_place(hands), hands.expected
    if place == NEW:
        _require(_has_room(hands))
        area, text = hands.page.locator(".st-key-card_area"), f"New card of {step.number}"
        area.locator("textarea").fill(text)
        typed = expected.typed.get(NEW)
        rest = (typed.fields if typed else {}).get("choices", ())[2:]
        choices = (f"one of {step.number}", f"two of {step.number}", *rest)
        for at in (0, 1):
            area.locator("input[type=text]").nth(at).fill(choices[at])
        area.get_by_role("radiogroup").get_by_text("B", exact=True).click()
        _press_save(hands)
        expected.typed.pop(NEW, None)
        expected.change((*expected.items, Item(None, text, choices, 1)))
        return
    typed = expected.typed.get(place)
    at = next(n for n, item in enumerate(expected.items) if f"question/{item.id}" == place)
    _require(typed is not None and expected.is_as_seen(expected.items[at]))
    _press_save(hands)
    expected.replace(at, **expected.typed.pop(place).fields)


def _press_save(hands: Hands) -> None:
    hands.page.locator(".st-key-card_area").get_by_role("button", name="Save", exact=True).click()


def _new_card(hands: Hands, step: Step) -> None:
    name = "Back to the questions" if _card_place(hands) == NEW else "Add a question"
    _turn(hands, hands.page.get_by_role("button", name=name))


def _next_card(hands: Hands, step: Step) -> None:
    button = hands.page.get_by_role("button", name=("Next", "Previous")[step.pick % 2], exact=False).first
    _require(_card_place(hands) != NEW and button.is_enabled())
    _turn(hands, button)


def _turn(hands: Hands, button: Locator) -> None:
    """Press it and wait for another card: before that, one would type in the card that is going."""
    before, until = _card_place(hands), time.monotonic() + TURN_S
    button.click()
    while not (there := look(hands.page)["card"]) or there["place"] == before:
        if time.monotonic() > until:
            raise TimeoutError(f"The card still shows {before}.")
        hands.page.wait_for_timeout(50)


# --- around them ---------------------------------------------------------------------------------------------


def _undo(hands: Hands, step: Step) -> None:
    expected = hands.expected
    _require(expected.at > 0)
    hands.page.get_by_role("button", name="Undo").first.click()
    expected.at -= 1


def _redo(hands: Hands, step: Step) -> None:
    expected = hands.expected
    _require(expected.at + 1 < len(expected.states))
    hands.page.get_by_role("button", name="Redo").first.click()
    expected.at += 1


def _reload(hands: Hands, step: Step) -> None:
    hands.page.reload()
    _arrive(hands)


def _arrive(hands: Hands) -> None:
    """After a visit's beginning: in the view that the link names, else where text of the set was typed last."""
    expected = hands.expected
    if expected.view == "Table" and expected.typed and expected.shown_set == "mine":
        expected.view = [*expected.typed.values()][-1].view


def _switch_view(hands: Hands, step: Step) -> None:
    expected = hands.expected
    others = [view for view in ("Table", "Card", "Prompt") if view != expected.view]
    view = others[step.pick % 2]
    hands.page.get_by_role("radio", name=view, exact=True).click()
    expected.view = view


def _go_away(hands: Hands, step: Step) -> None:
    """To another place, and back: by the navigation or by the browser's way back."""
    page = hands.page
    page.get_by_test_id("stSidebarNavLink").filter(has_text=("Share", "Decide")[step.pick % 2]).click()
    page.get_by_role("heading", level=1, name=("Share", "Decide")[step.pick % 2]).wait_for()
    if step.pick // 2 % 2:
        page.get_by_test_id("stSidebarNavLink").filter(has_text="Questions").click()
    else:
        page.go_back()
    page.get_by_role("heading", level=1, name="Questions").wait_for()


def _switch_set(hands: Hands, step: Step) -> None:
    expected, page = hands.expected, hands.page
    to = "other" if expected.shown_set == "mine" else "mine"
    page.locator(".st-key-strip").get_by_role("combobox").click()
    page.get_by_role("option", name=to, exact=True).click()
    expected.shown_set = to


def _edit_in_second(hands: Hands, step: Step) -> None:
    """The same author in another window edits a question, perhaps that which is shown here."""
    place = _picked(hands, step)
    item, second = hands.expected.items[place], hands.second
    _require(hands.expected.view != "Card" or _card_place(hands) != f"question/{item.id}")
    second.bring_to_front()
    _wait_for_row(second, place, item)
    if step.pick // 7 % 2:
        text = f"Second of {step.number}?"
        _type(second, place, "question", text)
        second.keyboard.press("Enter")
        hands.expected.replace(place, question=text)
    else:
        at = step.pick // 14 % len(item.choices)
        _row(second, place).get_by_role("radio", name=f"{chr(65 + at)} is right").click()
        hands.expected.replace(place, answer=at)
    second.locator(".qt-state:not(.qt-ok)").wait_for(state="detached")
    hands.page.bring_to_front()


def _wait_for_row(page: Page, place: int, item: Item) -> None:
    """Wait until a window that was in the background shows a question as it is: one marks nothing that is marked."""
    until = time.monotonic() + TURN_S
    while not any(row[1:] == item[1:] for row in shown_rows(look(page))[place : place + 1]):
        if time.monotonic() > until:
            raise TimeoutError(f"The second window does not show {item}.")
        page.wait_for_timeout(50)


def _go_offline(hands: Hands, step: Step) -> None:
    hands.page.context.set_offline(True)
    hands.expected.is_offline = True


def _go_online(hands: Hands, step: Step) -> None:
    hands.page.context.set_offline(False)
    hands.expected.is_offline = False


def _toggle_runs(hands: Hands, step: Step) -> None:
    hands.page.get_by_text("Test every edit").click()
    time.sleep(0.2)


STEPS: dict[str, Act] = {
    "edit_text": Act(_is_table, _edit_text, 5),
    "edit_choice": Act(_is_table, _edit_choice, 5),
    "mark": Act(_is_table, _mark, 4),
    "add_choice": Act(_is_online_table, _add_choice),
    "remove_choice": Act(_is_online_table, _remove_choice),
    "move_choice": Act(_is_online_table, _move_choice),
    "move": Act(_is_online_table, _move),
    "delete": Act(_is_online_table, _delete),
    "type_new": Act(_is_table, _type_new, 4),
    "add": Act(lambda hands: _is_online_table(hands) and _has_room(hands), _add, 4),
    "leave_half": Act(_is_online_table, _leave_half, 3),
    "save_half": Act(_is_online_table, _save_half, 3),
    "discard_half": Act(_is_online_table, _discard_half),
    "type_in_card": Act(_is_card, _type_in_card, 12),
    "save_card": Act(_is_card, _save_card, 12),
    "new_card": Act(_is_card, _new_card, 8),
    "next_card": Act(_is_card, _next_card, 6),
    "undo": Act(lambda hands: _is_online_table(hands) or _is_card(hands), _undo, 4),
    "redo": Act(lambda hands: _is_online_table(hands) or _is_card(hands), _redo, 3),
    "reload": Act(_is_online, _reload, 3),
    "switch_view": Act(
        lambda hands: _is_online(hands) and hands.expected.shown_set == "mine", _switch_view, 7
    ),
    "go_away": Act(_is_online, _go_away, 3),
    "switch_set": Act(
        lambda hands: _is_online_table(hands) or hands.expected.shown_set == "other", _switch_set, 3
    ),
    "edit_in_second": Act(lambda hands: _is_online_table(hands) or _is_card(hands), _edit_in_second, 4),
    "go_offline": Act(_is_online_table, _go_offline, 2),
    "go_online": Act(lambda hands: hands.expected.is_offline, _go_online, 12),
    "toggle_runs": Act(_is_online_table, _toggle_runs, 1),
}
