"""The table of places, and which tab a link shows."""

from __future__ import annotations

import json

import pytest
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
