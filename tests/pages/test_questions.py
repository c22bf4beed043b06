"""Questions, once they are measured, as a visitor uses it, over real results of small Llamas."""

from __future__ import annotations

import json

import pandas as pd
from streamlit.proto.WidgetStates_pb2 import WidgetState

from e2lm_core.analysis import validity
from e2lm_core.analysis.questions import item_correlations
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import evaluate, start
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import rule_trials
from e2lm_core.ui.base import page_cache
from e2lm_core.ui.cache import curves
from tests.analysis.questions.test_problems import influence
from tests.support import studios
from tests.support.visits import OWN, Visit, queue, touched


def frame(visit: Visit, column: str) -> pd.DataFrame:
    return next(d.value for d in visit.at.dataframe if column in d.value.columns)


def choosing(visit: Visit) -> None:
    visit.open("choosing")


def select(visit: Visit, rows: list[int]) -> None:
    """What the browser sends when rows of the table were selected."""
    states = visit.at._tree.get_widget_states()
    table = next(d for d in visit.at.dataframe if "slope" in d.value.columns)
    sent = json.dumps({"selection": {"rows": rows, "columns": [], "cells": []}})
    states.widgets.append(WidgetState(id=table.proto.id, string_value=sent))
    visit.at._run(states)
    assert not visit.at.exception


def test_nothing_to_show_yet(visit):
    visit.open("measured")
    assert "No results for single questions yet" in visit.said
    assert not visit.at.dataframe
    collection.create_set(visit.studio.settings, OWN)
    visit.choose(OWN).open("measured")
    assert "This set has no questions yet" in visit.said


def test_partial(visit):
    task = collection.open_set(visit.studio.settings, "little")
    evaluate.evaluate(visit.studio, task, run_order.plan_order(visit.studio.catalogue.checkpoints)[:3])
    visit.open("measured")
    assert visit.at.title[0].value == "Questions"


def test_running_and_stale(taught):
    queue(taught, OWN, done=10)
    taught.open("measured")
    assert "running 25%" in taught.said
    authoring.update_questions(taught.studio.settings, OWN, {"q1": {"question": "What is two times one?"}})
    taught.open("measured")
    assert "Results before your last edit" in taught.said
    assert "left out" not in taught.said
    job = start.latest_job(taught.studio, OWN)
    assert job is not None
    taught.studio.jobs.cancel(job.id)
    taught.open("measured")
    assert "Results before your last edit" not in taught.said
    assert "1 question without all results is left out" in taught.said
    choosing(taught)
    assert "of 39** questions" in taught.said


def test_one_row_a_question(taught):
    taught.open("measured")
    shown = frame(taught, "slope")
    assert shown["id"].tolist() == [f"q{n}" for n in range(1, 41)]
    assert len(shown["curve"].iloc[0]) == len(studios.STEPS)
    assert "discrimination" not in shown.columns
    assert "It takes three models" in taught.said
    assert "biserial" not in shown.columns
    assert taught.said.count("These figures need 30 models") == 1
    assert "questions rise early" in taught.said
    assert not touched(taught.at)


def test_item_rest_correlations_and_alpha_where_there_are_enough_models(taught, monkeypatch):
    monkeypatch.setattr(item_correlations, "MIN_MODELS", 2)
    page_cache.clear()
    taught.open("measured")
    shown = frame(taught, "slope")
    assert shown["biserial"].notna().any()
    assert shown["tetrachoric"].notna().any()
    assert "Cronbach's α (KR-20) is" in taught.said
    assert "random answer keys give" in taught.said
    page_cache.clear()


def test_selected_rows_are_drawn_against_the_rest_and_kept_as_a_copy(done):
    before = studios.tree(done.studio.settings.sets)
    done.open("measured")
    select(done, [1, 4])
    spec = json.loads(touched(done.at)[0].proto.spec)
    assert [t["name"] for t in spec["data"]] == ["selection (2)", "rest (4)"]
    assert "2 questions selected by hand, 4 others" in done.said
    assert len(frame(done, "difference")) == len(studios.STEPS)
    done.at.text_input(key="questions_keep_name").set_value("two_of_them").run()
    done.at.button(key="questions_keep_go").click().run()
    made = collection.open_set(done.studio.settings, "two_of_them").config.chosen_by
    assert made is not None
    assert made.trial == 1, "rows that are copied count as a choice"
    assert not done.at.exception
    kept = collection.open_set(done.studio.settings, "two_of_them")
    assert [q.id for q in kept.questions] == ["q2", "q5"]
    after = studios.tree(done.studio.settings.sets)
    assert {path: after[path] for path in before} == before
    assert done.at.session_state["set"] == "two_of_them"


