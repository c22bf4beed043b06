"""The state that a walk expects: the set after each step, what is typed and not saved, and which view shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

NEW = "new"
PAIR = ("choices", "answer")
MIN_QUESTIONS, MAX_QUESTIONS, MIN_CHOICES, MAX_CHOICES = 2, 7, 2, 5


class Item(NamedTuple):
    """A question; its id is None until the disk has named it."""

    id: str | None
    question: str
    choices: tuple[str, ...]
    answer: int


@dataclass
class Typed:
    """What is typed at a place and not saved: by field, as it was before, and the view it was typed in.

    `pair` are choices and right answer as they were before either was typed.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    base: dict[str, Any] = field(default_factory=dict)
    pair: dict[str, Any] = field(default_factory=dict)
    view: str = "Table"


@dataclass
class Expected:
    """`states` are those that undo and redo go through, `at` the present one; `typed` is by place, the last one typed last."""

    states: list[tuple[Item, ...]]
    other: tuple[Item, ...]
    at: int = 0
    typed: dict[str, Typed] = field(default_factory=dict)
    view: str = "Table"
    shown_set: str = "mine"
    is_offline: bool = False
    is_away: bool = False

    @property
    def items(self) -> tuple[Item, ...]:
        """The questions as they are saved, or will be once the server answers."""
        return self.states[self.at]

    def change(self, items: tuple[Item, ...]) -> None:
        """A saved change: what was undone before cannot be redone any more."""
        if items == self.items:
            return
        self.states = [*self.states[: self.at + 1], items]
        self.at += 1

    def replace(self, place: int, **fields: Any) -> None:
        """A saved change of one question."""
        items = list(self.items)
        items[place] = items[place]._replace(**fields)
        self.change(tuple(items))

    def name_new(self, ids: list[str]) -> None:
        """Take the ids of new questions from the disk: in every state, since redo brings the same back."""
        named = {(i.question, i.choices): d for i, d in zip(self.items, ids, strict=True) if i.id is None}
        self.states = [
            tuple(i._replace(id=named.get((i.question, i.choices))) if i.id is None else i for i in items)
            for items in self.states
        ]

    def type_at(self, place: str, view: str, base: dict[str, Any], **fields: Any) -> None:
        """Text that is typed and not saved."""
        typed = self.typed.pop(place, Typed())
        if fields.keys() & set(PAIR) and not typed.fields.keys() & set(PAIR):
            typed.pair = {name: base[name] for name in PAIR}
        for name, value in fields.items():
            typed.base.setdefault(name, base[name])
            typed.fields[name] = value
        typed.view = view
        self.typed[place] = typed
        self.settle(place)

    def settle(self, place: str, *names: str) -> None:
        """These fields are saved or put aside; what is typed back is no draft."""
        if (typed := self.typed.get(place)) is None:
            return
        for name in [n for n, value in typed.fields.items() if n in names or value == typed.base[n]]:
            del typed.fields[name], typed.base[name]
        if not typed.fields:
            del self.typed[place]

    def typed_on(self, item: Item) -> Typed | None:
        """What is typed over a question."""
        return self.typed.get(f"question/{item.id}")

    def is_free(self, item: Item) -> bool:
        """Whether nothing is typed over it, so that an edit of it is saved as it is."""
        return self.typed_on(item) is None

    def shown(self, place: str, saved: dict[str, Any]) -> dict[str, Any]:
        """The fields of a question, or of a new one, as a page shows them: saved, with what is typed over them."""
        typed = self.typed.get(place, Typed())
        return {**self.seen(place, saved), **typed.fields}

    def seen(self, place: str, saved: dict[str, Any]) -> dict[str, Any]:
        """The fields as their author saw them: an edit is saved by these, choices and right answer together."""
        typed = self.typed.get(place, Typed())
        return {**saved, **(typed.pair if typed.fields.keys() & set(PAIR) else {}), **typed.base}

    def overlaid(self, item: Item) -> Item:
        """A question as a page shows it."""
        return Item(**self.shown(f"question/{item.id}", item._asdict()))

    def is_as_seen(self, item: Item) -> bool:
        """Whether what is typed over a question can be saved without a conflict."""
        return self.seen(f"question/{item.id}", item._asdict()) == item._asdict()
