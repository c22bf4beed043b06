"""Score, Compare and Plan as a visitor sees them: what they show is what the library computes."""

from __future__ import annotations

import json

import pytest

from e2lm_core.base import formatting
from e2lm_core.runs import evaluate, results
from e2lm_core.scores import set_scores
from e2lm_core.sets import authoring, collection
from e2lm_core.ui.places.decide import plan
from tests.support import studios
from tests.support.visits import OWN, queue, short_name, touched


def bars(at) -> dict:
    spec = json.loads(next(c for c in touched(at)).proto.spec)
    return {t["name"]: t for t in spec["data"] if t["type"] == "bar"}


def test_score_shows_what_the_library_computes(done):
    at = done.open("score")
    task = collection.open_set(done.studio.settings, OWN)
    measured = results.load_measurements(done.studio, task, done.studio.catalogue.checkpoints)
    scores = set_scores.scores(measured, "acc")
    assert done.numbers["SQ"] == formatting.score(scores.sq.value)
    assert "little" in json.dumps(json.loads(touched(at)[0].proto.spec)["layout"]["annotations"])
    assert "What would raise it most" in done.said
    at.segmented_control(key="score_metric").set_value("norm_prob").run()
    assert not at.exception
    assert "probability of the right answer" in done.said
    assert set(bars(at)) == {"SQ", "RC", "CS"}
    done.open("published")
    assert "not comparable" in done.said
    assert "consistency of model rankings at 1 trillion tokens" in done.said


def test_rc_is_read_as_is_chosen_on_every_page(done):
    at = done.open("score")
    assert "as in the organisers' figure" in json.dumps(at.selectbox(key="score_rc").options)
    assert done.numbers["RC"] == done.numbers["Score"] == formatting.DASH  # no size here has two shapes
    assert "second shape of a size" in next(m for m in at.metric if short_name(m.label) == "RC").help
    at.selectbox(key="score_rc").set_value("all_models").run()
    assert not at.exception
    task = collection.open_set(done.studio.settings, OWN)
    measured = results.load_measurements(done.studio, task, done.studio.catalogue.checkpoints)
    scores = set_scores.scores(measured, "acc", "all_models")
    for page in ("score", "overview", "ranking"):
        done.open(page)
        assert done.numbers["RC"] == formatting.score(scores.rc.value), page
    assert done.at.selectbox(key="ranks_rc").value == "all_models"
    done.open("compare")
    assert done.at.selectbox(key="compare_rc").value == "all_models"


def test_other_weights_make_another_score(done):
    """The folded part asks for weights when it is opened, and says what they make under another name."""
    at = done.open("score")
    assert not at.number_input
    at.session_state["score_weights"] = True
    at.run()
    assert "These are the published weights: the Score above." in done.said
    at.number_input(key="score_weight_cs").set_value(0.0).run()
    at.number_input(key="score_weight_rc").set_value(0.0).run()
    assert not at.exception
    assert "**Weighted score (1 SQ)**" in done.said
    assert "never to be compared with a Score" in done.said
    at.number_input(key="score_weight_sq").set_value(0.0).run()
    assert "These weights make no score" in done.said


def test_the_page_says_that_the_figure_cannot_tell_two_readings_apart(done):
    done.open("published")
    assert "prints 0.2979" in done.said
    assert "the figure cannot tell these two readings apart" in done.said
    assert "leave its CS between 0.344 and 0.594" in done.said


def test_score_says_which_example_has_no_results(visit):
    settings = visit.studio.settings
    collection.copy_set(settings, "little", OWN)
    authoring.update_questions(
        settings, OWN, {f"q{n}": {"question": f"How much is {n} doubled?"} for n in range(1, 7)}
    )
    task = collection.open_set(settings, OWN)
    evaluate.evaluate(visit.studio, task, visit.studio.catalogue.checkpoints[:10])
    visit.choose(OWN).open("score")
    assert "10 of 40 checkpoints so far: numbers that need the others" in visit.said
    assert not visit.numbers
    for page in ("ranking", "plan"):
        visit.open(page)
        assert not visit.numbers
        assert not touched(visit.at)
    every = visit.studio.catalogue.checkpoints
    late = next(c for c in every if c.model.twin_of and not c.early)  # SQ needs no such checkpoint
    evaluate.evaluate(visit.studio, task, [c for c in every if c != late])
    visit.open("score")
    assert "39 of 40 checkpoints so far: numbers that need the others" in visit.said
    assert "SQ, half of it, is" in visit.said
    assert "means nothing" not in visit.said
    evaluate.evaluate(visit.studio, task, every)
    visit.open("score")
    assert "checkpoints so far" not in visit.said
    assert "little is left out" in visit.said
    assert "Score is undefined on accuracy" in visit.said


