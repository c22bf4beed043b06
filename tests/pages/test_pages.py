"""Every page as a visitor sees it, over a small ladder of real Llamas whose results a real run put in place."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from e2lm_core.analysis.score import messages as score_words
from e2lm_core.analysis.score.all_right import all_right_by_model
from e2lm_core.base import formatting
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import evaluate, fleets, results, start, worker
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores import set_scores
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.ui import session
from e2lm_core.ui.app import status_bar
from e2lm_core.ui.base import urls
from e2lm_core.ui.editor import toolbar
from tests.conftest import ROOT
from tests.relevance.made import judged
from tests.support import studios, visits
from tests.support.packages import install_smollm2
from tests.support.visits import OWN, app_in, queue, short_name, touched

# Every place with each of its tabs, but for Relevance, which loads a model: slow. Sets has no strip: test_sets.py.
PAGES = tuple(name for name in urls.VIEWS if name not in ("relevance", "checkpoints", "sets"))


def stored(settings: Settings, name: str) -> dict[str, bytes]:
    return studios.tree(settings.sets / name)


# --- every page in every state ------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_never_run(visit, page):
    visit.open(page)
    assert "never run" in visit.said
    assert "6 questions" in visit.said


def test_never_run_says_what_to_do(visit):
    visit.open("overview")
    assert "never learned these facts" in visit.said
    assert "Run 4 models anyway" in visit.labels()
    visit.open("accuracy")
    assert "There are no curves yet" in visit.said
    visit.open("ranking")
    assert "no order to follow yet" in visit.said


@pytest.mark.parametrize("page", PAGES)
def test_a_set_without_questions(visit, page):
    collection.create_set(visit.studio.settings, OWN)
    visit.choose(OWN).open(page)
    assert "0 questions" in visit.said
    assert "Choose checkpoints" not in [link.proto.label for link in visit.at.get("page_link")]


def test_no_set_at_all(tmp_path, monkeypatch, ladder):
    for opened in app_in(tmp_path, monkeypatch, ladder):
        shutil.rmtree(opened.studio.settings.tasks)
        for page in (*PAGES, "relevance"):
            opened.open(page)
            assert "No set" in opened.said


def test_no_checkpoints(tmp_path, monkeypatch):
    (tmp_path / "nothing").mkdir()
    for opened in app_in(tmp_path, monkeypatch, tmp_path / "nothing"):
        for page in PAGES:
            opened.open(page)
        opened.open("run")
        assert "No models found" in opened.said


@pytest.mark.parametrize("page", PAGES)
def test_partial(visit, page):
    task = collection.open_set(visit.studio.settings, "little")
    first = run_order.plan_order(visit.studio.catalogue.checkpoints)[:8]
    evaluate.evaluate(visit.studio, task, first)
    visit.open(page)
    if page in ("overview", "accuracy"):
        assert "8 of 40 checkpoints so far" in visit.said
        assert touched(visit.at)


@pytest.mark.parametrize("page", PAGES)
def test_running(done, page):
    queue(done, OWN, done=10)
    done.open(page)
    assert "running 25%" in done.said
    assert "about 30 s left" in done.said
    assert "Cancel" in done.labels()
    if page == "run":
        (table,) = (d.value for d in done.at.dataframe if "harness_tokens" in d.value.columns)
        assert table["progress"].tolist() == [100.0] * 10 + [0.0] * 30  # per cent


@pytest.mark.parametrize("page", PAGES)
def test_stale(done, page):
    authoring.update_questions(done.studio.settings, OWN, {"q1": {"question": "What is two times one?"}})
    done.open(page)
    assert "1 stale" in done.said
    assert "Run 1 stale question" in done.labels()


@pytest.mark.parametrize("page", PAGES)
def test_done(done, page):
    done.open(page)
    assert "up to date" in done.said
    assert "The built-in mini models know 0 of 6 questions." in done.said  # of whatever a page shows


def test_a_finished_model_is_told_in_sentences(done, tmp_path, monkeypatch):
    install_smollm2(tmp_path / "site", monkeypatch)
    settings = done.studio.settings
    smollm2.unpack_model(settings)
    studio, task = open_studio(settings), collection.open_set(settings, OWN)
    group = fleets.find_fleet(studio, smollm2.NAME)
    evaluate.evaluate(studio, task, fleets.open_fleet(studio, group).checkpoints)
    fleets.choose_fleet(studio, OWN, group)
    studio.store.database.close()
    said = {}
    for page in ("overview", "score", "accuracy", "one_by_one", "subjects", "measured", "ranking", "plan"):
        done.open(page)
        said[page] = done.said
        assert f"{smollm2.NAME}, a finished model" in done.said, page
        assert "never learned" not in done.said, page  # the mini models' facts say nothing of it
        assert not touched(done.at), page
    assert "at its one checkpoint, so there is no curve" in said["accuracy"]
    assert "It has one checkpoint here, and SQ needs 8 in the early window" in said["overview"]
    assert "of 6 questions are answered right, mean over 1 model" in said["measured"]
    assert "No bar is drawn" in said["score"]


# --- what the measuring pages say -----------------------------------------------------------------------


def test_overview_shows_the_scores_that_the_library_computes(done):
    done.open("overview")
    task = collection.open_set(done.studio.settings, OWN)
    measured = results.load_measurements(done.studio, task, done.studio.catalogue.checkpoints)
    scores = set_scores.scores(measured, "acc")
    assert done.numbers == {
        name: formatting.score(value.value)
        for name, value in (("Score", scores.score), ("SQ", scores.sq), ("RC", scores.rc), ("CS", scores.cs))
    }
    assert len(touched(done.at)) == 1


def test_overview_shows_all_of_a_group_right_where_the_set_has_groups(done):
    assert not done.open("overview").tabs
    studios.write_example(done.studio.settings, studios.in_fours())
    task = collection.open_set(done.studio.settings, "fours")
    evaluate.evaluate(done.studio, task, done.studio.catalogue.checkpoints)
    measured = results.load_measurements(done.studio, task, done.studio.catalogue.checkpoints)
    found = all_right_by_model(measured)
    at = done.choose("fours").open("overview")
    assert [tab.label for tab in at.tabs] == ["Accuracy while the models read", "All of a group right"]
    assert score_words.all_right_sentence(found).replace("**", "") in done.said
    assert score_words.ALL_RIGHT_PROVES in done.said
    _, drawn = [json.loads(c.proto.spec) for c in touched(at)]
    assert drawn["layout"]["yaxis"]["title"]["text"] == "all of a group right"
    lines = {t["name"]: t for t in drawn["data"] if t.get("mode") == "lines+markers"}
    assert len(lines) == 4
    assert "chance 0.4%" in json.dumps(drawn["layout"])


def test_undefined_is_a_dash_with_its_reason(visit):
    task = collection.open_set(visit.studio.settings, "little")
    evaluate.evaluate(
        visit.studio, task, visit.studio.catalogue.checkpoints[:10]
    )  # one model: no order, no twin
    visit.open("overview")
    rc = next(m for m in visit.at.metric if short_name(m.label) == "RC")
    assert rc.value == formatting.DASH
    assert "Undefined here" in rc.help


def test_curves_draws_every_model_and_the_table_holds_every_point(done):
    at = done.open("accuracy")
    drawn = json.loads(touched(at)[0].proto.spec)["data"]
    models = ["large-arch1", "small-arch1", "small-arch1-seed2", "small-arch1-web"]
    assert sorted(t["name"] for t in drawn if t["type"] == "scatter" and "fill" not in t) == models
    assert len(drawn) == 2 * len(models)  # a band behind each line, which a switch takes away
    at.toggle(key="curves_bands").set_value(False).run()
    assert len(json.loads(touched(at)[0].proto.spec)["data"]) == len(models)
    values = next(d.value for d in at.dataframe if "tokens_seen" in d.value.columns)
    assert len(values) == 40
    at.segmented_control(key="curves_metric").set_value("norm_prob").run()
    assert not at.exception
    assert "probability of the right answer" in done.said


def test_rank_stability_names_no_leader_where_nothing_was_taught(done):
    at = done.open("ranking")
    at.segmented_control(key="curves_metric").set_value("norm_prob").run()  # untrained models tie on accuracy
    assert "never learned these facts" in done.said  # untrained models: no leader is named
    assert "ranks first" not in done.said
    at.selectbox(key="ranks_rc").set_value("all_models").run()
    assert "never learned these facts" in done.said
    assert {"RC", "SNR", "Decision accuracy"} <= set(done.numbers)
    assert len(touched(done.at)) == 6


@pytest.mark.slow
def test_relevance(done):
    at = done.open("relevance")
    assert "likely count as science" in done.said
    assert len(touched(at)) == 3
    frame = next(
        d.value for d in at.dataframe if "probability" in d.value.columns and "id" in d.value.columns
    )
    assert list(frame["probability"]) == sorted(frame["probability"])
    why = next(d.value for d in at.dataframe if "likeness" in d.value.columns)
    assert len(why) == 5
    assert "AUROC" in done.said
    at.segmented_control(key="relevance_compare").set_value("words").run()
    assert not at.exception
    assert "they agree on" in done.said


def test_relevance_on_its_way_has_a_bar_can_be_cancelled_and_is_shown_at_its_end(done, monkeypatch):
    from e2lm_core.relevance import judge
    from e2lm_core.ui.cache import embedding_progress

    class Work:
        done, total, error, over, cancelled = 64, 1_000, None, False, False

        def cancel(self):
            self.over = self.cancelled = True

    work = Work()
    monkeypatch.setattr(embedding_progress, "get_or_start", lambda *_: work)
    at = done.open("relevance")
    assert "every other page can be used meanwhile" in done.said
    assert at.get("progress")
    done.click("Cancel")
    done.open("relevance")
    assert "Finished embeddings are kept" in done.said
    work.cancelled, work.error = False, "The embedding model is not here: install it."
    done.open("relevance")
    assert "install it" in done.said
    found = judged([0.9, 0.8, 0.7, 0.6, 0.3, 0.2], ["physics"] * 4 + ["none"] * 2)  # the model is slow
    ids = tuple(f"q{number}" for number in range(1, 7))
    monkeypatch.setattr(judge, "judge_relevance", lambda *_: found.model_copy(update={"ids": ids}))
    work.error = None
    done.open("relevance")
    table = next(d.value for d in done.at.dataframe if {"id", "probability"} <= {*d.value.columns})
    assert table["id"].tolist() == ["q6", "q5", "q4", "q3", "q2", "q1"]


# --- running ------------------------------------------------------------------------------------------


def test_run_queues_what_was_chosen(visit):
    at = visit.open("run")
    at.pills[0].set_value(["ladder-small-arch1", "ladder-large-arch1"]).run()
    at.toggle(key="run_seeds_little").set_value(False).run()
    at.segmented_control(key="run_density_little").set_value("ends and middle").run()
    assert "36 of 36" in visit.said
    visit.click("Run 2 models")
    job = start.latest_job(visit.studio, "little")
    assert job is not None
    assert len(job.payload["checkpoints"]) == 6
    assert "Running. You can leave" in visit.said
    visit.click("Cancel the run")
    assert start.latest_job(visit.studio, "little").state == "cancelled"


def test_further_seeds_run_with_the_model_that_they_repeat(visit):
    ((seed, first),) = [(m.name, m.seed_of) for m in session.studio().catalogue.models if m.seed_of]
    at = visit.open("run")
    assert len(at.pills[0].options) == 3
    assert at.toggle(key="run_seeds_little").label == "With further seeds (1)"
    assert at.toggle(key="run_seeds_little").value is True
    at.pills[0].set_value([first]).run()
    visit.click("Run 2 models")
    job = start.latest_job(visit.studio, "little")
    assert {name.split("/")[0] for name in job.payload["checkpoints"]} == {first, seed}


def test_while_a_run_goes_on_nobody_is_told_to_start_one(visit):
    visit.open("run")
    visit.click("Run 4 models")
    for page in ("accuracy", "one_by_one", "subjects", "ranking", "measured", "score", "plan"):
        visit.open(page)
        assert "Results appear here automatically" in visit.said, page
        assert "Run this set" not in visit.said, page
    task = collection.open_set(visit.studio.settings, "little")
    evaluate.evaluate(visit.studio, task, visit.studio.catalogue.checkpoints)
    visit.open("accuracy")
    visit.at.run()
    assert "Results appear here automatically" not in visit.said


def test_the_end_of_a_long_run_is_told_once_wherever_one_is(visit, monkeypatch):
    monkeypatch.setattr(status_bar, "LONG_S", 0.0)
    collection.copy_set(visit.studio.settings, "little", OWN)
    visit.open("run")
    visit.click("Run 4 models")
    visit.open("share")
    assert not visit.at.toast
    worker.run_worker(session.studio(), once=True)
    visit.choose(OWN).open("plan")  # another page of another set
    assert [toast.value for toast in visit.at.toast] == [
        "little: the run has ended, and everything is computed."
    ]
    visit.open("score")
    assert not visit.at.toast


@pytest.mark.parametrize(
    ("place", "view"),
    [
        ("questions", {"tab": "alternatives"}),
        ("questions", {"tab": "write", "view": "Card"}),
        ("curves", {"tab": "one_by_one"}),
    ],
)
def test_a_link_to_a_question_that_is_gone_says_so(done, place, view):
    at = done.at
    for name, value in {"set": OWN, "question": "GONE", **view}.items():
        at.query_params[name] = value
    at.switch_page(f"pages/{place}.py").run()
    assert not at.exception
    said = "There is no question GONE in this set: it was deleted or renamed."
    assert done.said.count(said) == 1
    link = next(e for e in at.get("bidi_component") if e.proto.component_name == "studio_link")
    assert "GONE" not in link.proto.json
    at.run()
    assert done.said.count(said) == 1
    at.session_state["card_id"] = "q2"  # as its controls do
    at.run()
    assert said not in done.said


def test_a_run_that_fails_at_once_is_told(visit):
    queue(visit, "little")
    visit.choose("little").open("overview")
    job = start.latest_job(visit.studio, "little")
    assert job is not None
    assert visit.studio.jobs.finish(visit.studio.jobs.get(job.id), "The choice is too long.")
    visit.open("overview")
    assert [toast.value for toast in visit.at.toast] == [
        "little: the run has stopped; Models and runs says why."
    ]
    assert "last run failed" in visit.said
    assert "never run" not in visit.said
    assert "not been run" not in visit.said
    assert [error.value for error in visit.at.error] == ["The choice is too long."]


def test_a_short_run_and_one_that_was_cancelled_end_without_a_word(visit, monkeypatch):
    visit.open("run")
    visit.click("Run 4 models")
    visit.open("share")
    worker.run_worker(session.studio(), once=True)
    visit.open("plan")
    assert not visit.at.toast
    monkeypatch.setattr(status_bar, "LONG_S", 0.0)
    visit.open("run")
    visit.at.number_input(key="run_shots_little").set_value(1).run()
    visit.click("Run 4 models")
    visit.open("run")
    visit.click("Cancel the run")
    visit.open("plan")
    assert not visit.at.toast


def test_overview_starts_the_first_run(visit):
    visit.open("overview")
    visit.click("Run 4 models anyway")
    assert len(start.latest_job(visit.studio, "little").payload["checkpoints"]) == 40
    assert "0%, 0 of 40 checkpoints (waiting for the worker)" in visit.said
    assert "follow with its first checkpoints" in visit.said


# --- authoring ----------------------------------------------------------------------------------------


def test_an_example_is_copied_not_edited(visit):
    at = visit.open("write")
    assert "Examples are read-only" in visit.said
    assert json.loads(visit.editor.proto.json)["readonly"]
    at.text_input(key="copy_name_little").set_value("my_copy").run()
    visit.click("Copy")
    assert at.session_state["set"] == "my_copy"
    assert not json.loads(visit.editor.proto.json)["readonly"]
    assert len(collection.open_set(visit.studio.settings, "my_copy").questions) == 6


def test_an_edit_is_saved_and_undone(done):
    done.open("write")
    done.at.toggle(key="run_edits").set_value(False).run()
    done.edit({0: {"question": "How much is one and one?"}})
    settings = done.studio.settings
    assert collection.open_set(settings, OWN).questions[0].question == "How much is one and one?"
    assert "1 stale" in done.said
    done.click("Undo")
    assert collection.open_set(settings, OWN).questions[0].question == "What is twice the number 1?"
    assert "up to date" in done.said
    done.click("Redo")
    assert collection.open_set(settings, OWN).questions[0].question == "How much is one and one?"


def test_undo_is_done_though_the_page_is_drawn_anew_meanwhile(done, monkeypatch):
    """A moment after an edit the table has the page drawn, and a drawing that has begun is then broken off."""
    done.open("write")
    done.edit({0: {"question": "How much is one and one?"}})
    draw, breaks = toolbar.copy_popover, iter([True])

    def break_off(name: str) -> None:
        if next(breaks, False):
            st.rerun()
        draw(name)

    monkeypatch.setattr(toolbar, "copy_popover", break_off)
    done.click("Undo")
    assert not next(breaks, False)
    assert (
        collection.open_set(done.studio.settings, OWN).questions[0].question == "What is twice the number 1?"
    )


@pytest.mark.parametrize(
    ("event", "value"), [("changed", "saved"), ("pasted", "a\tb"), ("card", "q2"), ("measure", ["slope"])]
)
def test_what_the_table_tells_when_its_page_was_left_breaks_no_other(done, event, value):
    """It tells of an edit a moment later: by then its author may be elsewhere."""
    done.open("write")
    table = done.editor
    for elsewhere in ("share", "sets", "compare"):
        done.open(elsewhere)
        done.tell(event, value, table)


def test_each_edit_is_a_step(done):
    done.open("write")
    done.edit({0: {"subject": "arithmetic"}})
    done.edit({1: {"subject": "arithmetic"}})
    steps = versions.list_versions(done.studio.settings, OWN)
    assert [s.action for s in steps] == ["open", "edit question q1", "edit question q2"]


def test_an_edit_of_a_set_that_was_run_runs_what_changed(done):
    queue(done, OWN, done=40)
    done.studio.jobs.cancel(start.latest_job(done.studio, OWN).id)
    done.open("write")
    done.edit({2: {"question": "What do you get when you double three?"}})
    job = start.latest_job(done.studio, OWN)
    assert job.state == "queued"
    assert job.priority == evaluate.INTERACTIVE


def test_an_edit_of_a_copy_that_was_never_run_itself_runs_what_changed(done):
    done.open("write")
    done.edit({2: {"question": "What do you get when you double three?"}})
    assert start.latest_job(done.studio, OWN).priority == evaluate.INTERACTIVE


def test_an_edit_of_a_set_without_results_runs_nothing(visit):
    collection.copy_set(visit.studio.settings, "little", OWN)
    visit.choose(OWN).open("write")
    visit.edit({2: {"question": "What do you get when you double three?"}})
    assert start.latest_job(visit.studio, OWN) is None


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"answer": 4}, "gold is 4"),
        ({"question": ""}, "question"),
        ({"choices": ["4", "4", "6", "8"]}, "choice"),
        ({"choices": ["4"]}, "choice"),
    ],
)
def test_an_invalid_edit_is_one_sentence_and_harms_nothing(done, cells, sentence):
    done.open("write")
    before = stored(done.studio.settings, OWN)
    done.edit({0: cells})
    (said,) = done.refused
    assert sentence in said
    assert "Not saved yet." in said
    assert stored(done.studio.settings, OWN) == before
    done.edit({0: {"subject": "arithmetic"}})
    assert not done.refused


def test_a_set_is_deleted_and_restored(done):
    done.open("write")
    done.click("Delete this set")
    assert not (done.studio.settings.sets / OWN).exists()
    assert done.at.title[0].value == "Sets"
    done.open("sets")
    done.click("Restore")
    assert len(collection.open_set(done.studio.settings, OWN).questions) == 6
    assert done.at.session_state["set"] == OWN


def test_the_card_edits_one_question(done):
    at = done.open("write")
    at.segmented_control(key="author_view").set_value("Card").run()
    at.text_area[0].set_value("Twice one is what?")
    done.click("Save")
    assert collection.open_set(done.studio.settings, OWN).questions[0].question == "Twice one is what?"
    done.click("Add a question")
    assert len(collection.open_set(done.studio.settings, OWN).questions) == 6
    for label, text in (("choice A", "3"), ("choice B", "4")):
        next(t for t in done.at.text_input if t.label == label).set_value(text)
    done.at.radio[0].set_value("B")
    done.at.text_area[0].set_value("Twice two is what?")
    done.click("Save")
    assert collection.open_set(done.studio.settings, OWN).questions[-1].choices == ("3", "4")


def test_an_upload_is_shown_before_it_is_added(done):
    at = done.open("write")
    at.segmented_control(key="author_view").set_value("Import").run()
    rows = [
        {"question": "Which metal has the symbol Fe?", "choices": ["iron", "gold"], "answer": 0},
        {"question": "Which metal has the symbol Au?", "choices": ["iron", "gold"], "answer": 7},
    ]
    data = "\n".join(json.dumps(row) for row in rows).encode()
    at.file_uploader(key="import_file").set_value([("more.jsonl", data, "application/jsonl")]).run()
    assert not at.exception
    assert "gold is 7" in done.said
    assert len(collection.open_set(done.studio.settings, OWN).questions) == 6
    done.click("Add 1 question and leave out 1")
    assert collection.open_set(done.studio.settings, OWN).questions[-1].choices == ("iron", "gold")


def test_an_upload_that_cannot_be_read_is_one_sentence(done):
    at = done.open("write")
    at.segmented_control(key="author_view").set_value("Import").run()
    at.file_uploader(key="import_file").set_value([("more.csv", b"\xff\xfe\x00question", "text/csv")]).run()
    assert not at.exception
    assert len(at.error) == 1


# --- shipping -----------------------------------------------------------------------------------------


def test_export_offers_the_bundle_unless_an_error_stands(done):
    at = done.open("share")
    assert f"Download {OWN}.zip" in [b.label for b in at.get("download_button")]
    at.segmented_control(key="export_profile").set_value("competition").run()
    assert f"Download {OWN}.zip" not in [b.label for b in at.get("download_button")]
    assert "before you can download this set" in done.said
    assert "100" in done.said


def test_a_damaged_set_is_one_sentence_on_every_page(done):
    data = done.studio.settings.sets / OWN / "test.jsonl"
    data.write_bytes(b"\xff\xfe not text")
    for page in PAGES:
        done.open(page)
        assert len(done.at.error) == 1
    assert data.read_bytes() == b"\xff\xfe not text"


def test_the_link_names_the_set(tmp_path, monkeypatch, ladder, finished):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    for opened in app_in(tmp_path, monkeypatch, ladder):
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        at.query_params["set"] = OWN
        visits.go(at, "score")
        assert OWN in at.selectbox[0].value
        assert "score" in at.query_params["tab"]
        assert os.environ["E2LM_HOME"] == str(opened.studio.settings.home)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ("deleted", "it was deleted or renamed, it is no longer shared with you, or the link is mistyped"),
        ("renamed", "it was renamed to newer."),
    ],
)
def test_a_link_to_a_set_that_is_not_here_shows_no_other(done, wish, why):
    settings = done.studio.settings
    for name in ("deleted", "renamed"):
        collection.copy_set(settings, OWN, name)
    collection.delete_set(settings, "deleted")
    collection.rename_set(settings, "renamed", "newer")
    for page in urls.VIEWS:
        done.at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        done.at.query_params["set"] = wish
        done.open(page)
        assert f"There is no set {wish!r}: {why}" in done.said
        link = next(e for e in done.at.get("bidi_component") if e.proto.component_name == "studio_link")
        assert ["set", wish] in json.loads(link.proto.json)["link"], "the address stays"
        if page == "sets":
            assert "in hand" not in done.said
        else:
            assert "6 questions" not in done.said
            assert not done.at.metric
            assert done.at.selectbox[0].options == ["mine", "newer", "little (example)"]
            assert done.at.selectbox[0].value is None
    if wish == "renamed":
        done.click("Open newer")
    else:
        done.at.selectbox[0].select("newer").run()
    assert "6 questions" in done.said


def test_a_link_to_a_set_that_is_gone_is_said_in_a_session_too(done):
    done.open("overview")
    done.at.query_params["set"] = "typo"
    done.open("overview")
    assert "There is no set 'typo'" in done.said
    assert not done.at.metric


def test_a_version_is_named_and_restored_after_a_question_in_one_step_that_is_undone(done):
    settings = done.studio.settings
    first = collection.open_set(settings, OWN).questions
    done.open("write")
    assert done.at.get("popover")[-1].proto.popover.disabled  # never edited
    done.at.toggle(key="run_edits").set_value(False).run()
    done.edit({0: {"question": "How much is one and one?"}})
    done.edit({1: {"question": "How much is two and two?"}})
    done.at.text_input(key="history_name_2").set_value("for the class").run()
    done.click("Name it")
    assert [v.name for v in versions.list_versions(settings, OWN)] == [None, None, "for the class"]
    listed = done.at.selectbox(key="history_version_2").options
    assert "for the class" in listed[0]
    assert listed[-1].endswith(" · before the first change")  # by nobody: who made the set is not recorded
    done.at.selectbox(key="history_version_2").set_value(0).run()
    assert "Restoring version 0 changes 2 questions." in done.said
    done.click("Restore …")
    assert collection.open_set(settings, OWN).questions != first  # it asks before
    texts = [e.proto.body for e in done.at.get("html") if "both-texts" in e.proto.body]
    assert [re.sub("<.*?>", "", text) for text in texts] == [
        "How much is one and one?",
        first[0].question,
        "How much is two and two?",
        first[1].question,
    ]
    assert all("<mark>" in text for text in texts)
    done.click("Cancel")
    assert "Restore it" not in done.labels()
    done.click("Restore …")
    done.click("Restore it")
    assert collection.open_set(settings, OWN).questions == first
    done.click("Undo")
    restored = collection.open_set(settings, OWN).questions
    assert [q.question for q in restored[:2]] == ["How much is one and one?", "How much is two and two?"]


def test_a_name_that_another_version_has_is_refused_in_a_sentence(done):
    settings = done.studio.settings
    done.open("write")
    done.at.toggle(key="run_edits").set_value(False).run()
    done.edit({0: {"question": "How much is one and one?"}})
    versions.name_version(settings, OWN, 0, "mine")
    done.at.run()
    done.at.text_input(key="history_name_1").set_value("mine").run()
    done.click("Name it")
    assert "already" in done.said
    assert [v.name for v in versions.list_versions(settings, OWN)] == ["mine", None]
