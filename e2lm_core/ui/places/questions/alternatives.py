"""Tab Alternatives: other wrong answers, orders of choices and question formats, tried on the models.

Tested in tests/pages/test_alternatives.py.
"""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.analysis import tables
from e2lm_core.analysis.alternatives.distractors import TriedChoices
from e2lm_core.analysis.alternatives.messages import choices as messages
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.runs.trials import choices as service
from e2lm_core.runs.trials.choices import ChoiceTrial
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import last_edit, toolbar, trial_jobs
from e2lm_core.ui.places.questions import form_trial, order_trial, proposals

WRONG, ORDER = language.mark("Wrong answers"), language.mark("Order of choices")
FORM = language.mark("Question format")
MODEL = language.mark("Ask a model")
VIEWS = (WRONG, ORDER, FORM)
MAX_BUTTONS = 5
LINES_HELP = language.mark("One a line, at most 20. They are tried beside the set's own answers.")
_KEY = "choices"


def alternatives_tab(task: TaskSet, has_results: bool) -> None:
    """Draw the tab: what else could be asked, and what the models do with it. Nothing is run unasked.

    Args:
        task: The set.
        has_results: Whether the set was run, which tells grown models from others.
    """
    head = st.container()
    view = st.segmented_control(
        language.translate("What to try"),
        (*VIEWS, MODEL) if proposals.is_offered() else VIEWS,
        default=VIEWS[0],
        required=True,
        key="alternatives_view",
        format_func=lambda view: markdown.escape(language.translate(view)),
        label_visibility="collapsed",
        persist_state="session",
    )
    if view == ORDER:
        order_trial.order_panel(task, head)
    elif view == FORM:
        form_trial.form_panel(task, head)
    elif view == MODEL:
        proposals.proposals_panel(task, head, _question)
    elif has_results:
        _wrong_answers(task, head)
    else:
        with head:
            widgets.headline("No results for single questions yet.")
        widgets.run_first("Run this set, and other choices of its questions can be tried here.", task)


def _wrong_answers(task: TaskSet, head: DeltaGenerator) -> None:
    question, place = _choice(task)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        clicked = st.button(
            language.translate("Try other choices"),
            type="primary",
            icon=":material/science:",
            key="alternatives_try",
        )
        with st.popover(language.translate("Texts of my own"), icon=":material/edit:"):
            own = st.text_area(
                language.translate("Your own texts"),
                key="alternatives_own",
                height=160,
                help=language.translate(LINES_HELP),
            )
        proposed = proposals.distractors_popover(task, question, place)
        if not session.is_example(task.address):
            toolbar.undo_redo_buttons(task.address)
    lines = tuple((own or "").splitlines())
    fleet = results.fleet(task)
    of = (task.digest, question.id, place, lines, tuple(proposed), fleet.digest)
    found: TriedChoices | None = None
    try:
        if clicked or trial_jobs.is_kept(_KEY, of):
            planned = service.plan_choice_trial(
                session.studio(),
                task,
                question.id,
                place,
                *fleet.run_arguments,
                lines,
                proposed=proposed,
                from_wordnet=True,
            )
            if clicked:
                trial_jobs.start(task, planned.trial, *fleet.run_arguments, _KEY, of)
            found = trial_jobs.results(_KEY, of, lambda: planned.trial, partial(_judged, task, planned))
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
    with head:
        widgets.headline(
            messages.headline(found)
            if found
            else "Try other texts in place of a wrong answer, on all models of the set's model group."
        )
    if found is not None:
        _proposals(task, question, found, proposed)
    widgets.how_computed(*messages.HOW, messages.NOTHING_STORED)


def _judged(task: TaskSet, planned: ChoiceTrial, _: object) -> TriedChoices:
    return service.judge_choice_trial(planned, service.final_accuracy(results.measurements(task)))


def _choice(task: TaskSet) -> tuple[Question, int]:
    """The question and the index of one of its wrong answers, with the controls that select them."""
    question = _question(task)
    wrong = [index for index in range(len(question.choices)) if index != question.answer]
    place = st.segmented_control(
        language.translate("Wrong answer to replace"),
        wrong,
        default=wrong[0],
        required=True,
        format_func=lambda index: markdown.escape(f"{messages.LETTERS[index]}: {question.choices[index]}"),
        key=f"alternatives_choice_{question.id}",
    )
    return question, int(wrong[0] if place is None else place)


def _question(task: TaskSet) -> Question:
    """The question in hand, with the control that selects it."""
    ids = [q.id for q in task.questions]
    selected = st.session_state.get(urls.HELD["question"])
    at = ids.index(selected) if selected in ids else 0
    widgets.selector(
        language.translate("Question"),
        ids,
        ids[at],
        _select,
        key="alternatives_question",
        format_func=lambda i: language.translate(
            "{number} of {all} · {id}", number=ids.index(i) + 1, all=len(ids), id=i
        ),
        label_visibility="visible",
        width=360,
    )
    question = task.questions[at]
    right = f"{messages.LETTERS[question.answer]}: {question.choices[question.answer]}"
    markdown.markdown(
        markdown.fill_template(
            "**{question}** The right answer is {right}.", question=question.question, right=right
        )
    )
    return question


def _select(identity: str) -> None:
    st.session_state[urls.HELD["question"]] = identity


def _proposals(task: TaskSet, question: Question, found: TriedChoices, proposed: dict[str, str]) -> None:
    """Draw the buttons that take a text, and the evidence as a table."""
    if sentence := messages.control_sentence(found):
        markdown.markdown(sentence)
    markdown.caption(messages.THESE_ARE_PROPOSALS)
    offered = [one for one in found.tried if not one.objections][:MAX_BUTTONS]
    if session.is_example(task.address):
        markdown.caption("An example stays as it is: copy the set to take one.")
        toolbar.copy_popover(task.address)
    else:
        with st.container(horizontal=True, gap="small"):
            for number, one in enumerate(offered):
                if st.button(
                    markdown.fill_template("Take {text}", text=one.text), key=f"alternatives_take_{number}"
                ):
                    widgets.perform_action(
                        partial(_take, task, question, found.place, one.text, proposed),
                        partial(trial_jobs.forget, _KEY),
                    )
    widgets.table(
        tables.sentence_table(messages.rows(found), messages.COLUMNS),
        f"alternatives-{question.id}",
        "alternatives",
        phone_columns=("proposal", "judged", "gain"),
        percent=messages.SHARES,
        column_config={
            name: st.column_config.NumberColumn(
                name,
                format="%.1f%%" if name in messages.SHARES else "%+.3f",
                help=markdown.escape(language.translate(text)),
            )
            for name, text in messages.HELP.items()
            if name != "against"
        }
        | {
            "against": st.column_config.TextColumn(
                language.translate("against"),
                help=language.translate(messages.HELP["against"]),
                width="large",
            )
        },
    )


def _take(task: TaskSet, question: Question, place: int, text: str, proposed: dict[str, str]) -> None:
    by = proposed.get(text, service.STUDIO)
    saved = service.take_choice(session.studio().settings, task.address, question, place, text, by)
    last_edit.after_save(saved)
    markdown.toast(
        Sentence("{letter} is now {text}. Undo takes it back.", letter=messages.LETTERS[place], text=text)
    )
