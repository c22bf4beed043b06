"""Author's live results and Run's record: what an edit changed and ran, what every page tells of a run, what cancels it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import pytest
import streamlit as st

from e2lm_core.analysis.questions import choice_curves, cue_words
from e2lm_core.analysis.questions import edits as question_edits
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import evaluate, results, start, worker
from e2lm_core.runs.queue import permissions
from e2lm_core.runs.queue.records import Job, Progress
from e2lm_core.sets import authoring, collection
from e2lm_core.ui.base import markdown, viewport
from e2lm_core.ui.cache import questions as remembered
from e2lm_core.ui.editor import edit_run
from tests.support import studios
from tests.support.visits import OWN, Visit, queue, touched
from tests.support.workers import Watched


def own(at: Visit) -> TaskSet:
    return collection.open_set(at.studio.settings, OWN)


def compute(at: Visit, checkpoints: int | None = None) -> None:
    """What the worker would do with the queue: all of it, or so far as some checkpoints."""
    job = at.studio.jobs.claim("a worker", 60)
    assert job is not None
    every = run_order.plan_order(at.studio.catalogue.checkpoints)
    evaluate.evaluate(
        at.studio,
        own(at),
        every[:checkpoints],
        progress=Watched(lambda row: at.studio.jobs.report(job, [row])),
        questions=job.payload.get("questions"),
    )
    if checkpoints is None:
        at.studio.jobs.finish(job)


def run_once(at: Visit) -> None:
    studios.start_run(at.studio, OWN, at.studio.catalogue.checkpoints)
    compute(at)


def drawn(at: Visit, chart: int) -> dict[str, int]:
    """How many points each line of a chart has, by name; the faint ones are named by it."""
    traces = json.loads(touched(at.at)[chart].proto.spec)["data"]
    names = [t["name"] + (" before" if t.get("opacity", 1) < 0.3 else "") for t in traces]
    return {name: len(t["customdata"]) for name, t in zip(names, traces, strict=True)}


def pictured(at: Visit, picture: int) -> dict[str, int]:
    """How many points each line of a picture has, by name; the faint ones are named by it."""
    proto = [e.proto for e in at.at.get("bidi_component") if e.proto.component_name == "studio_picture"][
        picture
    ]
    (drawn,) = json.loads(proto.json)["drawn"]
    lines = ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}polyline")
    return {
        line.attrib["data-name"] + (" before" if float(line.get("opacity", 1)) < 0.3 else ""): len(
            line.attrib["points"].split()
        )
        for line in lines
    }


def in_the_row(at: Visit, question: str = "q1") -> dict[str, object]:
    """What the table's row shows of the last edit."""
    notes = [e.proto for e in at.at.get("bidi_component") if e.proto.component_name == "studio_table_found"]
    (effects,) = [note["effects"] for note in (json.loads(n.json) for n in notes) if "effects" in note]
    return effects.get(question, {})


def test_an_edit_in_the_table_is_run_and_says_what_it_changed(done):
    run_once(done)
    done.open("write")
    assert "Edit a question to see here" in done.said
    before = results.load_measurements(done.studio, own(done), done.studio.catalogue.checkpoints)
    done.edit({0: {"question": "How much is one and one?"}})
    assert "has no results yet" in done.said
    assert "So far 0%, 0 of 40 checkpoints (waiting for the worker)." in done.said
    assert pictured(done, 0) == {"before": 10}
    shown = in_the_row(done)
    assert shown["text"] == "No results yet"
    assert shown["running"] == "So far 0%, 0 of 40 checkpoints (waiting for the worker)"
    assert "So far 0%, 0 of 40 checkpoints (waiting for the worker)." in done.said, (
        "row and panel say one progress"
    )
    compute(done, checkpoints=6)  # last and first of each of the three models that are no further seed
    done.at.run()
    assert "So far 15%, 6 of 40 checkpoints" in done.said
    assert "margin" in done.said
    assert pictured(done, 0) == {"before": 10, "now": 2}
    assert pictured(done, 1)["large-arch1"] == 2
    assert pictured(done, 1)["large-arch1 before"] == 10
    compute_rest(done)
    done.at.run()
    now = results.load_measurements(done.studio, own(done), done.studio.catalogue.checkpoints)
    (effect,) = question_edits.edit_effects(before, now)
    assert f"**q1**: {effect.changes[0].text}" in done.said
    assert pictured(done, 0) == {"before": 10, "now": 10}
    shown = in_the_row(done)
    assert shown["text"] == effect.changes[0].text
    assert {name: len(points.split()) for name, points in shown["lines"]} == {"before": 10, "now": 10}
    assert "running" not in shown
    assert in_the_row(done, "q2") == {}
    done.click("Undo")
    compute(done)
    done.at.run()
    (back,) = question_edits.edit_effects(now, before)
    assert f"**q1**: {back.changes[0].text}" in done.said


