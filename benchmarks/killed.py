"""Kills the app and its workers while people edit and a run goes on, and looks for what was lost.

    python -m benchmarks.killed [--kills 50] [--seed 0] [--sessions 2]

A home with a set that sessions edit over websockets, and a run of another on a tiny family of checkpoints made on the
spot. At random moments SIGKILL strikes the app, its workers or both; the app starts again, sessions come back. Exit
status 1 unless every acknowledged edit and draft is there after every kill, every version of the edited set opens,
nothing is left behind, and the run ends with the results of an undisturbed one. Prints a table, writes JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import struct
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import psutil
import typer

from benchmarks import kills
from benchmarks.people.server import served
from benchmarks.people.session import Session
from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.runs import start
from e2lm_core.runs.queue.queue import KEPT_JOBS
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.editing import drafts
from e2lm_core.ui.requests import component_requests
from tests.support.workers import stored

SHARED = "shared"
ROUND_S = (3.0, 9.0)  # from the sessions' first page to the kill
LOOK_S = 0.005
RUN_S = 600.0
DAY_S = 25 * 3600.0
AUTHOR, TYPED_IN = "0123456789ab", "q500"  # who types a draft, and in which question


@dataclass
class Found:
    """What the kills did. `lost` edits and drafts were acknowledged and are gone; `left` are files that nobody
    will remove."""

    kills: int = 0
    acknowledged: int = 0
    drafts: int = 0
    lost: int = 0
    unreadable: int = 0
    left: int = 0
    rows: int = 0
    different: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing at all was lost."""
        return not (self.lost or self.unreadable or self.left or self.different or self.errors)


@dataclass
class Row:
    """A question of a session's own: the last text that was seen on disk, and the one that was sent after it."""

    saved: str | None = None
    sent: str | None = None


def main(
    count: Annotated[int, typer.Option("--kills", min=1, help="How many times.")] = 50,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
    sessions: Annotated[int, typer.Option(min=1, help="How many edit.")] = 2,
) -> None:
    """Edit, run, kill, look; exit status 1 where anything was lost."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = kill(Path(folder), count, random.Random(seed), sessions)
    kills.RESULTS.mkdir(exist_ok=True)
    result = {
        "seed": seed,
        "sessions": sessions,
        "seconds": round(time.monotonic() - started),
        **asdict(found),
    }
    (kills.RESULTS / "killed.json").write_text(json.dumps(result, indent=2) + "\n")
    for name, value in result.items():
        print(f"{name:>14}  {value}")
    if not found.sound:
        raise SystemExit(1)


def kill(fixture: Path, count: int, rng: random.Random, sessions: int) -> Found:
    """Make the fixture there, strike so many times, and say what was found."""
    kills.make_family(fixture)
    calm = kills.studio_of(fixture, "undisturbed")
    kills.sweep(calm, 0, rng, 1)
    expected = stored(calm.settings.database)
    studio = kills.studio_of(fixture, "home")
    collection.copy_set(studio.settings, "made", SHARED)
    job = start.submit_run(
        studio, collection.open_set(studio.settings, "made"), without_extras(studio.catalogue.checkpoints)
    )
    found, typed = Found(), Row()
    rows = {number: Row() for number in range(sessions)}
    environment = kills.environment(studio.settings)
    while found.kills < count:
        with served(studio.settings.home, fixture / "server.log", environment) as (url, process):
            while found.kills < count and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                asyncio.run(_edit_until(url, process, studio, rng, rows, typed, found))
                found.kills += 1
                _look(studio, rows, found)
                _look_at_draft(studio, typed, found)
    with served(studio.settings.home, fixture / "server.log", environment) as (url, _):
        asyncio.run(_finish(url, studio, job))
    if not _over(studio, job):
        found.errors.append("the run did not end")
    results = stored(studio.settings.database)
    found.rows = len(expected)
    found.different = sum(not _same(value, results.get(key)) for key, value in expected.items())
    _last_look(studio, found)
    return found


async def _edit_until(
    url: str,
    process: psutil.Process,
    studio: Studio,
    rng: random.Random,
    rows: dict[int, Row],
    typed: Row,
    found: Found,
) -> None:
    """Let the sessions edit until the blow falls; what it interrupts is no error."""
    watching = Session(url, "made")
    people = [Session(url, SHARED) for _ in rows]
    try:
        await watching.open()
        await watching.visit("run")
        for person in people:
            await person.open()
            await person.visit("write")
    except (OSError, TimeoutError) as error:
        found.errors.append(f"a page did not open: {type(error).__name__}: {error}")
    editing = [
        asyncio.create_task(_edit(person, number, studio, rng, rows[number], found))
        for number, person in enumerate(people)
    ]
    editing.append(asyncio.create_task(_type(url, studio, rng, typed, found)))
    await asyncio.sleep(rng.uniform(*ROUND_S))
    _strike(process, rng)
    for task in editing:
        task.cancel()
    await asyncio.gather(*editing, return_exceptions=True)
    for session in (watching, *people):
        found.errors += session.seen
        with contextlib.suppress(Exception):
            await session.close()


async def _edit(
    person: Session, number: int, studio: Studio, rng: random.Random, row: Row, found: Found
) -> None:
    """Edit one question again and again, each text once the last is on disk."""
    while True:
        row.sent = f"Which of these is {rng.getrandbits(64):016x}?"
        await person.edit(number, "question", row.sent)
        while _text(studio, number) != row.sent:
            await asyncio.sleep(LOOK_S)
        row.saved = row.sent
        found.acknowledged += 1
        await asyncio.sleep(rng.uniform(0, 0.3))


async def _type(url: str, studio: Studio, rng: random.Random, typed: Row, found: Found) -> None:
    """Type into a question's form without saving, as the page's script tells the server of it."""
    form, turn = drafts.new_form(), 0
    while True:
        turn += 1
        typed.sent = f"Half a thought of {rng.getrandbits(64):016x}"
        await asyncio.to_thread(_keep, url, studio.settings, form, turn, typed.sent)
        typed.saved = typed.sent
        found.drafts += 1
        await asyncio.sleep(rng.uniform(0, 0.3))


def _keep(url: str, settings: Settings, form: str, turn: int, text: str) -> None:
    body = {
        "pass": component_requests.issue_token(settings.for_person(None, AUTHOR), SHARED),
        "place": drafts.question_place(TYPED_IN),
        "form": form,
        "turn": turn,
        "fields": {"question": text},
        "seen": {"question": ""},
    }
    post = urllib.request.Request(
        f"{url}/drafts", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(post, timeout=30) as answer:
        if answer.status != 204:
            raise RuntimeError(f"A draft was answered with {answer.status}.")


def _look_at_draft(studio: Studio, typed: Row, found: Found) -> None:
    draft = drafts.find_draft(
        studio.settings.for_person(None, AUTHOR), SHARED, drafts.question_place(TYPED_IN)
    )
    text = draft.fields["question"] if draft else None
    if typed.saved is not None and text not in (typed.saved, typed.sent):
        found.lost += 1
        found.errors.append(f"the draft is {text!r}, not {typed.saved!r} nor {typed.sent!r}")
    typed.saved = text


def _strike(process: psutil.Process, rng: random.Random) -> None:
    """SIGKILL to the app, its workers, or both; where there is no worker yet, to the app."""
    workers = process.children(recursive=True)
    at = rng.choice(("app", "workers", "both"))
    struck = [*(workers if at != "app" else []), *([process] if at != "workers" or not workers else [])]
    for one in struck:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.send_signal(signal.SIGKILL)
    psutil.wait_procs(struck, timeout=30)


def _same(expected: tuple[bytes, int], found: tuple[bytes, int] | None) -> bool:
    """Whether a result is there, and equal within what parity allows: the edited copy's runs answer the same questions
    in other batches, so that the last bits may be theirs. That a run alone has the same bytes is `kills`'s to show."""
    if found is None or expected[1] != found[1]:
        return False
    first, second = (struct.unpack("<d", value[0])[0] for value in (expected, found))
    return abs(first - second) <= 1e-4 + 2e-6 * abs(first)


