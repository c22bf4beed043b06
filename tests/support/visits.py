"""A visitor's session with the app, in process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from e2lm_core.runs.queue.records import Progress
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection
from e2lm_core.ui import session
from e2lm_core.ui.frame import say
from e2lm_core.ui.runs import starting
from tests.conftest import ROOT
from tests.support import studios

OWN = "mine"


@dataclass
class Visit:
    """A browser's session, and the studio that its server uses."""

    at: AppTest
    studio: Studio

    def open(self, page: str) -> AppTest:
        self.at.switch_page(f"pages/{page}.py").run()
        assert not self.at.exception, f"{page}: {self.at.exception[0].value}"
        return self.at

    def choose(self, name: str) -> Visit:
        self.at.session_state["set"] = name
        return self

    @property
    def said(self) -> str:
        """What can be read on the page, without the signs that keep Markdown from reading others' text."""
        at = self.at
        texts = [e.value for kind in ("title", "subheader", "markdown", "caption") for e in at.get(kind)]
        texts += [e.value for e in (*at.info, *at.warning, *at.error, *at.success)]
        said = "\n".join([*texts, *(f"{m.label} {m.value}" for m in at.metric)])
        return re.sub(r"\\([^\w\s])", r"\1", said).replace(say.JOINER, "")

    def click(self, label: str) -> AppTest:
        next(b for b in self.at.button if b.label == label).click().run()
        assert not self.at.exception
        return self.at

    @property
    def numbers(self) -> dict[str, str]:
        """The headline numbers by their label, grey or not: grey ones do not differ from random answers'."""
        return {m.label.removeprefix(":gray[").removesuffix("]"): m.value for m in self.at.metric}

    def labels(self) -> list[str]:
        return [b.label for b in self.at.button if not b.disabled]

    def edit(self, rows: dict[int, dict[str, object]]) -> AppTest:
        """What the browser sends when cells of the table were edited."""
        states = self.at._tree.get_widget_states()
        editor = self.at.data_editor[0].proto.id
        sent = json.dumps({"edited_rows": rows, "added_rows": [], "deleted_rows": []})
        states.widgets.append(WidgetState(id=editor, string_value=sent))
        self.at._run(states)
        assert not self.at.exception
        return self.at


def app_in(folder: Path, monkeypatch, ladder: Path) -> Iterator[Visit]:
    chosen = studios.settings(folder, ladder)
    if not (chosen.tasks / "little").exists():
        studios.write_example(chosen)
    for name, value in studios.environment(chosen).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(starting, "ensure_worker", lambda: None)  # the queue is looked at, not worked off
    # AppTest takes every run for a server's first, whose detour through app.py would lose the click.
    monkeypatch.setattr(session, "through_app", lambda: None)
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
