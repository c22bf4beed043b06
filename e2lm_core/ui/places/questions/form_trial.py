"""Question formats, in the tab Alternatives.

Tested in tests/pages/test_alternatives.py.
"""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.analysis import tables
from e2lm_core.analysis.alternatives.forms import TriedForms
from e2lm_core.analysis.alternatives.messages import forms as messages
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.runs.trials import forms as form_trials
from e2lm_core.runs.trials.trial import Trial
from e2lm_core.sets.variants import Variant
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import last_edit, toolbar, trial_jobs

_KEY = "forms"
WHOLE, ONE = language.mark("Whole set"), language.mark("This question")
NAMES = {
    "cloze": language.mark("Complete the answer"),
    "letters": language.mark("A–D letters"),
    "ending": language.mark("Complete the sentence"),
}


def form_panel(task: TaskSet, head: DeltaGenerator) -> None:
    """Draw the formats to try, and what each gives.

    Args:
        task: The set.
        head: Container of the headline.
    """
    styles, shots, template, question = _choice(task)
    fleet = results.fleet(task)
    of = (task.digest, styles, shots, template, question, fleet.digest)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        clicked = st.button(
            language.translate("Try these formats"),
            type="primary",
            icon=":material/science:",
            key="forms_try",
        )
        if not session.is_example(task.address):
            toolbar.undo_redo_buttons(task.address)
    found: TriedForms | None = None
    variants: list[Variant] = []
    try:
        if clicked or trial_jobs.is_kept(_KEY, of):
            own = (
                None
                if template is None
                else dict(zip(("doc_to_text", "doc_to_choice"), template, strict=True))
            )
            variants = form_trials.form_variants(task, fleet.num_fewshot, styles, shots, own, question)
            trial = form_trials.plan_form_trial(session.studio(), task, variants, fleet.checkpoints)
            if clicked:
                trial_jobs.start(task, trial, trial.checkpoints, fleet.num_fewshot, _KEY, of)
            found = trial_jobs.results(_KEY, of, lambda: trial, _judged)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
    with head:
        widgets.headline(
            messages.headline(found) if found else "Try the set in other question formats, side by side."
        )
    if found is not None:
        _formats(task, found, variants)
    widgets.how_computed(*messages.HOW)


def _judged(trial: Trial) -> TriedForms:
    return form_trials.judge_form_trial(session.studio(), trial)


def _choice(
    task: TaskSet,
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[str, str] | None, str | None]:
    """Formats, numbers of few-shot examples, own template and question that are selected."""
    styles = st.pills(
        language.translate("Question formats"),
        list(NAMES),
        selection_mode="multi",
        default=list(NAMES),
        format_func=lambda name: markdown.escape(language.translate(NAMES[name])),
        key="forms_styles",
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        shots = st.pills(
            language.translate("Few-shot examples"),
            form_trials.shown_shots(task),
            selection_mode="multi",
            default=[0],
            format_func=lambda number: markdown.escape(str(number)),
            key="forms_shots",
        )
        ids = [q.id for q in task.questions]
        selected = st.session_state.get(urls.HELD["question"])
        identity = selected if selected in ids else ids[0]
        of = st.segmented_control(
            language.translate("Questions"),
            (WHOLE, ONE),
            default=WHOLE,
            required=True,
            key="forms_of",
            format_func=lambda of: markdown.escape(language.translate(of)),
            help=None,
        )
        with st.popover(language.translate("Own template"), icon=":material/edit:"):
            text = st.text_area(
                language.translate("Prompt"),
                key="forms_text",
                placeholder="{{question}} It is",
            )
            choice = st.text_input(language.translate("Choices"), "{{choices}}", key="forms_choices")
    if of == ONE:
        markdown.caption(markdown.fill_template("The question is {identity}.", identity=identity))
    template = (text, choice) if text and text.strip() else None
    return tuple(map(str, styles or ())), tuple(shots or ()), template, identity if of == ONE else None


def _formats(task: TaskSet, found: TriedForms, variants: list[Variant]) -> None:
    if sentence := messages.trial_sentence(found):
        markdown.markdown(sentence)
    metric = widgets.metric_control("forms_metric")
    widgets.table(
        tables.sentence_table(messages.rows(found, metric), messages.COLUMNS).drop(columns="metric"),
        f"forms-{task.name}-{metric}",
        "forms",
        phone_columns=("format", "SQ", "final"),
        column_config={
            name: st.column_config.NumberColumn(
                name, format="%.3f", help=markdown.escape(language.translate(text))
            )
            for name, text in messages.HELP.items()
            if name in ("SQ", "random guessing", "final")
        }
        | {
            "tokens": st.column_config.NumberColumn(
                language.translate("tokens"),
                format="compact",
                help=markdown.escape(language.translate(messages.HELP["tokens"])),
            )
        },
    )
    others = variants[1:]
    if session.is_example(task.address):
        markdown.caption("An example stays as it is: copy the set to use another format.")
        toolbar.copy_popover(task.address)
    elif others:
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            label = st.selectbox(
                language.translate("Format"), [variant.label for variant in others], key="forms_use"
            )
            if st.button(language.translate("Use this form"), icon=":material/check:", key="forms_use_go"):
                variant = next(one for one in others if one.label == label)
                widgets.perform_action(partial(_use, task, variant, found), partial(trial_jobs.forget, _KEY))


def _use(task: TaskSet, variant: Variant, found: TriedForms) -> None:
    saved = form_trials.use_form(session.studio().settings, task.address, variant, found)
    last_edit.after_save(saved)
    markdown.toast(Sentence("The set asks as {form} now. Undo takes it back.", form=variant.label))