def risen_edit(at: Visit) -> None:
    """Edit the first question, with a new word, until the untrained models happen to like its answer better."""
    for word in ("gravel", "harbour", "lantern", "meadow", "needle", "orchard", "pebble", "quarry"):
        before = results.load_measurements(at.studio, own(at), at.studio.catalogue.checkpoints)
        at.edit({0: {"question": f"What is twice the number 1, {word}?"}})
        compute(at)
        at.at.run()
        now = results.load_measurements(at.studio, own(at), at.studio.catalogue.checkpoints)
        (effect,) = question_edits.edit_effects(before, now)
        if effect.changes[1].difference > 0:
            return
    pytest.fail("no word raised the question")


def test_an_edit_that_raised_its_question_is_set_against_its_new_word(done, monkeypatch):
    run_once(done)
    done.open("write")
    done.edit({0: {"question": "What is twice the number 1, then?"}})
    compute(done)
    risen_edit(done)
    assert "one new word" not in done.said
    assert in_the_row(done)["ask"] is True
    done.tell("cue_words", "q1")  # the row's button
    assert in_the_row(done)["ask"] is False
    job = start.latest_job(done.studio, OWN, kind=start.CUE_WORDS)
    assert job is not None
    assert list(job.payload["words"]) == ["q1"]
    assert job.payload["words"]["q1"] in own(done).questions[0].question
    assert done.at.get("progress")
    assert worker.run_worker(done.studio, once=True) == 1
    assert start.latest_job(done.studio, OWN, kind=start.CUE_WORDS).state == "done"
    done.open("write")
    assert "Is it one word?" not in [button.label for button in done.at.button]
    assert in_the_row(done)["ask"] is False
    gain = cue_words.MeanGain(value=0.2, low=0.1, high=0.3)
    made = cue_words.EditControl(
        question_id="q1", word="then", verdict="cue words", gain=gain, control=gain, difference=gain
    )
    monkeypatch.setattr(remembered, "edit_controls", lambda *_: [made])
    done.open("write")
    assert in_the_row(done)["said"].startswith("Cue words: the new word then alone raises")


def test_the_run_of_an_edit_begins_with_its_saving(done):
    run_once(done)
    done.open("write")
    row = next(iter(done.table(OWN).values()))
    told = done.ask(OWN, {"do": "find", "ids": ["q1"], "text": "one", "fields": ["question"]})
    assert "runs" not in told
    fields = {"question": "How much is one and one?"}
    save = {"do": "save", "id": row["id"], "fields": fields, "seen": {"question": row["question"]}}
    assert done.ask(OWN, save)["runs"]
    queued = start.latest_job(done.studio, OWN)
    assert (queued.state, queued.priority, queued.owner) == (
        "queued",
        evaluate.INTERACTIVE,
        done.at.session_state["visitor"],
    )
    done.tell("changed", "runs")  # the page has nothing left to begin
    assert start.latest_job(done.studio, OWN).id == queued.id
    assert "has no results yet" in done.said
    done.tell("changed", "saved")  # as where the server could not
    assert start.latest_job(done.studio, OWN).id != queued.id


