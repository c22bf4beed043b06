"""The table of places, and which tab a link shows."""

from __future__ import annotations

import json

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from e2lm_core.ui.base import streamlit_internals, urls
from tests.conftest import ROOT


def test_there_are_seven_places_each_with_its_page() -> None:
    assert [place.title for place in urls.PLACES] == [
        "Sets",
        "Questions",
        "Result",
        "Curves",
        "Decide",
        "Share",
        "Models and runs",
    ]
    assert {place.script for place in urls.PLACES} == {
        f"pages/{p.name}" for p in (ROOT / "pages").glob("*.py")
    }


def test_a_name_is_that_of_one_view_alone() -> None:
    names = [place.slug for place in urls.PLACES]
    names += [tab.slug for place in urls.PLACES for tab in place.tabs]
    assert len(names) == len(set(names))
    assert urls.find("plan") == (urls.DECIDE, "plan")
    assert urls.find("share") == (urls.SHARE, None)
    with pytest.raises(KeyError):
        urls.find("nowhere")


def script() -> None:
    from e2lm_core.ui.app import widgets
    from e2lm_core.ui.base import urls

    tab = urls.current_tab(urls.DECIDE)
    urls.write_url(urls.DECIDE, tab)
    urls.tab_control(urls.DECIDE)
    if tab == "plan":
        widgets.metric_control("plan_metric")


def link(at: AppTest) -> dict[str, str]:
    """What the browser's address is told to hold."""
    drawn = next(e for e in at.get("bidi_component") if e.proto.component_name == "studio_link")
    return dict(json.loads(drawn.proto.json)["link"])


def shown(at: AppTest) -> str:
    """The tab of the control, which is that of the link."""
    assert not at.exception
    tab = at.segmented_control[0].value
    assert link(at)["tab"] == tab
    return tab


def go_back(at: AppTest, monkeypatch: pytest.MonkeyPatch, **link: str) -> AppTest:
    """The browser's Back, to an address with these parameters."""
    at.query_params.clear()
    at.query_params.update(link)
    with monkeypatch.context() as patch:
        patch.setattr(streamlit_internals, "is_history_navigation", lambda: True)
        return at.run()


def test_the_link_says_which_tab_and_a_click_changes_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    at = AppTest.from_function(script)
    at.query_params["tab"] = "plan"
    assert shown(at.run()) == "plan"
    at.segmented_control[0].set_value("compare").run()
    assert shown(at) == "compare"
    assert at.query_params["tab"] in ("compare", ["compare"])  # a step of the browser's way back
    assert shown(go_back(at, monkeypatch, tab="plan")) == "plan"
    at.query_params.pop("tab")  # the navigation
    assert shown(at.run()) == "plan"


def test_a_link_within_a_place_is_followed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at = AppTest.from_function(script)
    at.query_params["tab"] = "plan"
    at.run()
    at.query_params.update({"tab": "compare", "followed": "1"})
    assert shown(at.run()) == "compare"
    assert "followed" not in at.query_params
    at.segmented_control[0].set_value("plan").run()
    assert shown(at.run()) == "plan"


@pytest.mark.parametrize("before", ["plan", "compare", "groups"])
@pytest.mark.parametrize("clicked", ["plan", "compare", "groups"])
@pytest.mark.parametrize("late", ["plan", "compare", "groups"])
def test_an_address_that_was_not_asked_for_undoes_no_click(before: str, clicked: str, late: str) -> None:
    at = AppTest.from_function(script)
    at.query_params["tab"] = before
    at.run()
    at.query_params["tab"] = late
    at.segmented_control[0].set_value(clicked).run()
    for address in (before, late):  # what was sent before the browser took the new address comes afterwards
        at.query_params["tab"] = address
        assert shown(at.run()) == clicked


def test_without_a_link_or_with_nonsense_the_first_tab_is_shown() -> None:
    at = AppTest.from_function(script)
    at.query_params["tab"] = "ranking"
    assert shown(at.run()) == "ahead"


def test_a_click_counts_though_the_browser_still_sends_the_link_of_before() -> None:
    at = AppTest.from_function(script)
    at.query_params["tab"] = "plan"
    at.run()
    at.segmented_control[0].set_value("compare").run()
    at.query_params["tab"] = "plan"
    at.segmented_control[0].set_value("compare")
    at.segmented_control[0].set_value("plan").run()
    at.query_params["tab"] = "compare"
    at.segmented_control[0].set_value("compare").run()
    assert shown(at) == "compare"


def test_a_metric_is_taken_from_a_link_and_stands_in_the_next() -> None:
    at = AppTest.from_function(script)
    at.query_params["tab"], at.query_params["metric"] = "plan", "bpb"
    metric = at.run().segmented_control(key="plan_metric")
    assert (metric.value, link(at)["metric"]) == ("bpb", "bpb")
    metric.set_value("margin").run()  # the browser still sends what was opened
    assert (at.segmented_control(key="plan_metric").value, link(at)["metric"]) == ("margin", "margin")
    at.run()
    assert at.segmented_control(key="plan_metric").value == "margin"
    at.query_params.update({"metric": "acc", "followed": "1"})  # another link
    at.run()
    assert at.segmented_control(key="plan_metric").value == "acc"
    at.query_params.update({"metric": "nonsense", "followed": "1"})
    at.run()
    assert not at.exception
    assert at.segmented_control(key="plan_metric").value == "acc"


def clicking() -> None:
    from e2lm_core.ui import session
    from e2lm_core.ui.base import urls

    tab = urls.current_tab(urls.DECIDE)
    name = session.current_set_name()
    urls.write_url(urls.DECIDE, tab)
    urls.tab_control(urls.DECIDE)
    import streamlit as st

    st.button("other", key="other", on_click=session.choose_set, args=("ladder_school",))
    st.text(f"{name} {tab}")


def break_off_once(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Let the browser's next request arrive while the first step is sent, which breaks that drawing off."""
    from streamlit.runtime.state import QueryParamsProxy

    sent: list[dict[str, object]] = []
    send = QueryParamsProxy.from_dict

    def sending(self: QueryParamsProxy, values: dict[str, object]) -> None:
        sent.append(dict(values))
        if len(sent) == 1:
            streamlit.rerun()
        send(self, values)

    monkeypatch.setattr(QueryParamsProxy, "from_dict", sending)
    return sent


def test_a_clicked_tab_is_a_step_even_if_its_first_drawing_is_broken_off(monkeypatch) -> None:
    at = AppTest.from_function(clicking)
    at.query_params["set"], at.query_params["tab"] = "ladder_science", "compare"
    at.run()
    sent = break_off_once(monkeypatch)
    at.segmented_control[0].set_value("plan").run()
    assert shown(at) == "plan"
    assert [step["tab"] for step in sent] == [["plan"], ["plan"]]
    at.run()
    assert len(sent) == 2


def test_a_chosen_set_is_a_step_even_if_its_first_drawing_is_broken_off(monkeypatch) -> None:
    at = AppTest.from_function(clicking)
    at.query_params["set"], at.query_params["tab"] = "ladder_science", "compare"
    at.run()
    sent = break_off_once(monkeypatch)
    at.button(key="other").click().run()
    assert not at.exception
    assert at.text[0].value == "ladder_school compare"
    assert [step["set"] for step in sent] == ["ladder_school", "ladder_school"]
    at.run()
    assert len(sent) == 2
