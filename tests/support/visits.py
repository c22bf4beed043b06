"""A visitor's session with the app, in process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from e2lm_core.base import labels
from e2lm_core.runs.queue.records import Progress
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection
from e2lm_core.sets.conflicts import PAIR
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.base import chart_mode, markdown, urls
from e2lm_core.ui.requests.component_requests import ComponentRequest, verify_token
from e2lm_core.ui.requests.middleware import browser_cookie
from e2lm_core.ui.server import table_routes
from tests.conftest import ROOT
from tests.support import studios

OWN = "mine"


@dataclass
class Visit:
    """A browser's session, and the studio that its server uses."""

    at: AppTest
    studio: Studio
    rows: dict[str, dict[str, dict]] = field(default_factory=dict)  # of each set's table, by id
    digests: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)  # what the table says beside rows that were not saved

    def open(self, name: str) -> AppTest:
        """Go to a place, or to one of its tabs, by the name that links have."""
        go(self.at, name)
        assert not self.at.exception, f"{name}: {self.at.exception[0].value}"
        if name == "write" and self.editor is not None:
            name = json.loads(self.editor.proto.json)["task"]
            self.rows.pop(name, None)
            self.digests.pop(name, None)
            self.table(name)
        return self.at

    def choose(self, name: str) -> Visit:
        self.at.session_state["set"] = name
        self.at.query_params.pop("set", None)  # as a link of the page would name this one
        return self

    @property
    def said(self) -> str:
        """What can be read on the page, without the signs that keep Markdown from reading others' text."""
        at = self.at
        texts = [e.value for kind in ("title", "header", "markdown", "caption") for e in at.get(kind)]
        texts += [e.value for e in (*at.info, *at.warning, *at.error, *at.success)]
        said = "\n".join([*texts, *(f"{m.label} {m.value}" for m in at.metric)])
        return re.sub(r"\\([^\w\s])", r"\1", said).replace(markdown.JOINER, "")

    def click(self, label: str) -> AppTest:
        next(b for b in self.at.button if b.label == label).click().run()
        assert not self.at.exception
        return self.at

    @property
    def numbers(self) -> dict[str, str]:
        """The headline numbers by their short names, grey or not: grey ones do not differ from random answers'."""
        return {short_name(m.label): m.value for m in self.at.metric}

    def labels(self) -> list[str]:
        return [b.label for b in self.at.button if not b.disabled]

    def edit(self, rows: dict[int, dict[str, object]]) -> AppTest:
        """What the table does when fields of its rows were edited: each row is saved by what the table showed."""
        name = self.at.session_state["set"]
        shown = self.table(name)
        self.refused, runs = [], []
        for place, fields in rows.items():
            row = list(shown.values())[place]
            typed = {**({field: row[field] for field in PAIR} if fields.keys() & set(PAIR) else {}), **fields}
            seen = {field: row[field] for field in typed}
            told = self.ask(name, {"do": "save", "id": row["id"], "fields": typed, "seen": seen})
            self._take(name, told)
            self.refused += [told["sentence"]] if told["sentence"] else []
            runs.append(told.get("runs"))
        return self.tell("changed", "runs" if all(runs) else "saved")

    @property
    def editor(self):
        """The table on the page, None where there is none."""
        drawn = (e for e in self.at.get("bidi_component") if e.proto.component_name == "studio_table")
        return next(drawn, None)

    def table(self, name: str) -> dict[str, dict]:
        """The rows as the table has them since it was drawn: others' edits come when it asks."""
        if name not in self.rows:
            self._take(name, self.ask(name, {}))
        return self.rows.get(name, {})

    def ask(self, name: str, body: dict) -> dict:
        """What the table's script posts, answered as the server does."""
        own = "browser" in self.at.session_state
        author = browser_cookie.author(self.at.session_state["browser"]) if own else session.author()
        settings = self.studio.settings.for_person(None, author)
        since = {"since": self.digests.get(name)}
        return json.loads(
            table_routes.perform_action(ComponentRequest(settings, name, {**body, **since}, self.runs))
        )

    @property
    def runs(self) -> str:
        """Whose runs the table's edits begin, as its pass says."""
        given = json.loads(self.editor.proto.json)["pass"] if self.editor is not None else ""
        return verify_token(self.studio.settings, given).runs if given else ""

    def tell(self, event: str, value: object, left: Element | None = None) -> AppTest:
        """What the table's script tells its page: that which is drawn, or `left`, which was before."""
        states = self.at._tree.get_widget_states()
        drawn = left or self.editor
        assert drawn is not None
        sent = json.dumps([{"event": event, "value": value}])
        trigger = f"$$STREAMLIT_INTERNAL_KEY_{drawn.proto.id}__events"
        states.widgets.append(WidgetState(id=trigger, json_trigger_value=sent))
        self.at._run(states)
        assert not self.at.exception
        return self.at

    def _take(self, name: str, told: dict) -> None:
        if told.get("lost"):  # the page says what is wrong with the set
            return
        if told["whole"]:
            self.rows[name] = {row["id"]: _whole(row) for row in told["rows"]}
        else:
            self.rows[name] |= {row["id"]: _whole(row) for row in told["rows"]}
        self.digests[name] = told["digest"]


