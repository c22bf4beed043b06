"""Elements that several views draw."""

from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from e2lm_core.ui.app import widgets

    def select(name: str) -> None:
        st.session_state["selected"] = name
        st.session_state["times"] = st.session_state.get("times", 0) + 1

    selected = st.session_state.get("selected", "b")
    names = st.session_state.get("names", ["a", "b", "c"])
    widgets.selector("Letter", names, selected, select, key="letter", format_func=str.upper, width=200)


def test_a_selector_shows_what_is_selected_elsewhere_and_keeps_no_value_of_its_own() -> None:
    at = AppTest.from_function(_page).run()
    assert (at.selectbox[0].value, "times" in at.session_state) == ("b", False)
    at.selectbox[0].select("c").run()
    assert (at.session_state["selected"], at.session_state["times"]) == ("c", 1)
    at.session_state["selected"] = "a"  # by a link, or on another page
    at.run()
    assert (at.selectbox[0].value, at.session_state["selected"], at.session_state["times"]) == ("a", "a", 1)
    at.session_state["letter"] = "c"  # a value that an interrupted drawing has left
    at.run()
    assert (at.selectbox[0].value, at.session_state["selected"], at.session_state["times"]) == ("a", "a", 1)


def test_a_selector_tells_the_browser_its_value_only_if_the_browser_shows_another() -> None:
    """A value that is told with each drawing takes a choice back that is made while the drawing arrives."""
    at = AppTest.from_function(_page).run()
    assert at.selectbox[0].proto.set_value
    at.run()
    assert not at.selectbox[0].proto.set_value
    at.selectbox[0].select("c").run()
    assert not at.selectbox[0].proto.set_value
    at.session_state["selected"] = "a"
    at.run()
    assert at.selectbox[0].proto.set_value


def test_a_selector_of_which_nothing_is_selected_is_empty() -> None:
    at = AppTest.from_function(_page)
    at.session_state["selected"] = "gone"
    at.run()
    assert at.selectbox[0].value is None
    at.selectbox[0].select("a").run()
    assert (at.selectbox[0].value, at.session_state["selected"]) == ("a", "a")


def _cards() -> None:
    from e2lm_core.base.records import NullDistribution, Value
    from e2lm_core.ui.app import widgets

    inside = NullDistribution(mean=0.4, q95=0.8, p=0.3)
    widgets.score_card("RC", Value(value=1.0), by_design=True)
    widgets.score_card("RC", Value(value=1.0))
    widgets.score_card("RC", Value(value=1.0, null=inside), by_design=True)
    widgets.score_card("RC", Value(value=None, why="One model."), by_design=True)


def test_a_score_that_follows_from_the_models_says_so_on_its_card() -> None:
    made, own, random, undefined = AppTest.from_function(_cards).run().metric
    assert (made.delta, own.delta, random.delta, undefined.delta) == (
        "by design",
        "",
        "like random",
        "undefined",
    )
    assert "one shape was made worse on purpose" in made.help
    assert "on purpose" not in own.help
    assert "on purpose" not in undefined.help
