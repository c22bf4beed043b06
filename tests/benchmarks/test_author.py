"""An author's random walk: sixty steps in a browser, the shortened walks that failed once, and the walk's own machine."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest
from playwright.sync_api import Browser

from benchmarks.author import walking
from benchmarks.author.expected import NEW, Expected, Item
from benchmarks.author.steps import BLANK, STEPS, Step, parse_steps
from e2lm_core.base.settings import Settings

SEED, STEPS_IN_CI = 20, 60
# Walks that failed once, shortened.
KEPT = {
    "the first click after another place was undone by the address": "switch_view:1:0 go_away:2:3 switch_view:3:0",
    "undo was forgotten where the page was drawn anew": "edit_text:1:0 edit_choice:2:1 mark:3:3 undo:4:0 edit_text:5:0 edit_choice:6:1 mark:7:3 undo:8:0",
    "another set came in the view of the page's first link": "switch_view:1:1 reload:2:0 switch_view:3:0 switch_set:4:0",
    "an edit broke the place that was gone to": "edit_text:1:0 go_away:2:2 edit_text:3:1 go_away:4:2 edit_text:5:2 go_away:6:2",
    "a form with text kept showing what an undo took back": "switch_view:1:0 type_in_card:2:2 save_card:3:0 type_in_card:4:1 undo:5:0",
    "the table took up a new question that the card had saved": "type_new:1:71 switch_view:2:0 new_card:3:0 save_card:4:0 new_card:5:0 save_card:6:0 switch_view:7:0",
    "the way back from Share was not obeyed": "edit_text:1:0 go_away:2:0 edit_text:3:1 go_away:4:0 edit_text:5:2 go_away:6:0 edit_text:7:3 go_away:8:0",
    "a text that another window had put aside stood in this one for good": "leave_half:1:373 edit_in_second:2:920 discard_half:3:0 edit_in_second:4:921",
    "what was being saved when the page was loaded again stood there as another's": "edit_choice:1:178 reload:2:0 mark:3:8 reload:4:0 edit_text:5:1 reload:6:0 edit_choice:7:3 reload:8:0",
    "two sets took the page from each other for good": "leave_half:1:371 save_half:2:0 switch_set:3:0 switch_set:4:0 mark:5:8 switch_set:6:0 switch_set:7:0",
    "the third edit of a question without a server was lost": "go_offline:1:1 edit_choice:2:12 edit_choice:3:0 edit_choice:4:0 mark:5:12 go_online:6:1",
}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    with walking.studio(tmp_path_factory.mktemp("author") / "home") as there:
        yield there


@pytest.mark.slow
def test_page_and_disk_are_one_after_each_step(browser: Browser, there: tuple[str, Settings]) -> None:
    failure = walking.walk(browser, *there, walking.drawn(SEED), STEPS_IN_CI)
    assert failure is None, str(failure)


@pytest.mark.slow
@pytest.mark.parametrize("steps", KEPT.values(), ids=KEPT)
def test_a_walk_that_failed_once_holds(browser: Browser, there: tuple[str, Settings], steps: str) -> None:
    failure = walking.walk(browser, *there, parse_steps(steps))
    assert failure is None, str(failure)


# --- the machine itself -----------------------------------------------------------------------------------


def test_a_seed_draws_the_same_steps_and_each_is_printed_as_it_is_read() -> None:
    steps = [step for step, _ in zip(walking.drawn(7), range(300), strict=False)]
    assert steps == [step for step, _ in zip(walking.drawn(7), range(300), strict=False)]
    assert {step.name for step in steps} == set(STEPS)
    assert parse_steps(" ".join(map(str, steps))) == steps


def test_a_failing_walk_is_shortened_to_the_steps_that_it_needs() -> None:
    steps = [Step("mark", number, 0) for number in range(100)]

    def take(taken: Sequence[Step]) -> walking.Failure | None:
        numbers = [step.number for step in taken]
        fails = 17 in numbers and 80 in numbers
        return walking.Failure(tuple(taken), "seen") if fails else None

    random.Random(0).shuffle(steps)
    shortened = walking.shorten(walking.Failure(tuple(steps), "seen"), take)
    assert sorted(step.number for step in shortened.steps) == [17, 80]


def item(name: str, *choices: str) -> Item:
    return Item(name, f"{name}?", choices or ("a", "b"), 0)


def test_undone_changes_come_again_until_another_is_made() -> None:
    expected = Expected([(item("q1"), item("q2"))], ())
    expected.replace(0, question="New?")
    expected.replace(0, question="New?")  # as it is
    assert (expected.at, expected.items[0].question) == (1, "New?")
    expected.at -= 1
    assert expected.items[0].question == "q1?"
    expected.change((*expected.items, Item(None, "Added?", ("a", "b"), 1)))
    assert len(expected.states) == 2
    expected.name_new(["q1", "q2", "q3"])
    assert expected.items[2].id == "q3"


def test_what_is_typed_back_is_no_draft() -> None:
    expected = Expected([(item("q1"),)], ())
    expected.type_at(NEW, "Table", BLANK, question="Half", answer=1)
    expected.type_at("question/q1", "Card", item("q1")._asdict(), question="Half")
    assert list(expected.typed) == [NEW, "question/q1"]
    assert expected.overlaid(expected.items[0]).question == "Half"
    expected.type_at("question/q1", "Card", item("q1")._asdict(), question="q1?")
    assert list(expected.typed) == [NEW]
    expected.settle(NEW, "question", "answer")
    assert not expected.typed