def test_who_wants_no_runs_or_has_no_results_gets_none_with_an_edit(done):
    done.open("write")
    done.at.toggle(key="run_edits").set_value(False).run()
    assert done.runs == ""
    before = start.latest_job(done.studio, OWN)
    done.edit({0: {"question": "How much is one and one?"}})
    assert start.latest_job(done.studio, OWN) == before
    settings = done.studio.settings
    assert not edit_run.run_edited_questions(settings.model_copy(update={"readonly": True}), OWN, "somebody")
    assert not edit_run.run_edited_questions(settings, "nowhere", "somebody")


def compute_rest(at: Visit) -> None:
    job = start.latest_job(at.studio, OWN)
    assert job is not None
    evaluate.evaluate(at.studio, own(at), at.studio.catalogue.checkpoints)
    at.studio.jobs.finish(job)


def test_a_card_shows_its_questions_own_curves_and_what_the_last_edit_made_of_it(done):
    run_once(done)
    at = done.open("write")
    at.segmented_control(key="author_view").set_value("Card").run()
    assert "margin **" in done.said
    assert set(drawn(done, 0)) == {"small-arch1", "large-arch1", "small-arch1-web", "small-arch1-seed2"}
    at.text_area[0].set_value("Twice one is what?")
    done.click("Save")
    compute(done)
    at.run()
    assert "→" in done.said
    assert drawn(done, 0)["small-arch1 before"] == 10


def test_in_a_new_session_the_last_edit_is_that_of_the_history(done):
    authoring.update_questions(done.studio.settings, OWN, {"q2": {"question": "How much is two and two?"}})
    run_once(done)
    done.open("write")
    assert "**q2**: margin" in done.said
    authoring.delete_questions(done.studio.settings, OWN, ["q2"])
    done.at.run()
    assert "**q2** is gone" in done.said
    authoring.update_config(done.studio.settings, OWN, description="Choose well.\n")
    done.at.run()
    assert "**5 questions** changed" in done.said


def test_run_says_what_was_saved_and_how_it_was_computed(done):
    number = queue(done, OWN)
    job = done.studio.jobs.get(number)
    note = "llama models are scored in plain batches: their attention cannot be exchanged."
    row = Progress(
        name=job.payload["checkpoints"][0],
        done=6,
        total=6,
        computed=6,
        tokens=1_000,
        harness_tokens=3_000,
        note=note,
    )
    done.studio.jobs.report(job, [row])
    done.open("run")
    assert "Computed so far 1.0 k tokens where lm-evaluation-harness would compute 3.0 k (3.0×)." in done.said
    assert note in done.said


def test_the_panel_says_so_where_nothing_was_run(visit):
    collection.copy_set(visit.studio.settings, "little", OWN)
    authoring.update_questions(visit.studio.settings, OWN, {"q2": {"question": "How much is two and two?"}})
    visit.choose(OWN).open("write")
    assert "Run this set first" in visit.said


def begun(at: Visit, checkpoints: int) -> None:
    """A copy that was never run whole, and a run of it that is so far."""
    collection.copy_set(at.studio.settings, "little", OWN)
    # Of another text: nothing of it is in the store.
    for question in own(at).questions:
        authoring.update_questions(
            at.studio.settings, OWN, {question.id: {"question": f"{question.question} Once more?"}}
        )
    at.choose(OWN)
    studios.start_run(at.studio, OWN, at.studio.catalogue.checkpoints)
    compute(at, checkpoints)


def test_while_a_run_goes_on_no_view_says_to_run_the_rest(visit):
    begun(visit, 30)
    for view in ("score", "plan", "choosing", "measured", "overview"):
        visit.open(view)
        assert "un the rest" not in visit.said, view
        assert "30 of 40 checkpoints so far" in visit.said, view
        if view in ("score", "plan", "choosing"):
            assert "The run goes on" in visit.said, view
    job = start.latest_job(visit.studio, OWN)
    assert job is not None
    visit.studio.jobs.cancel(job.id)
    visit.open("plan")
    assert "Run the rest" in visit.said


