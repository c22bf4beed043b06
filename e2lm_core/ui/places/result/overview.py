"""Tab Overview.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables, validity
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.curves import messages as curve_words
from e2lm_core.analysis.questions.suspects import messages as suspect_words
from e2lm_core.analysis.score import messages as score_words
from e2lm_core.analysis.score.all_right import AllRight
from e2lm_core.base import formatting
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import joined
from e2lm_core.runs import state as run_state
from e2lm_core.runs.messages import overview
from e2lm_core.scores import trends
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import Scores
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.app import doors, svg_chart, widgets
from e2lm_core.ui.base import language, markdown, page_cache, urls
from e2lm_core.ui.cache import element_replay, questions, results

PICTURE = language.mark("Accuracy while the models read")


def first_run_card(task: TaskSet) -> None:
    """Draw the cost of a first run and the button that starts it, or the doors of a set that cannot be known."""
    studio = session.studio()
    checkpoints, num_fewshot = run_state.fleet_of_set(studio, task.address).run_arguments
    models = {c.model.name for c in checkpoints}
    run = language.translate_count("Run {number} model", "Run {number} models", len(models))
    found = results.doors(task)
    if found is not None and found.first == "door":
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            doors.first_door(found, "overview_door")
            if st.button(
                markdown.fill_template("{run} anyway", run=run), key="overview_run", type="tertiary"
            ):
                run_launcher.queue_run(task)
        return
    cost = run_state.estimate(studio, task, checkpoints, num_fewshot)
    time = f", {formatting.duration(cost.seconds)}" if cost.seconds else ""
    number = language.translate_count("{number} checkpoint", "{number} checkpoints", len(checkpoints))
    widgets.empty_state(
        language.translate_count(
            "{number} model with {checkpoints} is ready{time}. First results appear after a few seconds.",
            "{number} models with {checkpoints} are ready{time}. First results appear after a few seconds.",
            len(models),
            checkpoints=number,
            time=time,
        )
    )
    if st.button(
        markdown.escape(run), key="overview_first_run", type="primary", icon=":material/play_arrow:"
    ):
        run_launcher.queue_run(task)


def wording_sentences(task: TaskSet, measurements: Measurements) -> None:
    """Draw what the wording control says of the set; nothing if it was not run. Its verdict is the headline."""
    controlled = questions.control(task, measurements)
    for sentence in suspect_words.wording_sentences(controlled) if controlled else ():
        if sentence != suspect_words.cue_sentence(controlled):
            markdown.caption(markdown.unmarked(sentence))


def score_cards(task: TaskSet, is_running: bool) -> None:
    """Draw the score cards and the chart, from the first result on; redrawn while a run goes on."""
    st.fragment(_headlines, run_every=widgets.run_poll_interval(task))(task, is_running)


def _headlines(task: TaskSet, is_running: bool) -> None:
    now = results.live(task).measurements
    if not now.complete_checkpoints and not is_running:
        return
    frame, before = results.curves(task, now, "acc")
    found = results.answer(Answers.all_right, now)
    if (sentence := score_words.all_right_sentence(found)) is None:
        element_replay.once(
            ("overview", now, frame, before, results.reading()), lambda: _drawn(now, frame, before)
        )
        _numbers(frame)
        return
    element_replay.once(("overview cards", now, results.reading()), lambda: _cards(now))
    accuracy, groups = st.tabs((language.translate(PICTURE), language.translate(score_words.ALL_RIGHT)))
    with accuracy:
        element_replay.once(("overview picture", now, frame, before), lambda: _picture(now, frame, before))
    with groups:
        element_replay.once(("overview groups", now, found), lambda: _all_right(now, found, sentence))
    _numbers(frame, found)


def _drawn(now: Measurements, frame: pd.DataFrame, before: pd.DataFrame | None) -> None:
    _cards(now)
    if now.has_curve:
        st.header(language.translate(PICTURE), anchor=False)
    _picture(now, frame, before)


def static_preview(task: TaskSet) -> None:
    """Draw the accuracy curves of a complete set for the home page.

    Without the chart script, which is half of the bytes of a first visit.
    """
    now = results.measurements(task)
    # Computed in this process, as the worker process may still be starting: without intervals it takes next
    # to no time.
    frame = page_cache.get_or_compute("first curves", (now,), lambda: tables.curve_frame(now, ("acc",)))
    rise = markdown.unmarked(curve_words.rise_sentence(now, "acc", with_twins=False))
    st.header(language.translate(PICTURE), anchor=False)
    svg_chart.draw_curves(now, frame, rise)
    markdown.caption(rise)
    urls.link("accuracy", "Explore the curves", ":material/show_chart:")
    _numbers(frame)


def _numbers(frame: pd.DataFrame, found: AllRight | None = None) -> None:
    """Draw the points as a table, for readers who cannot use the picture, and all of a group right by model."""
    # The table is made when it is opened: the script of tables is half a megabyte, which would delay the
    # first picture.
    with st.expander(language.translate("The numbers"), icon=":material/table:", on_change="rerun") as box:
        if box.open:
            widgets.table(
                lambda: frame.dropna(subset=["value"]),
                "accuracy",
                "overview_values",
                height=320,
                phone_columns=("model", "tokens_seen", "value"),
                percent=("value",),
                inputs=(frame,),
            )
            if found is not None:
                _all_right_numbers(found)


def _all_right(now: Measurements, found: AllRight, sentence: str) -> None:
    """Draw the share of groups that are all right, against tokens seen."""
    if not now.has_curve:
        markdown.markdown(joined((sentence, score_words.ALL_RIGHT_PROVES)))
        return
    alt = language.translate(
        "Share of groups of which each model has every question right, against tokens seen"
    )
    title = language.translate(score_words.ALL_RIGHT)
    title = title[:1].lower() + title[1:]
    lines = found.curves.drop(columns=["low", "high"])  # as above it: bands of twenty models hide each other
    widgets.curve_chart(now, lines, "acc", "overview_all_right", alt, found.chance, height=360, title=title)
    markdown.caption(markdown.unmarked(joined((sentence, score_words.ALL_RIGHT_PROVES))))


def _all_right_numbers(found: AllRight) -> None:
    """Draw all of a group right at the end, by model, beside random answers."""
    markdown.markdown(markdown.fill_template("**{title}**", title=score_words.ALL_RIGHT))
    markdown.caption(score_words.ALL_RIGHT_HELP)
    widgets.table(
        found.end_frame,
        "all-right",
        "overview_all_right",
        phone_columns=("model", "value", "low", "high"),
        percent=("value", "low", "high", "random", "random 95%"),
        column_config={"p": st.column_config.NumberColumn(format="%.3f")},
        inputs=(found,),
    )


def _picture(now: Measurements, frame: pd.DataFrame, before: pd.DataFrame | None) -> None:
    if not now.has_curve:
        markdown.markdown(curve_words.rise_sentence(now, "acc"))
        return
    alt = language.translate("Accuracy of each model against tokens seen")
    widgets.curve_chart(now, frame, "acc", "overview_curves", alt, now.chance, before, height=360)
    with_order = results.silence_reason(now, results.scores(now, "acc")) is None
    rise = curve_words.rise_sentence(now, "acc", with_twins=False, with_order=with_order)
    markdown.caption(markdown.unmarked(rise))


def _cards(now: Measurements) -> None:
    scores, course = results.scores(now, "acc"), trends.score_courses(now, "acc", results.reading())
    silent = results.silence_reason(now, scores) is not None
    with st.grid(4, min_column_width=150):
        widgets.score_card("Score", scores.score, silent=silent)
        widgets.score_card("SQ", scores.sq, course.get("SQ"), silent)
        widgets.score_card("RC", scores.rc, course.get("RC"), silent, scores.is_rc_by_design)
        widgets.score_card("CS", scores.cs, course.get("CS"), silent)
    widgets.seed_spread(scores)
    widgets.how_computed(
        language.translate(
            "On accuracy; Score is 0.5 SQ + 0.1 RC + 0.4 CS, RC: {reading} (chosen under Score). Small curves: SQ, the "
            "models' mean; RC, the agreement at each later checkpoint; CS, the science models less their twins. In the "
            "chart thin lines are further seeds of the model whose colour they have.",
            reading=language.translate(readings.LABELS[scores.rc_reading]),
        )
    )


def next_steps(
    task: TaskSet, state: run_state.SetState, scores: Scores | None, measurements: Measurements | None
) -> None:
    """Draw the next steps, each with a link to its view.

    Args:
        task: The set.
        state: Its run state.
        scores: Its scores; None without complete results.
        measurements: Its results; None without questions.
    """
    errors = [finding for finding in results.findings(task) if finding.severity == "error"]
    running = state.kind == "running"
    silent = validity.no_advice_reason(measurements, scores, running) if measurements and scores else None
    steps = overview.next_steps(
        state,
        scores,
        len(errors),
        session.is_example(task.address),
        silent,
        results.doors(task),
        measurements.short_names if measurements else None,
        is_shared=task.owner is not None,
    )
    if not steps:
        return
    st.header(language.translate("What to do next"), anchor=False)
    for step in steps:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            urls.link(step.view, step.action, ":material/arrow_forward:")
            markdown.markdown(
                markdown.fill_template(
                    ":gray[{sentence}]", sentence=markdown.safe_sentence(language.translate(step.sentence))
                ),
                width="content",
            )
