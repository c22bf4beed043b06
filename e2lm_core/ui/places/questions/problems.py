"""Tab Problems: one problem at a time with its question, what fixes it, and the list of all; judgements.

Tested in tests/pages/test_problems.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from e2lm_core.analysis.questions import problems as question_problems
from e2lm_core.analysis.questions.problems import Problem
from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets import authoring, locks
from e2lm_core.sets.editing import bulk_edit, ignored_problems
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.app.status_bar import shown_results
from e2lm_core.ui.base import language, markdown, urls, viewport
from e2lm_core.ui.cache import questions as remembered
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import card, last_edit, live_results, question_view
from e2lm_core.ui.editor.drafts import forms
from e2lm_core.ui.places.questions import judgements

_SHOWN, _FIXING, _FIXED = "problem_shown", "problem_fixing", "problem_fixed"  # keys of the session state
PROBLEMS, JUDGEMENTS = language.mark("Problems"), language.mark("Judgements")  # views of the tab
MAX_IGNORED_SHOWN = 50


def problems_tab(task: TaskSet) -> None:
    """Draw the tab: the problem in hand, and all problems as a table."""
    if not task.questions:
        widgets.headline("This set has no questions yet.")
        widgets.write_first()
    head = st.container()
    if _view() == JUDGEMENTS:
        judgements.judgements_view(task, head)
        return
    here = shown_results(task)
    found = remembered.problems(task, here)
    gone = set(ignored_problems.ignored_problems(session.studio().settings, task.address))
    left = [problem for problem in found if problem.key not in gone]
    ignored = [problem for problem in found if problem.key in gone]
    with head:
        widgets.headline(question_problems.headline(left, len(ignored)))
    forms.show_queued()
    is_fixed = st.session_state.get(_FIXED) == task.address
    above = st.container()
    shown = _kind(left)
    if shown:
        at = _place(shown)
        if is_fixed and not viewport.is_narrow():
            one, effect = st.columns([3, 2], gap="medium")
        else:
            effect, one = above, st.container()  # on a phone in sight without scrolling
        if is_fixed:
            with effect:
                live_results.edit_effect_line(task)
        with one:
            _problem(task, shown, at)
        _form(task, shown[at])
        _table(task, shown, at)
    elif is_fixed:
        live_results.edit_effect_line(task)
    if not here.measurements.complete_pairs:
        markdown.caption(question_problems.CHECKS_ALONE)
    elif any(problem.title not in ("Error", "Warning") for problem in left):
        markdown.caption("What models say are hints, not verdicts: the models may all be wrong.")
    if ignored:
        _ignored(task, ignored)


def _view() -> str:
    """Draw the choice between the list of problems and the judgements; the chosen one."""
    if st.session_state.get("problems_view") not in (PROBLEMS, JUDGEMENTS):
        st.session_state["problems_view"] = PROBLEMS
    return str(
        st.segmented_control(
            language.translate("View"),
            [PROBLEMS, JUDGEMENTS],
            required=True,
            format_func=lambda view: markdown.escape(language.translate(view)),
            label_visibility="collapsed",
            key="problems_view",
            persist_state="session",
        )
    )


def _kind(left: Sequence[Problem]) -> list[Problem]:
    """Draw the choice of a kind of problem if there are several; the problems of that kind."""
    counts = Counter(problem.title for problem in left)
    if len(counts) < 2:
        return list(left)
    kind = st.selectbox(
        language.translate("Show"),
        ["", *counts],
        format_func=lambda title: _kind_label(title, counts[title] if title else len(left)),
        key="problems_kind",
        width=320,
    )
    return [problem for problem in left if kind not in counts or problem.title == kind]


def _kind_label(title: str, number: int) -> str:
    """Name of a kind of problems with their number; "" is all kinds."""
    kind = language.translate(title) if title else language.translate("all kinds")
    return f"{kind} ({language.whole_number(number)})"


def _place(left: Sequence[Problem]) -> int:
    """Index of the problem in hand; the one that took its place if it was dealt with."""
    key, at = st.session_state.get(_SHOWN, ("", 0))
    at = next((n for n, problem in enumerate(left) if problem.key == key), min(at, len(left) - 1))
    st.session_state[_SHOWN] = (left[at].key, at)
    return at


def _show(left: Sequence[Problem], at: int) -> None:
    st.session_state[_SHOWN] = (left[at].key, at)


def _problem(task: TaskSet, left: Sequence[Problem], at: int) -> None:
    problem = left[at]
    question = next((q for q in task.questions if q.id == problem.question_id), None)
    with st.container(border=True, key="problem"):
        markdown.markdown(
            markdown.fill_template(
                "{number} of {all} · **{title}**",
                number=at + 1,
                all=language.whole_number(len(left)),
                title=language.translate(problem.title),
            )
        )
        markdown.markdown(markdown.escape(problem.reason))
        if question is not None:
            question_view.show_question(question, with_link=False)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            urls.link("write", question_view.OPEN, question_view.ICON, problem.question_id)
            if problem.fix is not None and not session.is_example(task.address):
                st.button(
                    markdown.escape(_fix_label(problem)),
                    key="problem_fix",
                    type="primary",
                    icon=":material/build:",
                    on_click=_fix,
                    args=(task, problem),
                )
            st.button(
                language.translate("Ignore"),
                key="problem_ignore",
                icon=":material/visibility_off:",
                on_click=_ignore,
                args=(task, problem),
            )
            st.button(
                language.translate("Back"),
                key="problem_back",
                icon=":material/chevron_left:",
                disabled=not at,
                on_click=_show,
                args=(left, at - 1),
            )
            last = at == len(left) - 1
            st.button(
                language.translate("Next"),
                key="problem_next",
                icon=":material/chevron_right:",
                disabled=last,
                on_click=_show,
                args=(left, min(at + 1, len(left) - 1)),
            )


def _form(task: TaskSet, problem: Problem) -> None:
    """Draw the form of the question in hand once *Fix* has asked for it."""
    question = next((q for q in task.questions if q.id == problem.question_id), None)
    if question is not None and st.session_state.get(_FIXING) == problem.key:
        card.question_form(task, question)


def _fix_label(problem: Problem) -> str:
    if problem.fix == "mark" and problem.mark is not None:
        return language.translate(
            "Fix: mark {letter} as right", letter=formatting.choice_letter(problem.mark)
        )
    if problem.fix == "delete":
        return language.translate("Fix: delete it")
    if problem.fix == "trim":
        return language.translate("Fix: remove the blanks")
    return (
        language.translate("Fix: balance the answers")
        if problem.fix == "balance"
        else language.translate("Fix")
    )


def _fix(task: TaskSet, problem: Problem) -> None:
    """Fix a problem in one step, or open the form of its question."""
    st.session_state[_FIXED] = task.address
    if problem.fix == "edit":
        st.session_state[_FIXING] = problem.key
        return
    settings, name = session.studio().settings, task.address
    try:
        with locks.lock_set(settings, name):
            _require_as_shown(task, problem)
            if problem.fix == "balance":
                fixed = bulk_edit.balance(settings, name, [question.id for question in task.questions])
            elif problem.fix == "delete":
                fixed = authoring.delete_questions(settings, name, [str(problem.question_id)])
            else:
                fields = {"answer": problem.mark} if problem.fix == "mark" else _trimmed(task, problem)
                fixed = authoring.update_questions(settings, name, {str(problem.question_id): fields})
    except StudioError as error:
        forms.queue_error(error)
        return
    last_edit.forget_last_edit()
    last_edit.after_save(fixed)


def _trimmed(task: TaskSet, problem: Problem) -> dict[str, Any]:
    choices = next(q.choices for q in task.questions if q.id == problem.question_id)
    return {"choices": tuple(map(str.strip, choices))}


def _require_as_shown(task: TaskSet, problem: Problem) -> None:
    """Refuse a fix of a question that was changed since the page showed it.

    Raises:
        TaskError: It was changed or deleted.
    """
    now = session.read_set(task.address)
    edited = question_problems.edited_questions(task.questions, now.questions)
    if problem.question_id in edited:
        raise TaskError(
            Sentence(
                "Question {id} was changed after the list showed it: look again first.",
                id=problem.question_id,
            )
        )


def _ignore(task: TaskSet, problem: Problem) -> None:
    _remember(
        partial(ignored_problems.ignore_problems, session.studio().settings, task.address, (problem.key,))
    )


def _remember(save: partial[None]) -> None:
    try:
        save()
    except StudioError as error:
        forms.queue_error(error)


def _table(task: TaskSet, left: Sequence[Problem], at: int) -> None:
    """Draw all problems: a selected row is taken in hand, several are changed together."""
    by_id = {question.id: question for question in task.questions}
    questions = [by_id.get(problem.question_id or "") for problem in left]
    frame = pd.DataFrame(
        {
            "problem": [problem.title for problem in left],
            "question": ["" if q is None else q.question for q in questions],
            "choices": ["" if q is None else question_problems.lettered_choices(q) for q in questions],
            "reason": [problem.reason for problem in left],
        }
    )
    shown = frame.assign(
        problem=[language.translate(problem.title) for problem in left],
        choices=[
            "" if q is None else language.translate(question_problems.lettered_choices(q)) for q in questions
        ],
        reason=[language.translate(problem.reason) for problem in left],
    )
    picked = st.dataframe(
        shown,
        hide_index=True,
        height=300 if len(left) > 7 else "auto",
        on_select="rerun",
        selection_mode="multi-row",
        key=f"problems_table_{task.address}_{hash(tuple(problem.key for problem in left))}",
        column_order=("problem", "question") if viewport.is_narrow() else None,
        column_config={
            "problem": language.translate("problem"),
            "question": language.translate("question"),
            "choices": language.translate("choices"),
            "reason": language.translate("reason"),
        },
    )
    rows = list(picked.selection.rows)
    if len(rows) == 1 and rows[0] != at and st.session_state.get("problem_row") != rows:
        st.session_state["problem_row"] = rows
        _show(left, rows[0])
        st.rerun()
    st.session_state["problem_row"] = rows
    if len(rows) > 1:
        chosen = [left[row] for row in rows]
        models = list({c.model.name: c.model for c in results.fleet(task).checkpoints}.values())
        question_view.show_selected(
            task, [p.question_id for p in chosen if p.question_id], "problems", models
        )
        keys = tuple(problem.key for problem in chosen)
        st.button(
            markdown.fill_template("Ignore these {number}", number=len(keys)),
            key="problems_ignore",
            on_click=_remember,
            args=(partial(ignored_problems.ignore_problems, session.studio().settings, task.address, keys),),
        )
    widgets.csv_button(lambda: frame, f"{task.name}-problems.csv", "problems")


def _ignored(task: TaskSet, ignored: Sequence[Problem]) -> None:
    with st.expander(
        markdown.fill_count("Ignored: {number} problem", "Ignored: {number} problems", len(ignored)),
        icon=":material/visibility_off:",
    ):
        again = partial(ignored_problems.show_problems_again, session.studio().settings, task.address)
        for problem in ignored[:MAX_IGNORED_SHOWN]:
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                of = f" ({problem.question_id})" if problem.question_id else ""
                markdown.markdown(
                    markdown.fill_template(
                        "**{title}**{of}: {reason}",
                        title=language.translate(problem.title),
                        of=of,
                        reason=problem.reason,
                    ),
                    width="stretch",
                )
                st.button(
                    language.translate("Show again"),
                    key=f"problem_again_{problem.key}",
                    on_click=_remember,
                    args=(partial(again, (problem.key,)),),
                )
        if len(ignored) > 1:
            st.button(
                language.translate("Show all again"),
                key="problem_again",
                on_click=_remember,
                args=(partial(again, tuple(p.key for p in ignored)),),
            )
