"""Many sessions that visit pages at random and edit one set, and what each of them waited for."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.people.session import Session
from e2lm_core.ui.base import urls

PAUSE_S = 2.0  # between two things that a visitor does: evenly from none to this
ON_DISK_S = 60.0
LOOK_S = 0.01
# Each session edits rows of its own: what becomes of two who write into one cell is another benchmark's.
EDITED = "question"


@dataclass
class Crowd:
    """What was seen: (page, seconds), seconds of edits until they were on disk and until their page was there."""

    visits: list[tuple[str, float]] = field(default_factory=list)
    on_disk: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lost: int = 0


async def visiting(
    url: str,
    name: str,
    folder: Path,
    sessions: int,
    seconds: float,
    edits: float,
    seed: int,
    start_s: float,
    pages: Sequence[str] = (),
    aside: Callable[[], None] | None = None,
    beside: str | None = None,
) -> Crowd:
    """Let so many sessions visit for so long; one step in 1/`edits` is an edit.

    They arrive within `start_s`. `aside` is called once a second, `beside` names a set whose run one more
    session looks at.
    """
    seen = Crowd()
    until = time.monotonic() + seconds
    everyone = [
        _visitor(url, name, folder, number, sessions, until, edits, seed, start_s, pages, seen)
        for number in range(sessions)
    ]
    if beside is not None:
        everyone.append(_looking_at_run(url, beside, until, seen))
    ticking = asyncio.create_task(_tick(aside)) if aside else None
    try:
        await asyncio.gather(*everyone)
    finally:
        if ticking:
            ticking.cancel()
    return seen


async def warm(url: str, name: str, pages: Sequence[str] = ()) -> None:
    """Draw these pages (by itself: all) once, so that what a server does only once is not counted."""
    session = Session(url, name)
    await session.open()
    for page in pages or urls.VIEWS:
        await session.visit(page)
    await session.close()


async def _visitor(
    url: str,
    name: str,
    folder: Path,
    number: int,
    sessions: int,
    until: float,
    edits: float,
    seed: int,
    start_s: float,
    pages: Sequence[str],
    seen: Crowd,
) -> None:
    rng = random.Random(f"{seed} {number}")
    await asyncio.sleep(rng.uniform(0, start_s))
    session = Session(url, name)
    last = None
    try:
        await session.open()
        known = list(pages or urls.VIEWS)
        while time.monotonic() < until:
            await asyncio.sleep(rng.uniform(0, PAUSE_S))
            if rng.random() < edits:
                last = await _edit(session, folder, number, sessions, rng, seen)
            else:
                page = rng.choice(known)
                seen.visits.append((page, await session.visit(page)))
    except Exception as error:  # what it is must not end the others
        seen.errors.append(f"session {number}: {type(error).__name__}: {error}")
    finally:
        seen.errors += session.seen
        await session.close()
    if last is not None and last not in _text(folder):
        seen.lost += 1


async def _edit(
    session: Session, folder: Path, number: int, sessions: int, rng: random.Random, seen: Crowd
) -> str | None:
    if session.editor is None:
        seen.visits.append(("write", await session.visit("write")))
        await asyncio.sleep(rng.uniform(0, PAUSE_S))
    questions = _text(folder).count("\n")
    row = rng.randrange(number, questions, sessions) if number < questions else number % questions
    text = f"Which of these is {rng.getrandbits(64):016x}?"
    started = time.perf_counter()
    await session.edit(row, EDITED, text)
    while text not in _text(folder):
        if time.perf_counter() - started > ON_DISK_S:
            seen.errors.append(f"session {number}: an edit was not on disk after {ON_DISK_S:.0f} s")
            return None
        await asyncio.sleep(LOOK_S)
    seen.on_disk.append(time.perf_counter() - started)
    await session.settled()
    seen.shown.append(time.perf_counter() - started)
    return text


_READ: dict[Path, tuple[tuple[int, int], str]] = {}


def _text(folder: Path) -> str:
    """The set's questions as they are on disk, read again when they have changed."""
    file = folder / "test.jsonl"
    for _ in range(50):
        try:
            state = file.stat()
            stamp = (state.st_mtime_ns, state.st_ino)
            if _READ.get(file, (None,))[0] != stamp:
                _READ[file] = (stamp, file.read_text(encoding="utf-8"))
            return _READ[file][1]
        except FileNotFoundError:  # just being exchanged for its successor
            time.sleep(0.001)
    raise FileNotFoundError(file)


async def _looking_at_run(url: str, name: str, until: float, seen: Crowd) -> None:
    session = Session(url, name)
    try:
        await session.open()
        await session.visit("run")
        await asyncio.sleep(max(0.0, until - time.monotonic()))
    except Exception as error:
        seen.errors.append(f"the one who looks at the run: {type(error).__name__}: {error}")
    finally:
        seen.errors += session.seen
        await session.close()


async def _tick(aside: Callable[[], None]) -> None:
    while True:
        aside()
        await asyncio.sleep(1.0)