def _look(studio: Studio, rows: dict[int, Row], found: Found) -> None:
    """Each row holds what was saved last, or what was under way when the blow fell; the history shows it."""
    for number, row in rows.items():
        text = _text(studio, number)
        if row.saved is not None and text not in (row.saved, row.sent):
            found.lost += 1
            found.errors.append(f"question {number} is {text!r}, not {row.saved!r} nor {row.sent!r}")
        row.saved = text


def _over(studio: Studio, job: int) -> bool:
    """Whether the run has ended; one that is forgotten, behind the runs of so many edits, has."""
    found = next((one for one in studio.jobs.recent(KEPT_JOBS * 2) if one.id == job), None)
    return found is None or found.over


async def _finish(url: str, studio: Studio, job: int) -> None:
    """A page of the run sees that a worker is there; the run ends."""
    watching = Session(url, "made")
    await watching.open()
    await watching.visit("run")
    deadline = time.monotonic() + RUN_S
    while not _over(studio, job) and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    await watching.close()


def _last_look(studio: Studio, found: Found) -> None:
    """A day later, one more edit and draft, which sweep what kills have left; then every version opens and nothing
    else lies about."""
    home = studio.settings.home
    for path in _beside(home):
        os.utime(path, (time.time() - DAY_S, time.time() - DAY_S))
    drafts.remove_expired(studio.settings.for_person(None, AUTHOR))
    questions = collection.open_set(studio.settings, SHARED).questions
    authoring.update_questions(studio.settings, SHARED, {questions[-1].id: {"note": "the last edit"}})
    for version in versions.list_versions(studio.settings, SHARED):
        try:
            versions.open_version(studio.settings, SHARED, version.number)
        except StudioError as error:
            found.unreadable += 1
            found.errors.append(str(error))
    left = _beside(home)
    found.left = len(left)
    found.errors += [f"left behind: {path.relative_to(home)}" for path in left[:10]]


def _beside(home: Path) -> list[Path]:
    """What saves make beside the files whose place it takes."""
    return [path for path in home.rglob("*") if ".new-" in path.name or path.name.endswith((".part", ".tmp"))]


def _text(studio: Studio, number: int) -> str | None:
    """The question's text as it is on disk; None while the file is being exchanged."""
    file = studio.settings.sets / SHARED / "test.jsonl"
    for _ in range(50):
        with contextlib.suppress(FileNotFoundError, IndexError):
            return json.loads(file.read_text(encoding="utf-8").splitlines()[number])["question"]
        time.sleep(0.001)
    return None


if __name__ == "__main__":
    typer.run(main)