def test_compare_pairs_versions_and_sets(done):
    authoring.delete_questions(done.studio.settings, OWN, ["q2"])
    at = done.open("compare")
    assert at.selectbox(key=f"compare_{OWN}").value == ("version", 0)
    assert "5 questions in both, 1 only in version 0" in done.said
    frame = next(d.value for d in at.dataframe if "what" in d.value.columns)
    assert list(frame["id"]) == ["q2"]
    assert len(touched(at)) == 2
    at.selectbox(key=f"compare_{OWN}").set_value(("set", "little")).run()
    assert not at.exception
    assert "only in little" in done.said


def test_a_set_is_compared_with_its_parent_before_others(done):
    collection.create_set(done.studio.settings, "a_set_of_its_own")
    at = done.open("compare")
    assert at.selectbox(key=f"compare_{OWN}").value == ("set", "little")


def test_of_sets_that_share_nothing_one_with_results_is_compared_first(done):
    for name in ("a_never_run", "b_run", "c_never_run"):
        collection.create_set(done.studio.settings, name)
    authoring.add_questions(done.studio.settings, "b_run", [studios.question(50, id="q50")])
    done.studio.jobs.submit("evaluate", {"set": "b_run", "checkpoints": [], "num_fewshot": None})
    done.choose("b_run")
    collection.create_set(done.studio.settings, "d_never_run")
    done.studio.jobs.submit("evaluate", {"set": OWN, "checkpoints": [], "num_fewshot": None})
    at = done.open("compare")
    versions = [one for one in at.selectbox(key="compare_b_run").options if "version" in one]
    assert at.selectbox(key="compare_b_run").options[len(versions)] == OWN


def test_compare_without_anything_to_compare(visit):
    visit.open("compare")
    assert "Nothing to compare yet" in visit.said


def test_plan_answers_with_questions_and_time(taught):
    at = taught.open("plan")
    at.selectbox(key="plan_of").set_value("mean").run()
    at.segmented_control(key="plan_metric").set_value("norm_prob").run()
    at.number_input(key="plan_width_mean").set_value(0.2).run()
    assert not at.exception
    assert "You need" in taught.said
    assert "not known" in taught.said
    pace = at.number_input(key="plan_pace")
    assert (pace.value, pace.placeholder) == (None, "as in earlier runs on this machine")  # and never 0.0000
    pace.set_value(10.0).run()
    assert "the pace that was given" in taught.said
    at.segmented_control(key="plan_fleet").set_value("e2lm").run()
    assert not at.exception
    assert "162 checkpoints" in taught.said


@pytest.mark.parametrize("of", ["difference", "rc", "cs", "score", "decision_accuracy"])
def test_plan_for_every_target(taught, of):
    at = taught.open("plan")
    at.selectbox(key="plan_of").set_value(of).run()
    assert not at.exception
    assert at.title[0].value == "Decide"


def test_nothing_is_planned_from_what_was_never_taught(done):
    done.open("plan")
    assert "Nothing can be planned from these scores" in done.said
    assert "never learned these facts" in done.said
    assert not touched(done.at)


def test_the_plan_of_a_set_begins_at_its_own_size_however_large_it_is(taught, monkeypatch):
    monkeypatch.setattr(
        plan, "MAX_QUESTIONS", 3
    )  # of 100,000 questions the page was a traceback: 20,000 were allowed
    asked = taught.open("plan").number_input(key="plan_power_questions")
    assert (asked.value, asked.max) == (40, 40)


def test_plan_without_a_model_is_one_sentence(taught):
    at = taught.open("plan")
    at.pills[0].set_value([]).run()
    assert not at.exception
    assert "run the set first" in taught.said


def test_an_empty_set_compares_with_a_measured_one(done):
    collection.create_set(done.studio.settings, "blank")
    at = done.choose("blank").open("compare")
    at.selectbox(key="compare_blank").set_value(("set", OWN)).run()
    assert not at.exception
    assert "have no common results yet" in done.said


def test_a_damaged_version_is_one_sentence(done):
    authoring.delete_questions(done.studio.settings, OWN, ["q2"])
    history = done.studio.settings.home / "history" / OWN
    (history / "000000.json.gz").write_bytes(b"\x00")
    (history / "log.jsonl").write_text(
        (history / "log.jsonl").read_text().replace('"digest":"', '"digest":"0')
    )
    done.open("compare")
    assert len(done.at.error) == 1
    assert "missing or damaged" in done.at.error[0].value


def test_plan_takes_the_pace_of_earlier_runs(taught):
    queue(taught, OWN, done=10)
    taught.open("plan")
    assert "Pace: earlier runs on this machine" in taught.said


def test_whether_a_hundred_questions_tell_two_models_apart_early(taught):
    """The researcher's question: are 100 questions enough at so many tokens, and how many are?"""
    at = taught.open("plan")
    last = taught.said
    tokens = at.selectbox(key="plan_power_tokens")
    assert tokens.options[0] == "the last checkpoint"
    early = tokens.options[2]
    tokens.select_index(2).run()
    at.number_input(key="plan_power_questions").set_value(100).run()
    assert not at.exception
    assert taught.said != last
    assert "100 new questions" in taught.said
    assert f"at {early} tokens" in taught.said
    answers = ("questions** show it in 90%", "No number of questions")
    assert any(answer in taught.said for answer in answers)
