"""Alternatives as an author tries them, over real results of small Llamas."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from e2lm_core.runs import worker
from e2lm_core.sets import collection
from tests.support.visits import OWN, Visit


def with_worker(visit: Visit, act: Callable[[], Any]) -> None:
    """Do something while a worker computes what it queues."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            if job := visit.studio.jobs.claim("test", 60):
                worker.run_job(visit.studio, job)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        act()
    finally:
        over.set()
        thread.join()


def test_nothing_runs_unasked_and_a_click_takes_a_text(done: Visit) -> None:
    at = done.open("alternatives")
    assert "Try other texts in place of a wrong answer" in done.said
    assert not done.studio.jobs.open_jobs()
    assert not at.dataframe
    before = collection.open_set(done.studio.settings, OWN).questions[0]
    at.text_area(key="alternatives_own").set_value("seven\nnine").run()
    with_worker(done, lambda: done.click("Try other choices"))
    shown = at.dataframe[0].value
    assert {"seven", "nine"} < set(shown["proposal"])
    assert "These are proposals" in done.said
    take = next(b for b in at.button if b.label.startswith("Take "))
    text = take.label.removeprefix("Take ").replace("\\", "")
    take.click().run()
    assert not at.exception
    after = collection.open_set(done.studio.settings, OWN).questions[0]
    assert text in after.choices
    assert text not in before.choices
    assert not at.dataframe, "they were of the question before"
    done.click("Undo")
    assert collection.open_set(done.studio.settings, OWN).questions[0] == before


def test_another_choice_is_another_trial(done: Visit) -> None:
    at = done.open("alternatives")
    with_worker(done, lambda: done.click("Try other choices"))
    assert at.dataframe
    at.selectbox(key="alternatives_question").set_value("q2").run()
    assert not at.exception
    assert not at.dataframe
    assert at.session_state["card_id"] == "q2"


def test_an_example_can_be_tried_and_not_changed(done: Visit) -> None:
    done.choose("little")
    at = done.open("alternatives")
    with_worker(done, lambda: done.click("Try other choices"))
    assert at.dataframe
    assert not [b for b in at.button if b.label.startswith("Take ")]
    assert "copy the set" in done.said


def test_without_results_the_tab_says_what_to_do(visit: Visit) -> None:
    visit.open("alternatives")
    assert "No results for single questions yet" in visit.said


def test_other_orders_are_tried_on_demand(done: Visit) -> None:
    at = done.open("alternatives")
    at.segmented_control(key="alternatives_view").set_value("Order of choices").run()
    assert "their order does not change what a model reads" in done.said
    assert not done.studio.jobs.open_jobs()
    with_worker(done, lambda: done.click("Try other orders as A–D letters"))
    assert "moves the accuracy by" in done.said
    assert "questions hang on the place" in done.said
    assert list(at.dataframe[0].value["place"]) == ["A", "B", "C", "D"]


def test_formats_are_tried_on_demand_and_one_is_used_in_one_step(done: Visit) -> None:
    at = done.open("alternatives")
    at.segmented_control(key="alternatives_view").set_value("Question format").run()
    assert not done.studio.jobs.open_jobs()
    with_worker(done, lambda: done.click("Try these formats"))
    shown = at.dataframe[0].value
    assert list(shown["format"]) == ["cloze (as it stands), 0-shot", "letters, 0-shot", "ending, 0-shot"]
    assert "side by side" in done.said
    at.selectbox(key="forms_use").set_value("letters, 0-shot").run()
    done.click("Use this form")
    assert collection.open_set(done.studio.settings, OWN).config.style == "letters"
    done.click("Undo")
    assert collection.open_set(done.studio.settings, OWN).config.style == "cloze"
