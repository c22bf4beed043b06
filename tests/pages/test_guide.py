"""The guided start on every page: five steps, left and taken up again, there after a reload."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import guide
from e2lm_core.ui import session
from tests.conftest import ROOT
from tests.support.visits import Visit, go

SET = guide.NAME


@pytest.fixture
def begun(done: Visit) -> Visit:
    done.open("sets")
    done.at.button(key="door_guide").click().run()
    assert not done.at.exception
    assert done.at.session_state["set"] == SET
    done.open("write")
    return done


def keys(visit: Visit) -> set[str]:
    return {button.key for button in visit.at.button if button.key}


def change(visit: Visit, back: bool = False) -> None:
    example = collection.open_set(visit.studio.settings, "little")
    right = example.questions[0].answer
    answer = right if back else (right + 1) % len(example.questions[0].choices)
    authoring.update_questions(visit.studio.settings, SET, {"q1": {"answer": answer}})


def test_the_five_steps(begun: Visit) -> None:
    assert "Step 2 of 5: Change an answer." in begun.said
    change(begun)
    begun.open("write")
    assert "Step 3 of 5: Watch the curve." in begun.said
    begun.at.button(key="guide_go").click().run()
    assert not begun.at.exception
    assert begun.at.session_state["card_id"] == "q1", "the view shows the changed question"
    begun.open("one_by_one")
    begun.at.button(key="guide_next").click().run()
    assert "Step 4 of 5: Mend a suspect." in begun.said
    begun.at.button(key="guide_go").click().run()
    begun.open("suspects")
    assert "guide_question" in keys(begun)
    change(begun, back=True)
    begun.open("write")
    assert "Step 5 of 5: Download the bundle." in begun.said
    begun.open("share")
    assert "guide_go" not in keys(begun)


def test_it_is_left_taken_up_again_and_there_after_a_reload(begun: Visit) -> None:
    change(begun)
    begun.open("write")
    begun.at.button(key="guide_leave").click().run()
    assert "of 5" not in begun.said
    begun.open("sets")
    assert begun.at.button(key="door_guide").label == "Go on with the guided start"
    begun.at.button(key="door_guide").click().run()
    begun.open("write")
    assert "Step 3 of 5" in begun.said

    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    again.session_state["browser"] = begun.at.session_state["browser"]
    again.session_state["set"] = SET
    go(again.run(), "write")
    assert not again.exception
    assert "Step 3 of 5" in Visit(again, session.studio()).said, "another window of the same browser"


def test_it_is_on_no_other_set_and_a_step_can_be_skipped(begun: Visit) -> None:
    begun.at.button(key="guide_next").click().run()
    assert "Step 3 of 5" in begun.said
    begun.choose("mine").open("overview")
    assert "of 5" not in begun.said


def test_the_download_ends_it(begun: Visit) -> None:
    for _ in ("answer", "curve"):  # nothing was changed, so nothing is to be mended
        begun.at.button(key="guide_next").click().run()
    begun.open("share")
    assert "Step 5 of 5: Download the bundle." in begun.said
    (button,) = (b for b in begun.at.get("download_button") if b.proto.label.startswith("Download my"))
    assert not button.proto.ignore_rerun, "the page hears of the download"


def test_a_visitor_who_may_only_read_is_offered_none(done: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    readonly = session.studio().settings.model_copy(update={"readonly": True})
    monkeypatch.setattr(session, "_without_token", lambda settings: readonly)
    st.cache_data.clear()
    done.open("sets")
    assert "door_guide" not in keys(done)
