"""The answer for two models: one choice and one switch for Curves, Ranking and Decide."""

from __future__ import annotations

import pytest

from e2lm_core.analysis import leads
from e2lm_core.analysis.answers import Answers
from e2lm_core.runs import results, state
from e2lm_core.sets import collection
from e2lm_core.ui.places import two_models
from tests.support.visits import OWN, Visit

pytestmark = pytest.mark.slow
PAGES = ("accuracy", "ranking", "plan")
PAIR = ("ladder-small-arch1-seed2", "ladder-large-arch1")


def answers_of(visit: Visit) -> Answers:
    task = collection.open_set(visit.studio.settings, OWN)
    fleet = state.fleet_of_set(visit.studio, OWN)
    return Answers(results.load_measurements(visit.studio, task, *fleet.run_arguments))


def test_a_pair_and_the_switch_are_chosen_once_for_all_places(taught: Visit) -> None:
    answers = answers_of(taught)

    def expected(noise: bool) -> tuple[str, ...]:
        found = answers.pair("acc", *PAIR, noise)
        assert found is not None
        return leads.pair_sentences(answers.measurements, found)

    at = taught.open("accuracy")
    for key, name in zip((two_models.ONE, two_models.OTHER), PAIR, strict=True):
        at.selectbox(key=f"curves_{key}").set_value(name).run()
    for page in PAGES:
        taught.open(page)
        assert all(sentence in taught.said for sentence in expected(True)), page
    assert at.toggle(key=f"plan_{two_models.NOISE}").value == leads.TRAINING_NOISE_INCLUDED
    assert "newly trained models would show" in taught.said
    at.toggle(key=f"plan_{two_models.NOISE}").set_value(False).run()
    assert "newly trained models would show" not in taught.said
    for page in reversed(PAGES):
        taught.open(page)
        assert all(sentence in taught.said for sentence in expected(False)), page
        assert expected(True)[1] not in taught.said
    assert at.selectbox(key=f"curves_{two_models.ONE}").value == PAIR[0]


def test_both_models_chosen_in_one_drawing_are_both_taken(taught: Visit) -> None:
    at = taught.open("accuracy")
    for key, name in zip((two_models.ONE, two_models.OTHER), PAIR, strict=True):
        at.selectbox(key=f"curves_{key}").set_value(name)
    at.run()
    assert tuple(at.session_state[key] for key in (two_models.ONE, two_models.OTHER)) == PAIR


def test_one_model_twice_is_asked_for_another(taught: Visit) -> None:
    at = taught.open("plan")
    one, other = (at.selectbox(key=f"plan_{key}") for key in (two_models.ONE, two_models.OTHER))
    other.set_value(one.value).run()
    assert not at.exception
    assert two_models.SAME in taught.said
    assert "would show the difference" not in taught.said


def test_a_model_that_another_set_lacks_is_forgotten(taught: Visit) -> None:
    taught.at.session_state[two_models.ONE] = "of another set"
    taught.open("ranking")
    chosen = taught.at.selectbox(key=f"ranks_{two_models.ONE}").value
    assert chosen in answers_of(taught).measurements.per_question