def test_filters_narrow_the_table_down_and_are_a_selection(done):
    at = done.open("measured")
    at.text_input(key="questions_find").set_value("number 3").run()
    assert frame(done, "slope")["id"].tolist() == ["q3"]
    assert "1 question that the filters leave, 5 others" in done.said
    at.text_input(key="questions_find").set_value("").run()
    at.multiselect(key="questions_subjects").set_value(["mathematics"]).run()
    assert len(frame(done, "slope")) == 6
    slider = at.slider(key="questions_range_slope")
    slider.set_value((0.0, slider.value[1])).run()
    assert not at.exception
    assert (frame(done, "slope")["slope"] >= 0).all()
    at.text_input(key="questions_find").set_value("no such text").run()
    assert not at.exception
    assert len(frame(done, "slope")) == 0


def test_choosing_shows_what_the_library_computes(taught):
    from e2lm_core.analysis.questions import messages as choice_words
    from e2lm_core.analysis.questions import pool as question_pool
    from e2lm_core.analysis.questions import selection, selection_null
    from e2lm_core.runs import results

    choosing(taught)
    task = collection.open_set(taught.studio.settings, OWN)
    measured = results.load_measurements(taught.studio, task, taught.studio.catalogue.checkpoints)
    pool = question_pool.build_pool(measured, task)
    found = selection_null.with_null(selection.select_questions(pool, "easiest-half", "acc"), pool, measured)
    assert found.null is not None
    assert choice_words.selection_headline(found, 40) in taught.said
    rows = frame(taught, "held out")
    assert rows["held out"].tolist() == ["size small", "size large", "mean"]
    assert touched(taught.at)


def test_a_large_set_is_compared_with_random_keys_on_demand(taught, monkeypatch):
    from e2lm_core.analysis.questions import selection_null

    page_cache.clear()
    monkeypatch.setattr(selection_null, "AT_ONCE_S", 0.0)
    choosing(taught)
    assert "Whether that is a gain is not known" in taught.said
    taught.at.button(key="choosing_null").click().run()
    assert not taught.at.exception
    assert "under random answer keys the same rule gains" in taught.said.lower()
    assert "choosing_null" not in [button.key for button in taught.at.button]


def test_a_copy_by_a_rule_says_so_on_every_page(taught):
    choosing(taught)
    taught.at.text_input(key="choosing_keep_name").set_value("by_rule").run()
    taught.at.button(key="choosing_keep_go").click().run()
    made = collection.open_set(taught.studio.settings, "by_rule").config.chosen_by
    assert made is not None
    assert (made.rule, made.parent) == ("easiest-half", OWN)
    queue(taught, "by_rule")
    assert made.trial == 1
    note = f"These questions were chosen on these models, from {OWN} by the rule easiest-half (the 1st choice"
    taught.choose("by_rule")
    for place in ("overview", "score", "ranking", "sets"):
        taught.open(place)
        assert note in taught.said, place
        assert "distinguishable" not in taught.said
    taught.open("plan")
    assert "Nothing can be planned from these scores" in taught.said
    taught.open("score")
    taught.at.button(key="score_null_through_rule").click().run()
    assert not taught.at.exception
    assert "under random answer keys the same rule gives" in taught.said
    assert "as the 1st choice tried (" in taught.said
    assert "score_null_through_rule" not in [button.key for button in taught.at.button], "it was drawn"
    assert taught.said.count(note) == 2, "the bar above the page, and the headline"


def test_a_choice_is_a_trial_once_its_gain_is_told_or_it_is_copied(taught, monkeypatch):
    def trials() -> int:
        settings, task = taught.studio.settings, collection.open_set(taught.studio.settings, OWN)
        return rule_trials.next_trial_number(settings, OWN, ("another rule", "acc", None), task, ()) - 1

    def try_metrics(*metrics: str) -> None:
        choosing(taught)
        for metric in metrics:
            taught.at.segmented_control(key="choosing_metric").set_value(metric).run()

    with monkeypatch.context() as during_a_run:
        during_a_run.setattr(validity, "no_advice_reason", lambda *_: "The run goes on.")
        try_metrics("acc", "margin")
        assert "The run goes on." in taught.said
        assert trials() == 0, "no gain was told"
        taught.at.text_input(key="choosing_keep_name").set_value("early").run()
        taught.at.button(key="choosing_keep_go").click().run()
    made = collection.open_set(taught.studio.settings, "early").config.chosen_by
    assert made is not None
    assert made.trial == trials() == 1
    taught.choose(OWN)
    try_metrics("acc", "margin")
    assert trials() == 2


