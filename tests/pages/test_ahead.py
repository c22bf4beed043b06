"""Tab Ahead at the end: the sentences of `decide`, the charts with their tables, and what is said without results."""

from __future__ import annotations

import pytest

from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.decisions import messages, probability
from e2lm_core.runs import results, state
from e2lm_core.sets import collection
from e2lm_core.ui.cache import decisions
from e2lm_core.ui.places import two_models
from e2lm_core.ui.places.decide import ahead
from tests.support.visits import OWN, Visit, touched

PAIR = ("ladder-small-arch1", "ladder-large-arch1")
SEEDS = ("ladder-small-arch1", "ladder-small-arch1-seed2")
SHORT = ("small-arch1", "small-arch1-seed2")


def answers_of(visit: Visit) -> Answers:
    task = collection.open_set(visit.studio.settings, OWN)
    fleet = state.fleet_of_set(visit.studio, OWN)
    return Answers(results.load_measurements(visit.studio, task, *fleet.run_arguments))


def test_the_page_says_what_the_command_says(taught: Visit) -> None:
    at = taught.open("decide")
    assert at.title[0].value == "Decide"
    for key, name in zip((two_models.ONE, two_models.OTHER), SEEDS, strict=True):
        at.selectbox(key=f"ahead_{key}").set_value(name).run()
    assert not at.exception
    answers = answers_of(taught)
    names = [answers.measurements.curve_of(name).model.short_name for name in SEEDS]
    end = max(float(c.tokens_seen or 0) for c in answers.measurements.curve_of(SEEDS[0]).checkpoints)
    points = answers.outlooks("acc", *SEEDS, end)
    assert messages.headline(points, *names) in taught.said
    assert sum(point.probability is not None for point in points) > 3
    assert len(touched(at)) == 2  # of the pair and of the study: sizes nine times apart decide no set
    shown, held = (one.value for one in at.dataframe)
    (ahead_at_end,) = (name for name in shown if name.endswith(" ahead"))
    assert ahead_at_end.removesuffix(" ahead") in names
    assert set(names) < set(shown)
    assert shown[ahead_at_end].notna().sum() == sum(point.probability is not None for point in points)
    assert set(held["left out"]) == {"Pythia", "E2LM"}


def test_benchmarks_stand_beside_the_set_and_more_questions_are_foretold(
    taught: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probability, "MAX_SIZE_RATIO", 12.0)  # the visit's two sizes are nine times apart
    at = taught.open("ahead")
    for key, name in zip((two_models.ONE, two_models.OTHER), PAIR, strict=True):
        at.selectbox(key=f"ahead_{key}").set_value(name).run()
    (beside,) = (one for one in at.multiselect if one.key.startswith("ahead_beside"))
    assert set(beside.value) == {f"{name} (0-shot)" for name in ("arc_easy", "piqa", "sciq")}
    assert ahead.BESIDE in taught.said
    assert "What would decide earlier?" in [one.value for one in at.header]
    beside.set_value([]).run()
    assert not at.exception
    assert ahead.BESIDE not in taught.said


def test_another_pair_and_metric_are_chosen(taught: Visit) -> None:
    at = taught.open("ahead")
    for key, name in zip((two_models.ONE, two_models.OTHER), PAIR, strict=True):
        at.selectbox(key=f"ahead_{key}").set_value(name).run()
    assert not at.exception
    at.segmented_control(key="ahead_metric").set_value("bpb").run()
    assert not at.exception
    assert "Training is over, but **whether" in taught.said
    assert probability.METRIC[1:40] in taught.said
    at.selectbox(key=f"ahead_{two_models.ONE}").set_value(PAIR[1]).run()
    assert two_models.SAME in taught.said


def test_before_the_end_the_one_answer_of_the_other_pages_says_it_too(
    taught: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "at the end with"
    at = taught.open("ahead")
    for key, name in zip((two_models.ONE, two_models.OTHER), SEEDS, strict=True):
        at.selectbox(key=f"ahead_{key}").set_value(name).run()
    taught.open("accuracy")
    assert said not in taught.said  # training is over
    monkeypatch.setattr(decisions, "end_of_training", lambda *_: 4_000_000.0)
    sentence = two_models.outlook_words.headline(answers_of(taught).outlooks("acc", *SEEDS, 4e6), *SHORT)
    assert said in sentence
    for page in ("ahead", "accuracy", "ranking", "plan"):
        taught.open(page)
        assert sentence in taught.said, page


def test_what_was_never_taught_is_not_known(done: Visit) -> None:
    done.open("ahead")
    assert "Training is over, but **whether" in done.said
    assert "never learned these facts" in done.said


def test_without_results_it_asks_for_a_run(visit: Visit) -> None:
    visit.open("ahead")
    assert "there are none yet" in visit.said


def test_the_end_is_the_last_known_checkpoint(taught: Visit) -> None:
    measured = answers_of(taught).measurements
    last = decisions.outlook.last_tokens(c for curve in measured.curves for c in curve.checkpoints)
    assert decisions.outlook.end_of_training({}, PAIR) is None
    assert decisions.outlook.end_of_training({PAIR[0]: 1}, PAIR) is None
    assert decisions.outlook.end_of_training(last, PAIR) == max(
        float(c.tokens_seen or 0) for c in measured.curve_of(PAIR[0]).checkpoints
    )