def go(at: AppTest, name: str) -> AppTest:
    """Follow a link to a place, or to one of its tabs, with the set that is in hand."""
    place, tab = urls.find(name)
    at.query_params.pop("tab", None)
    if tab is not None:
        at.query_params["tab"] = tab
    at.query_params["followed"] = "1"  # as a link within a place says
    return at.switch_page(place.script).run()


def touched(at: AppTest) -> Sequence[Element]:
    """Plotly's charts of the page, after the visitor has touched one of its pictures."""
    if chart_mode.KEY not in at.session_state:
        at.session_state[chart_mode.KEY] = True
        at.run()
        assert not at.exception
    return at.get("plotly_chart")


def _whole(row: dict) -> dict:
    return {"subject": None, "note": None, **row}


def learnt_in(folder: Path, strength: float = 1.0) -> Path:
    """An example and a copy of it, with a ladder of their own that answers as models do that were taught the answers."""
    chosen = studios.settings(folder, studios.real_ladder(folder / "ladder"))
    studios.write_example(chosen, studios.task(40))
    collection.copy_set(chosen, "little", OWN)
    studios.learn(chosen, OWN, strength=strength)
    return folder


def app_in(folder: Path, monkeypatch, ladder: Path) -> Iterator[Visit]:
    chosen = studios.settings(folder, ladder)
    if not (chosen.tasks / "little").exists():
        studios.write_example(chosen)
    for name, value in studios.environment(chosen).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(run_launcher, "ensure_worker", lambda: None)  # the queue is looked at, not worked off
    # AppTest takes every run for a server's first, whose detour through app.py would lose the click.
    monkeypatch.setattr(session, "redraw_through_app", lambda: None)
    st.cache_resource.clear()
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not at.exception
    yield Visit(at, session.studio())
    session.studio().store.database.close()
    st.cache_resource.clear()


def queue(visit: Visit, name: str, done: int = 0) -> int:
    """A run that a worker has taken up and that has `done` checkpoints behind it."""
    number = studios.start_run(visit.studio, name, visit.studio.catalogue.checkpoints)
    job = visit.studio.jobs.claim("a worker", 60)
    assert job is not None
    questions = len(collection.open_set(visit.studio.settings, name).questions)
    rows = [
        Progress(name=c, done=questions, total=questions, computed=questions, reused=0, seconds=1.0)
        for c in job.payload["checkpoints"][:done]
    ]
    visit.studio.jobs.report(job, rows)
    return number


def short_name(label: str) -> str:
    """SQ of "Signal quality (SQ)", grey or not."""
    name = label.removeprefix(":gray[").removesuffix("]").replace("\\", "")
    return next((short for short, long in labels.SCORE_NAMES.items() if long == name), name)