def test_every_rule_and_every_score_draws_or_says_why(taught):
    choosing(taught)
    at = taught.at
    for rule in ("snr-greedy", "rising-hard-science", "one-source", "a rule of my own"):
        at.selectbox(key="choosing_rule").set_value(rule).run()
        assert not at.exception
        if rule == "one-source":
            assert "names its source" in taught.said
            assert "Nothing is chosen" in taught.said
    at.text_input(key="choosing_own").set_value("slope > what").run()
    assert not at.exception
    assert "give a number" in taught.said
    at.text_input(key="choosing_own").set_value("slope > -1000").run()
    assert "keeps **40 of 40**" in taught.said
    for metric in ("acc", "margin"):
        at.segmented_control(key="choosing_metric").set_value(metric).run()
        for score in ("sq", "snr"):
            at.segmented_control(key="choosing_score").set_value(score).run()
            assert not at.exception
            assert touched(at) or "is undefined" in taught.said


def test_one_question_and_one_model(visit):
    settings = visit.studio.settings
    collection.copy_set(settings, "little", OWN)
    authoring.delete_questions(settings, OWN, [f"q{n}" for n in range(2, 7)])
    task = collection.open_set(settings, OWN)
    evaluate.evaluate(visit.studio, task, visit.studio.catalogue.checkpoints_of("ladder-small-arch1"))
    visit.choose(OWN).open("measured")
    assert "10 of 40 checkpoints so far" in visit.said
    visit.at.segmented_control(key="tab_questions").set_value("choosing").run()
    assert not visit.at.exception
    assert "choosing" in visit.at.query_params["tab"]
    assert "Whether that is a gain cannot be told: 10 of 40 checkpoints so far" in visit.said


def suspects(visit: Visit) -> None:
    visit.open("suspects")


def test_suspects_of_models_that_know_nothing(done):
    suspects(done)
    assert "do not know these answers well enough to doubt a key" in done.said
    assert "Not known yet: run each model's last checkpoint" in done.said


def test_the_control_is_run_on_a_click_with_a_bar_and_can_be_cancelled(done):
    from e2lm_core.runs import start, worker

    suspects(done)
    done.click("Run the control")
    job = start.latest_job(done.studio, OWN, kind=start.CONTROL)
    assert job.state == "queued"
    assert done.at.get("progress")
    done.click("Cancel the control")
    assert start.latest_job(done.studio, OWN, kind=start.CONTROL).state == "cancelled"
    suspects(done)
    done.click("Run the control")
    assert worker.run_worker(done.studio, once=True) == 1
    suspects(done)
    assert "Without the question, models get" in done.said
    assert len(frame(done, "others' prompts")) == len(studios.MODELS)
    assert "One word of each question alone answers" in done.said
    assert frame(done, "condition")["condition"].tolist() == [
        *("no question", "another question", "shuffled words", "rarest word alone", "negated")
    ]
    assert frame(done, "rarest word")["rarest word"].iloc[0] == "twice"
    done.open("overview")
    assert "One word of each question alone answers" in done.said
    suspects(done)
    assert not touched(done.at)
    done.click("Run the control at every checkpoint")
    assert worker.run_worker(done.studio, once=True) == 1
    suspects(done)
    assert touched(done.at)
    assert "Run the control at every checkpoint" not in [button.label for button in done.at.button]


def test_problems_name_a_question_that_hurts_the_ranking(taught, monkeypatch):
    """The set is too small for advice, so that its guard and its influence are put in place here."""
    support = [-0.4, 0.3, *[0.0] * (len(collection.open_set(taught.studio.settings, OWN).questions) - 2)]
    monkeypatch.setattr(validity, "no_ranking_advice_reason", lambda *_: None)
    monkeypatch.setattr(curves, "holding", lambda *_: influence(support, 0.1, 0.2))
    taught.open("problems")
    assert "Early on, the models that end up better are behind on this question" in taught.said
