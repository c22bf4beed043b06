"""Prompt preview with token count.

Tested in tests/pages/writing/test_rendered.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, Question, RenderedDoc, Request, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.prompts import render
from e2lm_core.sets.prompts.shots import check_shots, draw_examples
from e2lm_core.ui import session
from e2lm_core.ui.base import language, markdown

MODEL = "prompt_model"


def prompt_preview(task: TaskSet, question: Question) -> None:
    """Draw the full prompt of a question, as saved, in a folded box."""
    with st.expander(
        language.translate("Prompt preview"), icon=":material/visibility:", on_change="rerun"
    ) as box:
        if box.open:
            show_prompt(task, question)


def show_prompt(task: TaskSet, question: Question) -> None:
    """Draw the full prompt of a question, as saved, with its length."""
    try:
        doc = render.render(task.config, question, _shots(task, question))
    except StudioError as error:
        markdown.error(error)
        return
    st.code(highlight_scored(doc), language=None, wrap_lines=True)
    shots = (
        formatting.count(task.config.num_fewshot, "example")
        if task.config.num_fewshot
        else Sentence("No example")
    )
    scored = (
        Sentence("the right answer behind ▁; each choice is scored in its place")
        if doc.ending is None
        else Sentence("the right answer before ▁; what is behind it is scored after each choice in its place")
    )
    st.caption(markdown.escape(Sentence("{shots} before it, and {scored}.", shots=shots, scored=scored)))
    _counted(doc)


def highlight_scored(doc: RenderedDoc) -> str:
    """The prompt with the right answer, with ▁ in front of the scored part."""
    context, continuation = doc.requests[doc.gold]
    return f"{context}▁{continuation.lstrip()}"


def _shots(task: TaskSet, question: Question) -> list[Question]:
    """Few-shot examples of this question: the harness draws them by the question's index."""
    wanted = task.config.num_fewshot
    if not wanted:
        return []
    check_shots(task, wanted)
    place = [one.id for one in task.questions].index(question.id)
    return [
        task.fewshot_pool[at]
        for at in draw_examples(task.config, len(task.questions), len(task.fewshot_pool), wanted)[place]
    ]


def _counted(doc: RenderedDoc) -> None:
    """Draw the prompt's length for a chosen model, and the part that exceeds the context window."""
    last: dict[str, Checkpoint] = {c.model.name: c for c in session.studio().local_checkpoints}
    if not last:
        st.caption(language.translate("The token count needs a model."))
        return
    name = st.selectbox(
        language.translate("Counted in the tokens of"),
        list(last),
        key=MODEL,
        width=280,
        persist_state="session",
    )
    backend, longest = session.studio().backend, max(doc.requests, key=lambda pair: len("".join(pair)))
    try:
        (tokens,) = backend.prompt_tokens(last[name], [Request(*longest)])
        window = backend.window(last[name])
    except StudioError as error:
        markdown.caption(error)
        return
    st.markdown(markdown.escape(token_count_note(tokens, window)))


def token_count_note(tokens: int, window: int) -> str:
    """Sentence on a prompt's length with its longest choice, and the part cut off by the context window.

    Both arguments are in tokens.
    """
    number = formatting.count(tokens, "token")
    if tokens <= window:
        return Sentence(
            "{tokens} with the longest choice, of {window} that the model reads.",
            tokens=number,
            window=window,
        )
    return Sentence(
        "{tokens} with the longest choice, of {window} that the model reads: too long. "
        "The model does not see the first {lost} tokens.",
        tokens=number,
        window=window,
        lost=tokens - window,
    )
