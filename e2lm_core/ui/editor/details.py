"""Side panel of the question table: curves, choices, prompt, history and notes of the selected question.

It is drawn only while it is open, and only the chosen part is computed. A change of the question in hand redraws the
panel alone.

Tested in tests/pages/test_live.py and tests/pages/writing/test_beside.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime

import streamlit as st

from e2lm_core.analysis.questions import choice_curves
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.export.picture import choices as choices_picture
from e2lm_core.sets.history import field_diff
from e2lm_core.ui import session
from e2lm_core.ui.app import svg_chart
from e2lm_core.ui.base import language, markdown, page_cache, urls, viewport
from e2lm_core.ui.cache import process_pool, results
from e2lm_core.ui.cache import scores as remembered
from e2lm_core.ui.editor import live_results, prompt_preview, question_view, table_notes, version_words
from e2lm_core.ui.editor.drafts import forms

OPEN, PART = "beside_open", "beside_part"  # keys of the session state
CHART_PX = 220
MAX_VERSIONS = 30  # latest versions among which the changes of a question are looked for


def panel_switch() -> None:
    """Draw the switch that opens the panel."""
    st.toggle(
        language.translate("Side panel"),
        key=OPEN,
        persist_state="session",
        help=language.translate("Curves, choices, prompt, history and notes of the selected question."),
    )


def with_panel(task: TaskSet, draw_table: Callable[[], None]) -> None:
    """Draw the table, and if it is open the panel: beside it in a wide window, below it in a narrow one."""
    if not st.session_state.get(OPEN) or not task.questions:
        draw_table()
        return
    if viewport.is_narrow():
        with st.container(key="above_panel"):  # the style makes the table lower there
            draw_table()
        _panel(task)
        return
    left, right = st.columns([5, 3], gap="medium")
    with left:
        draw_table()
    with right:
        _panel(task)


@st.fragment
def _panel(task: TaskSet) -> None:
    shown = st.session_state.get(urls.HELD["question"])
    question = next((q for q in task.questions if q.id == shown), task.questions[0])
    table_notes.follow_hand(task, question.id, _take_in_hand)
    with st.container(border=True, key="beside", height="content" if viewport.is_narrow() else 600):
        markdown.caption(markdown.fill_template("**{id}** · {text}", id=question.id, text=question.question))
        part = _part()
        _PARTS[part](task, question)


def _part() -> str:
    """Draw the choice of the panel's part: a list in a narrow window, where buttons would take two lines."""
    if viewport.is_narrow():
        return st.selectbox(
            language.translate("Part"),
            list(_PARTS),
            key=PART,
            format_func=lambda part: markdown.escape(language.translate(part)),
            persist_state="session",
            label_visibility="collapsed",
        )
    return st.segmented_control(
        language.translate("Part"),
        list(_PARTS),
        default=next(iter(_PARTS)),
        required=True,
        key=PART,
        format_func=lambda part: markdown.escape(language.translate(part)),
        persist_state="session",
        label_visibility="collapsed",
    )


def _take_in_hand() -> None:
    told = getattr(st.session_state.get("table_hand"), "hand", None)
    if told:
        st.session_state[urls.HELD["question"]] = str(told)


def _choices(task: TaskSet, question: Question) -> None:
    measurements = results.measurements(task)
    if not measurements.complete_pairs:
        st.caption(language.translate("This question has no results yet: run the set on Models and runs."))
        return
    frame = choice_curves.choice_frame(measurements, question.id)
    said = choice_curves.favourites_sentence(frame, question)
    if not said:
        st.caption(
            language.translate("This question has no results yet: its run goes on, or Run again starts one.")
        )
        return
    theme = session.current_theme().name
    drawn = page_cache.get_or_compute(
        "picture of choices",
        (measurements, question.id, theme),
        lambda: process_pool.edits(choices_picture.choices_chart, measurements, question.id, theme),
    )
    svg_chart.show_svg("beside_choices", [drawn])
    markdown.caption(markdown.escape(said))
    question_view.show_choices(question)


def _curves(task: TaskSet, question: Question) -> None:
    live_results.question_results(task, question, CHART_PX)


def _prompt(task: TaskSet, question: Question) -> None:
    prompt_preview.show_prompt(task, question)


def _history(task: TaskSet, question: Question) -> None:
    """Draw the changes of a question among the latest versions, newest first."""
    if session.is_example(task.address):
        st.caption(language.translate("Examples have no history."))
        return
    kept = session.versions_of_set(task.address)[-MAX_VERSIONS - 1 :]
    states = []
    for version in kept:
        try:
            of = remembered.version(task.address, version.number)
        except StudioError:
            continue  # it is damaged, which History says
        states.append((version, next((q for q in of.questions if q.id == question.id), None)))
    changes = 0
    for (_, before), (version, after) in reversed(list(itertools.pairwise(states))):
        if before == after:
            continue
        changes += 1
        at = forms.clock(datetime.fromisoformat(version.at).timestamp())
        markdown.caption(
            markdown.fill_template(
                "{at} · {action}", at=at, action=version_words.action_words(version.action)
            )
        )
        for one in _differences(task, before, after):
            field = language.translate(one.field or "question")
            texts = {"field": field, "before": one.before or "–", "after": one.after or "–"}
            markdown.markdown(markdown.fill_template("**{field}**: {before} → {after}", **texts))
    if not changes:
        st.caption(markdown.fill_template("Not changed in the latest {number} versions.", number=len(kept)))


def _differences(
    task: TaskSet, before: Question | None, after: Question | None
) -> list[field_diff.Difference]:
    was, now = (
        task.model_copy(update={"questions": () if one is None else (one,), "dev": ()})
        for one in (before, after)
    )
    return field_diff.differences(was, now)


def _notes(_: TaskSet, question: Question) -> None:
    markdown.markdown(
        markdown.escape(question.note or language.translate("No note. The row's menu ⋮ adds one."))
    )
    known = {
        language.translate("Subject"): question.subject,
        language.translate("Source"): question.source,
        language.translate("Group"): question.group,
    }
    for name, value in known.items():
        if value:
            markdown.caption(markdown.fill_template("{name}: {value}", name=name, value=value))


_PARTS: dict[str, Callable[[TaskSet, Question], None]] = {
    language.mark("Curves"): _curves,
    language.mark("Choices"): _choices,
    language.mark("Prompt"): _prompt,
    language.mark("History"): _history,
    language.mark("Notes"): _notes,
}