def test_the_browsers_tab_says_how_far_a_run_is_and_that_it_has_ended(done, monkeypatch):
    titles, plain = [], st.set_page_config

    def spy(**options: str) -> None:
        titles.append(options.get("page_title"))
        plain(**options)

    monkeypatch.setattr(st, "set_page_config", spy)
    queue(done, OWN, done=10)
    done.open("overview")
    assert titles[-1] == "25% · Overview · Result · E2LM Task Studio"
    done.open("write")
    assert titles[-1] == "25% · Write · Questions · E2LM Task Studio"
    job = start.latest_job(done.studio, OWN)
    assert job is not None
    done.studio.jobs.finish(done.studio.jobs.get(job.id))
    done.open("curves")
    assert titles[-1] == "✓ · Accuracy · Curves · E2LM Task Studio"
    done.at.run()
    assert titles[-1] == "Accuracy · Curves · E2LM Task Studio"


def test_what_is_said_of_subjects_follows_the_run(visit):
    begun(visit, 30)
    visit.open("subjects")
    assert visit.said.count("30 of 40 checkpoints so far") == 2  # the sentence, and above the table
    compute_rest(visit)
    visit.at.run()
    assert "so far" not in visit.said


# --- one run is one thing ----------------------------------------------------------------------------------

FIGURES = re.compile(r"(\d+)%, (\d+) of (\d+) checkpoints(, about [\d.]+ \w+ left| \([^)]*\)|)")
PLACES = ("overview", "write", "run", "accuracy", "share")


def work(at: Visit, job: Job, checkpoints: int | None = None) -> None:
    """What a worker that has the job would compute, at the first so many of its checkpoints."""
    names = job.payload["checkpoints"]
    task = collection.open_set(at.studio.settings, OWN)
    every = [c for c in run_order.plan_order(at.studio.catalogue.checkpoints) if c.name in names]
    evaluate.evaluate(
        at.studio,
        task,
        every[:checkpoints],
        progress=Watched(lambda row: at.studio.jobs.report(job, [row.model_copy(update={"seconds": 30.0})])),
        questions=job.payload.get("questions"),
    )


def claim(at: Visit) -> Job:
    job = at.studio.jobs.claim("a worker", 60)
    assert job is not None
    return job


def told_of(at: Visit) -> dict[str, set[tuple[str, ...]]]:
    """What each page says of how far the run of the set is: the strip's, the panel's, the bars'."""
    said = {}
    for place in PLACES:
        at.open(place)
        bars = [bar.proto.text for bar in at.at.get("progress")]
        text = "\n".join([at.said, *bars]).replace("\\", "").replace(markdown.JOINER, "")
        said[place] = set(FIGURES.findall(text))
    at.open("sets")  # where other sets' runs are told of too
    bars = [text for bar in at.at.get("progress") if (text := bar.proto.text).startswith(f"{OWN}:")]
    lines = [line for line in at.said.splitlines() if "questions ·" in line]
    said["home"] = set(FIGURES.findall("\n".join([*lines, *bars]).replace("\\", "")))
    return said


def waiting(at: Visit) -> None:
    studios.start_run(at.studio, OWN, at.studio.catalogue.checkpoints)


def started(at: Visit) -> None:
    waiting(at)
    claim(at)


def half(at: Visit) -> None:
    waiting(at)
    work(at, claim(at), 20)


def of_an_edit(at: Visit) -> None:
    authoring.update_questions(at.studio.settings, OWN, {"q1": {"question": "How much is one and one?"}})
    edit_run.start_edit_run(at.studio, collection.open_set(at.studio.settings, OWN), "somebody")
    work(at, claim(at), 30)


def behind_another(at: Visit) -> None:
    at.studio.jobs.submit(start.KIND, {"set": "gone", "checkpoints": [], "num_fewshot": None})
    claim(at)
    waiting(at)


def partly_run_then_waiting(at: Visit) -> None:
    half(at)
    at.studio.jobs.release(at.studio.jobs.get(1))


