"""What is drawn once is sent again as it was: the same elements without their being made, and others for other things."""

from __future__ import annotations

import streamlit as st
from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from e2lm_core.ui.cache import element_replay
    from tests.ui.cache.test_element_replay import THINGS, made

    thing = THINGS[st.session_state.get("thing", 0)]

    def draw() -> None:
        made.append(thing)
        st.caption(f"drawn of {thing[0]}")
        st.dataframe({"a": thing})

    element_replay.once(("some", thing, st.session_state.get("metric", "acc")), draw)


THINGS, made = ([1], [2], [1]), []


def test_it_is_made_once_for_the_same_thing_and_drawn_each_time() -> None:
    st.cache_resource.clear()
    made.clear()
    at = AppTest.from_function(page)
    for _ in range(3):
        at.run()
        assert [caption.value for caption in at.caption] == ["drawn of 1"]
        assert len(at.dataframe) == 1
    assert len(made) == 1
    another = AppTest.from_function(page).run()
    assert another.caption[0].value == "drawn of 1"
    assert len(made) == 1


def test_another_thing_or_another_text_is_drawn_anew_and_an_equal_thing_is_not() -> None:
    st.cache_resource.clear()
    made.clear()
    at = AppTest.from_function(page)
    for thing, metric in ((0, "acc"), (1, "acc"), (2, "acc"), (0, "bpb"), (0, "acc")):
        at.session_state["thing"], at.session_state["metric"] = thing, metric
        at.run()
        assert at.caption[0].value == f"drawn of {THINGS[thing][0]}"
    assert len(made) == 3
