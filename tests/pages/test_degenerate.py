"""Every place, with each of its tabs, over sets and ladders of which little can be said: it draws, and says why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from e2lm_core.base.formatting import DASH
from e2lm_core.base.records import Checkpoint, Loglikelihood, Request
from e2lm_core.runs.store.loglikelihood_store import request_digest
from e2lm_core.runs.store.requests import requests_of
from e2lm_core.sets import collection
from e2lm_core.sets.prompts.render import render_set
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.base import urls
from tests.conftest import ROOT
from tests.support import studios, visits
from tests.support.fake_backend import FakeBackend

pytestmark = pytest.mark.slow

ALONE = ("ladder-small-arch1",)
WITHOUT_TWIN = tuple(name for name in studios.MODELS if not name.endswith("-web"))


def varied(checkpoint: Checkpoint, request: Request) -> float:
    return next(chain.from_iterable(FakeBackend().chunks(checkpoint, [request])))[1].ll_nats


@dataclass(frozen=True)
class Case:
    questions: int = 6
    models: tuple[str, ...] = tuple(studios.MODELS)
    steps: tuple[int, ...] = studios.STEPS
    ll_nats: Callable[[Checkpoint, Request], float] = field(default=varied)


CASES = {
    "one question": Case(questions=1),
    "all values equal": Case(ll_nats=lambda _checkpoint, _request: -3.0),
    "one model": Case(models=ALONE),
    "one checkpoint of one model": Case(models=ALONE, steps=(800,)),
    "one checkpoint": Case(steps=(800,)),
    "two points after each other": Case(steps=(800, 900)),
    "no twin": Case(models=WITHOUT_TWIN),
    "nothing but one number": Case(questions=1, models=ALONE, steps=(800,)),
}


@pytest.fixture(params=CASES, ids=lambda name: name.replace(" ", "-"))
def at(request, tmp_path: Path, monkeypatch) -> Iterator[AppTest]:
    case = CASES[request.param]
    ladder = studios.real_ladder(tmp_path / "ladder", case.steps, case.models)
    chosen = studios.settings(tmp_path, ladder)
    task = studios.write_example(chosen, studios.task(case.questions))
    for name, value in studios.environment(chosen).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(run_launcher, "ensure_worker", lambda: None)
    monkeypatch.setattr(session, "redraw_through_app", lambda: None)  # see tests/pages/test_pages.py
    st.cache_resource.clear()
    studio = session.studio()
    asked = [one for doc in render_set(task) for one in requests_of(doc)]
    for checkpoint in studio.catalogue.checkpoints:
        results = [(request_digest(one), Loglikelihood(case.ll_nats(checkpoint, one), 1)) for one in asked]
        studio.store.put(studio.backend.scope(checkpoint), results)
    opened = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    opened.session_state["set"] = "little"
    yield opened
    studio.store.database.close()
    st.cache_resource.clear()


def test_every_page_draws_and_says_what_is_undefined(at: AppTest) -> None:
    for page in urls.VIEWS:
        visits.go(at, page)
        assert not at.exception, f"{page}: {at.exception[0].message}\n{at.exception[0].stack_trace}"
        said = [e.value for kind in ("title", "markdown", "caption") for e in at.get(kind)]
        said += [e.value for e in (*at.info, *at.warning)]
        for text in said:
            assert not re.search(r"\b(nan|inf|None)\b|±inf", str(text)), f"{page} says: {text}"
        assert not at.error, f"{page}: {at.error[0].value}"
        for metric in at.metric:
            if metric.value == DASH:
                assert "ndefined" in (metric.proto.help or ""), f"{page}: {metric.label} has no reason"


def test_a_set_with_a_key_beyond_its_choices_is_told_in_a_sentence(tmp_path, monkeypatch, ladder) -> None:
    """As after a change of its file by hand: no prompt can be made of it, and the rest of the page stands."""
    for visit in visits.app_in(tmp_path, monkeypatch, ladder):
        settings = visit.studio.settings
        collection.copy_set(settings, "little", "mine")
        file = settings.sets / "mine" / "test.jsonl"
        first, second, *rest = file.read_text().splitlines(keepends=True)
        file.write_text("".join((first, json.dumps(json.loads(second) | {"answer": 9}) + "\n", *rest)))
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        at.session_state["set"] = "mine"
        at.run()
        assert not at.exception
        assert any("Question 2: gold is 9" in error.value for error in at.error)