STATES: list[Callable[[Visit], None]] = [
    waiting,
    started,
    half,
    of_an_edit,
    behind_another,
    partly_run_then_waiting,
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_page_tells_one_progress_and_one_time_left(done: Visit, state: Callable[[Visit], None]) -> None:
    state(done)
    said = told_of(done)
    assert all(len(figures) == 1 for figures in said.values()), said
    assert len(set.union(*said.values())) == 1, said
    ((share, complete, checkpoints, _),) = said["run"]
    assert int(share) == 100 * int(complete) // int(checkpoints)


# --- what cancels a run, and what follows ------------------------------------------------------------------


def edit(at: Visit, **fields: str) -> None:
    """Edits of questions, by id, saved as the table saves them."""
    rows = list(at.table(OWN))
    at.edit({rows.index(name): {"question": text} for name, text in fields.items()})


def reload(at: Visit) -> None:
    """The browser loads the page again: a session of its own for whoever does not sign in."""
    at.at.session_state["visitor"] = f"after a reload, {at.at.session_state['visitor']}"


def still_open(at: Visit) -> list[Job]:
    return at.studio.jobs.open_jobs()


def test_after_an_edit_a_reload_and_another_edit_cancel_stops_all_that_computes(done: Visit) -> None:
    done.open("write")
    edit(done, q1="How much is one and one?")
    (first,) = still_open(done)
    claim(done)
    reload(done)
    done.open("write")
    edit(done, q2="How much is two and two?")
    assert done.studio.jobs.get(first.id).state == "cancelled"  # its question is in the second's
    (second,) = still_open(done)
    assert second.payload["questions"] == ["q1", "q2"]
    reload(done)
    done.open("overview")
    done.at.button(key="strip_cancel").click().run()
    assert still_open(done) == []
    assert "2 stale" in done.said
    done.open("sets")
    assert done.at.get("progress") == []


@pytest.mark.parametrize("place", [*PLACES, "sets"])
def test_every_page_cancels_the_whole_run_whoever_began_it(done: Visit, place: str) -> None:
    queue = done.studio.jobs
    payload = {"set": OWN, "checkpoints": [done.studio.catalogue.checkpoints[0].name], "num_fewshot": None}
    several = [queue.submit(start.KIND, payload, owner=owner) for owner in ("one", "another", "")]
    control = queue.submit(start.KIND, payload | {"set": "little"})
    done.open(place)
    buttons = [b for b in done.at.button if b.key and "cancel" in b.key]
    assert buttons
    button = next(b for b in buttons if b.key in ("strip_cancel", f"sets_cancel_{several[-1]}"))
    button.click().run()
    assert [queue.get(one).state for one in several] == ["cancelled"] * 3
    assert not queue.get(control).over


def test_after_a_cancelled_run_an_edit_runs_the_edited_question_where_results_are(done: Visit) -> None:
    """The rest of 240 results had begun again, at a priority that passed other people's runs."""
    collection.copy_set(done.studio.settings, "little", "fresh")
    studios.start_run(done.studio, OWN, done.studio.catalogue.checkpoints)
    authoring.add_questions(done.studio.settings, OWN, [studios.question(50, id="q50")])
    job = claim(done)
    work(done, job, 6)
    assert permissions.cancel_run(done.studio, job.id)
    done.open("write")
    edit(done, q1="How much is one and one?")
    (run,) = still_open(done)
    assert run.payload["questions"] == ["q1", "q50"]  # what was edited since that run was asked for
    done.studio.jobs.cancel(run.id)
    edit(done, q2="How much is two and two?")
    (run,) = still_open(done)
    assert run.payload["questions"] == ["q2"]
    assert len(run.payload["checkpoints"]) == 40


def test_after_a_first_run_that_was_cancelled_an_edit_stays_where_results_are(visit: Visit) -> None:
    collection.copy_set(visit.studio.settings, "little", OWN)
    visit.choose(OWN)
    studios.start_run(visit.studio, OWN, visit.studio.catalogue.checkpoints)
    job = claim(visit)
    work(visit, job, 5)
    permissions.cancel_run(visit.studio, job.id)
    visit.open("write")
    edit(visit, q1="How much is one and one?")
    (run,) = still_open(visit)
    assert run.payload["checkpoints"] == job.payload["checkpoints"][:5]
    assert len(run.payload["fleet"]) == 40
    assert run.payload["questions"] == ["q1"]
    work(visit, claim(visit))
    visit.studio.jobs.finish(visit.studio.jobs.get(run.id))
    visit.open("overview")
    assert "12% done" in visit.said  # 30 of 240 as before the edit: what was cancelled is not begun
    assert "strip_run" in [b.key for b in visit.at.button]
    visit.open("write")
    edit(visit, q3="How much is three and three?")
    (run,) = still_open(visit)
    assert (run.payload["questions"], len(run.payload["checkpoints"])) == (["q3"], 5)


def test_after_a_run_that_was_cancelled_before_its_first_result_an_edit_runs_nothing(visit: Visit) -> None:
    collection.copy_set(visit.studio.settings, "little", OWN)
    visit.choose(OWN)
    permissions.cancel_run(
        visit.studio, studios.start_run(visit.studio, OWN, visit.studio.catalogue.checkpoints)
    )
    visit.open("write")
    edit(visit, q1="How much is one and one?")
    assert still_open(visit) == []
    assert "Run this set first" in visit.said


def test_an_edit_amid_a_whole_run_goes_on_with_both(done: Visit) -> None:
    authoring.add_questions(done.studio.settings, OWN, [studios.question(50, id="q50")])
    studios.start_run(done.studio, OWN, done.studio.catalogue.checkpoints)
    claim(done)
    done.open("write")
    edit(done, q1="How much is one and one?")
    (run,) = still_open(done)
    assert "questions" not in run.payload
    assert run.priority == evaluate.SWEEP  # a long run passes nobody's for an edit
    assert len(run.payload["checkpoints"]) == 40


def beside(at: Visit, part: str) -> str:
    at.at.segmented_control(key="beside_part").set_value(part).run()
    assert not at.at.exception
    return at.said


def test_the_side_panel_shows_the_question_in_hand_and_nothing_while_it_is_closed(done, monkeypatch):
    run_once(done)
    asked: list[str] = []
    drawn_before = choice_curves.choice_frame
    monkeypatch.setattr(
        choice_curves, "choice_frame", lambda m, name: (asked.append(name), drawn_before(m, name))[1]
    )
    done.open("write")
    assert not [e for e in done.at.segmented_control if e.key == "beside_part"]
    done.at.toggle(key="beside_open").set_value(True).run()
    first = own(done).questions[0]
    assert f"**{first.id}** · {first.question}" in done.said
    assert "margin **" in done.said
    assert not asked, "only the chosen part is computed"
    assert "the models favour" in beside(done, "Choices")
    assert asked == [first.id]
    beside(done, "Prompt")
    assert any(first.question in code.value for code in done.at.code)
    assert "Not changed" in beside(done, "History")
    done.edit({0: {"question": "How much is one and one?"}})
    compute(done)
    done.at.run()
    assert "How much is one and one?" in beside(done, "History")
    assert f"**question**: {first.question} → How much is one and one?" in done.said
    assert "No note" in beside(done, "Notes")
    done.at.session_state["card_id"] = "q3"  # as the table says
    done.at.run()
    third = own(done).questions[2]
    assert f"**{third.id}** · {third.question}" in done.said


def test_in_a_narrow_window_the_side_panel_stands_below_the_table(done, monkeypatch):
    monkeypatch.setattr(viewport, "is_narrow", lambda: True)
    done.open("write")
    done.at.segmented_control(key="author_view").set_value("Table").run()
    done.at.toggle(key="beside_open").set_value(True).run()
    assert not done.at.exception
    done.at.selectbox(key="beside_part").set_value("Notes").run()
    assert "No note" in done.said
