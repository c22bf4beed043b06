"""Curves and Rank stability: every switch, and what they say of sets and ladders of which little can be said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from e2lm_core.base.records import Checkpoint, Loglikelihood, Request
from e2lm_core.runs.store.loglikelihood_store import request_digest
from e2lm_core.runs.store.requests import requests_of
from e2lm_core.sets.prompts.render import render_set
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.places import two_models
from e2lm_core.ui.places.curves import by_question
from tests.conftest import ROOT
from tests.pages.test_degenerate import CASES, Case, varied
from tests.support import studios as support_studios
from tests.support import visits
from tests.support.visits import touched

pytestmark = pytest.mark.slow
Open = Callable[[Case], AppTest]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """The app over a ladder whose results are as a case has them; those that are NaN are not there."""
    studios = []

    def make(case: Case) -> AppTest:
        chosen = support_studios.settings(
            tmp_path, support_studios.real_ladder(tmp_path / "ladder", case.steps, case.models)
        )
        whole = support_studios.task(case.questions)
        subjects = ("mathematics", "physics", None)
        questions = tuple(
            q.model_copy(update={"subject": subjects[k % 3]}) for k, q in enumerate(whole.questions)
        )
        task = support_studios.write_example(chosen, whole.model_copy(update={"questions": questions}))
        for name, value in support_studios.environment(chosen).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(run_launcher, "ensure_worker", lambda: None)
        monkeypatch.setattr(session, "redraw_through_app", lambda: None)  # see tests/pages/test_pages.py
        st.cache_resource.clear()
        studio = session.studio()
        studios.append(studio)
        asked = [one for doc in render_set(task) for one in requests_of(doc)]
        for checkpoint in studio.catalogue.checkpoints:
            values = [(one, case.ll_nats(checkpoint, one)) for one in asked]
            results = [(request_digest(one), Loglikelihood(v, 1)) for one, v in values if v == v]
            studio.store.put(studio.backend.scope(checkpoint), results)
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        at.session_state["set"] = "little"
        return at.run()

    yield make
    for studio in studios:
        studio.store.database.close()
    st.cache_resource.clear()


def said(at: AppTest, page: str) -> str:
    visits.go(at, page)
    assert not at.exception, f"{page}: {at.exception[0].message}\n{at.exception[0].stack_trace}"
    texts = [e.value for kind in ("title", "header", "markdown", "caption") for e in at.get(kind)]
    return "\n".join([*texts, *(e.value for e in (*at.info, *at.warning, *at.error))])


# --- what is undefined says why -----------------------------------------------------------------------

EQUAL = "are equal at their last common checkpoint"
NOTHING = {  # case: what Curves and Rank stability say
    "one question": (EQUAL, "architectures of one size, and no size here has two"),
    "all values equal": (EQUAL, "architectures of one size, and no size here has two"),
    "one model": (two_models.ALONE, "Fewer than two models"),
    "one checkpoint of one model": ("at its one checkpoint, so there is no curve", "Fewer than two models"),
    "one checkpoint": ("Every model has one checkpoint here", "One checkpoint has nothing later"),
    "two points after each other": ("Over 2 models", "Does the ranking last?"),
    "no twin": ("Over 2 models", "Which questions support the ranking?"),
    "nothing but one number": (two_models.ALONE, "Fewer than two models"),
}


def test_every_case_has_its_words() -> None:
    assert NOTHING.keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_sets_of_which_little_can_be_said(opened: Open, name: str) -> None:
    at = opened(CASES[name])
    for page, words in zip(("accuracy", "ranking"), NOTHING[name], strict=True):
        assert words in said(at, page)
    visits.go(at, "accuracy")
    assert bool(touched(at)) == (len(CASES[name].steps) > 1)  # one point is no curve
    if name == "no twin":
        assert "web-only" not in said(at, "accuracy")


def test_a_run_that_is_half_done(opened: Open) -> None:
    def until_500(checkpoint: Checkpoint, request: Request) -> float:
        return varied(checkpoint, request) if checkpoint.step < 500 else float("nan")

    at = opened(Case(ll_nats=until_500))
    assert "16 of 40 checkpoints so far." in said(at, "accuracy")
    assert "There is no order to follow yet. Results are missing" in said(at, "ranking")


# --- switches -----------------------------------------------------------------------------------------


def layout(at: AppTest, place: int = 0) -> dict:
    return json.loads(touched(at)[place].proto.spec)["layout"]


def test_every_switch_of_curves(opened: Open) -> None:
    at = opened(Case())
    said(at, "accuracy")
    titles = []
    for kind in ("tokens", "step", "compute"):
        at.segmented_control(key="curves_x").set_value(kind).run()
        titles.append(layout(at)["xaxis"]["title"]["text"])
    assert titles[:2] == ["tokens seen (millions)", "training step"]
    assert titles[2].startswith("training compute (10")
    assert "FLOPs" in titles[2]
    at.toggle(key="curves_log").set_value(True).run()
    assert layout(at)["xaxis"]["type"] == "log"
    lines = len(json.loads(touched(at)[0].proto.spec)["data"])
    at.selectbox(key="curves_smooth").set_value("monotone").run()
    drawn = json.loads(touched(at)[0].proto.spec)["data"]
    assert len(drawn) == lines + 4  # four smoothed lines, and every point still there
    assert any("points are as measured" in caption.value for caption in at.caption)
    said(at, "subjects")
    heads = [note["text"] for note in layout(at)["annotations"]]
    assert heads == [
        "<b>mathematics</b><br>2 questions · chance 25%",
        "<b>physics</b><br>2 questions · chance 25%",
        "<b>no subject</b><br>2 questions · chance 25%",
    ]
    at.segmented_control(key="curves_metric").set_value("bpb").run()
    assert not at.exception
    assert "ends highest on" in said(at, "subjects")
    assert "From first to last checkpoint" in said(at, "one_by_one")
    said(at, "accuracy")
    assert at.segmented_control(key="curves_metric").value == "bpb"  # the same on every tab
    at.selectbox(key="curves_pair_other").set_value(at.selectbox(key="curves_pair_one").value).run()
    assert any(two_models.SAME in e.value for e in at.markdown)


def test_the_small_curves_of_too_many_questions_are_left_out_which_is_said(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = opened(Case())
    said(at, "one_by_one")
    assert "norm_prob_curve" in at.dataframe[0].value
    monkeypatch.setattr(by_question, "MAX_POINTS", 10)
    at.run()
    assert "norm_prob_curve" not in at.dataframe[0].value
    assert "norm_prob_last" in at.dataframe[0].value
    assert any("A small curve a row is left out: of 6 questions" in caption.value for caption in at.caption)
    assert not at.exception


def test_every_switch_of_rank_stability(opened: Open) -> None:
    at = opened(Case())
    said(at, "ranking")
    for metric in ("margin", "bpb", "norm_prob"):
        at.segmented_control(key="curves_metric").set_value(metric).run()
        assert not at.exception
    at.select_slider(key="ranks_at").set_value(0).run()
    assert not at.exception
    assert any("reliable lead at 100 k tokens" in caption.value for caption in at.caption)
    columns = {column for frame in at.dataframe for column in frame.value.columns}
    assert {"rank 1", "pairs as at the end", "τ_b"} <= columns
    # Too few models or questions to see whether what a question does repeats on others, so nothing is said of one.
    assert "support" not in columns


def test_no_question_is_said_to_hold_the_order_of_models_that_were_never_taught(done):
    done.open("ranking")
    assert "never learned these facts" in done.said
    assert "ranks first at" not in done.said
    assert not [d for d in done.at.dataframe if "support" in d.value.columns]
