"""Walks: drawn by a seed or given, taken step by step in a browser, and shortened to the fewest steps that still fail."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Error, Page

from benchmarks.author import looking
from benchmarks.author.expected import Expected, Item
from benchmarks.author.steps import BLANK, ENDED, STEPS, Hands, Impossible, Step
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from scripts.screenshots import note_error, server

PATIENCE_S, LOOK_S = 20.0, 0.15
STEP_MS = 20_000
LAST_LINES = 3  # of what the browser says of a click that it could not do
SHORTEST_TRIES = 60
OFFLINE = "net::ERR_INTERNET_DISCONNECTED"


@dataclass(frozen=True)
class Failure:
    """Where a walk ended, and why."""

    steps: tuple[Step, ...]
    why: str

    def __str__(self) -> str:
        return f"{self.why}\n  {' '.join(map(str, self.steps))}"


@contextmanager
def studio(home: Path) -> Iterator[tuple[str, Settings]]:
    """A server on a home of its own, without models."""
    env = os.environ | {"E2LM_HOME": str(home), "E2LM_LADDER": str(home / "none")}
    with server(env) as url:
        yield url, Settings(home=home)


def _prepare(settings: Settings) -> Expected:
    """Two sets as they are before the first step; nothing is typed."""
    for name, count in (("mine", 4), ("other", 2)):
        if (settings.sets / name).exists():
            collection.delete_set(settings, name)
        collection.create_set(
            settings,
            name,
            [
                Question(id=f"q{n}", question=f"{name} {n}?", choices=(f"a{n}", f"b{n}", f"c{n}"), answer=0)
                for n in range(1, count + 1)
            ],
        )
    shutil.rmtree(settings.home / "drafts", ignore_errors=True)
    other: tuple[Item, ...] = looking.saved_items(settings, "other")
    return Expected([looking.saved_items(settings)], other)


def _note(faults: list[str], message: ConsoleMessage) -> None:
    if OFFLINE not in message.text:
        note_error(faults, message)


def walk(
    browser: Browser, url: str, settings: Settings, steps: Iterable[Step], most: int | None = None
) -> Failure | None:
    """Take steps, `most` at most, until one fails; those for which there is nothing are passed over."""
    expected, faults = _prepare(settings), list[str]()
    taken: list[Step] = []
    context = browser.new_context(viewport={"width": 1280, "height": 1600})
    context.set_default_timeout(STEP_MS)
    try:
        page, second = context.new_page(), context.new_page()
        for window in (page, second):
            window.on("console", partial(_note, faults))
            window.on("pageerror", lambda error: faults.append(f"throws {error}"))
            window.goto(f"{url}/questions?set=mine")
            window.locator(".qt-row").first.wait_for()
        page.bring_to_front()
        hands = Hands(page, second, expected)
        for step in steps:
            if len(taken) == most:
                break
            act = STEPS[step.name]
            if not act.may(hands):
                continue
            taken.append(step)
            try:
                if not expected.is_offline:  # what is clicked while a page is drawn is not looked at
                    page.locator(ENDED).wait_for(state="attached")
                act.do(hands, step)
            except Impossible:
                taken.pop()
                continue
            except Error as error:
                last = str(error).splitlines()
                said = [last[0], *(line.strip(" -") for line in last[-LAST_LINES:]), *faults]
                return Failure(tuple(taken), f"{step.name}: {'; '.join(said)}")
            if found := _settled(settings, page, expected, faults):
                return Failure(tuple(taken), f"{step.name}: {'; '.join(found)}")
        return None
    finally:
        context.set_offline(False)
        context.close()


def _settled(settings: Settings, page: Page, expected: Expected, faults: list[str]) -> list[str]:
    """What still differs from what is expected when it had its time to come."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            found = [*faults, *looking.differences(settings, page, expected, BLANK)]
        except Error as error:
            found = [str(error).splitlines()[0]]  # the page is just being loaded
        if not found or faults or time.monotonic() > until:
            return found
        page.wait_for_timeout(LOOK_S * 1000)


def drawn(seed: int, only: Sequence[str] = ()) -> Iterator[Step]:
    """The steps of a seed, without end; of `only` these names where any is given."""
    chance, names = random.Random(seed), list(only or STEPS)
    weights = [STEPS[name].weight for name in names]
    for number in itertools.count(1):
        yield Step(chance.choices(names, weights)[0], number, chance.randrange(1024))


def shorten(
    failure: Failure, take: Callable[[Sequence[Step]], Failure | None], tries: int = SHORTEST_TRIES
) -> Failure:
    """The fewest steps that still fail when they are taken, by leaving out ever smaller parts of them."""
    best, size = failure, max(1, len(failure.steps) // 2)
    while True:
        at, is_shorter = 0, False
        while at < len(best.steps):
            if not tries:
                return best
            tries -= 1
            left = (*best.steps[:at], *best.steps[at + size :])
            if left and (found := take(left)):
                best, is_shorter = found, True
            else:
                at += size
        if size == 1 and not is_shorter:
            return best
        size = max(1, size // 2)
