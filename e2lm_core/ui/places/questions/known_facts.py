"""Tab Known facts: what the built-in mini models learned, and a new question about a fact.

Tested in tests/pages/test_doors.py.
"""

from __future__ import annotations

import time
from functools import partial

import pandas as pd
import streamlit as st

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.checkpoints.ladder.fact_search import FactIndex, open_index
from e2lm_core.checkpoints.ladder.training_facts import TrainingFact
from e2lm_core.runs import fleets
from e2lm_core.runs.messages import doors as door_words
from e2lm_core.sets import collection
from e2lm_core.sets.editing import drafts, save_edits
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls, viewport
from e2lm_core.ui.cache import results

PAGE = 8
NONE = language.mark("There is no list of facts: the files of the built-in mini models are missing.")
_AT = "known_page"


def known_facts_tab(task: TaskSet) -> None:
    """Draw the facts, found by words and topic, each with a button that opens a question about it."""
    index = open_index(session.studio().catalogue.taught_file)
    if index is None:
        widgets.headline(NONE)
        st.stop()
    known = results.taught_questions(task) if task.questions else None
    # The status bar has the share of a set that is not wholly known, with its doors.
    share = door_words.known_share(known) if known and results.doors(task) is None else ""
    number = language.whole_number(len(index.facts.facts))
    learned = language.translate("The built-in mini models learned **{number}** facts.", number=number)
    widgets.headline(joined(filter(None, (learned, share))))
    text, relation = _wish(index)
    facts = index.find(text, relation)
    if not facts:
        widgets.empty_state("The mini models learned no fact with these words. Try fewer words.")
        return
    first = _first(len(facts))
    with st.container(key="known_list", gap="small"):
        for place, fact in enumerate(facts[first : first + PAGE]):
            _fact(task, index, fact, place)
    _pager(facts, first)
    widgets.csv_button(lambda: _frame(index, facts), "known-facts.csv", "known")


def _wish(index: FactIndex) -> tuple[str, str | None]:
    """The words to look for, and the name of the topic; "" and None for any."""
    topics = {relation.about: relation.name for relation in index.facts.relations.values()}
    left, right = st.columns([3, 2], gap="small")
    text = left.text_input(
        language.translate("Find a fact"),
        key="known_find",
        icon=":material/search:",
        placeholder=language.translate("lion, oxygen, capital …"),
        on_change=_restart,
    )
    topic = right.selectbox(
        language.translate("Topic"),
        sorted(topics),
        index=None,
        key="known_topic",
        placeholder=language.translate("All topics"),
        format_func=lambda one: one[:1].upper() + one[1:],
        on_change=_restart,
    )
    return text, topics.get(topic) if topic else None


def _restart() -> None:
    st.session_state[_AT] = 0


def _turn(by: int) -> None:
    st.session_state[_AT] = st.session_state.get(_AT, 0) + by


def _first(number: int) -> int:
    """Index of the first fact on the shown page."""
    pages = (number - 1) // PAGE + 1
    st.session_state[_AT] = min(max(st.session_state.get(_AT, 0), 0), pages - 1)
    return PAGE * int(st.session_state[_AT])


def _fact(task: TaskSet, index: FactIndex, fact: TrainingFact, place: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        markdown.markdown(
            markdown.fill_template(
                "{question} **{answer}** :gray[{about}]",
                question=fact.question or fact.subject,
                answer=fact.answer,
                about=index.about(fact),
            ),
            width="stretch",
        )
        if not session.studio().settings.readonly and st.button(
            language.translate("Write about this"),
            key=f"known_write_{place}",
            icon=":material/edit_note:",
            type="tertiary",
            help=language.translate(
                "Opens a new question with this wording and three wrong answers, to be changed before it is added."
            ),
        ):
            widgets.perform_action(partial(_write_about, task, index, fact), _go)


def _write_about(task: TaskSet, index: FactIndex, fact: TrainingFact) -> None:
    """Put a question about a fact into the form of a new question, in the set or in a copy of an example.

    Raises:
        TaskError: The form holds another question, or the example cannot be copied.
    """
    settings, address = session.studio().settings, task.address
    if session.is_example(address):
        address = collection.free_name(settings, f"my_{task.name}")
        collection.copy_set(settings, task.address, address)
        fleets.copy_choice(settings, task.address, address)
        session.set_current_set(address)
    elif drafts.find_draft(settings, address, drafts.NEW) is not None:
        raise TaskError(
            Sentence(
                "A new question of {set} is not added yet: add or discard it first, on Write.", set=address
            )
        )
    made = index.question_about(fact)
    draft = drafts.Draft(
        task=address,
        place=drafts.NEW,
        form=drafts.new_form(),
        at=time.time(),
        turn=int(time.time() * 1000),
        fields={
            "question": made.question,
            "choices": list(made.choices),
            "answer": made.answer,
            "subject": made.subject,
        },
        seen={"question": "", "choices": [], "answer": save_edits.NO_CHOICE, "subject": None},
        view="Table",
    )
    drafts.save_draft(settings, draft)


def _go() -> None:
    if viewport.is_narrow():
        st.session_state["card_new"] = True
    st.session_state["author_view"] = "Card" if viewport.is_narrow() else urls.TABLE
    urls.go("write")


def _pager(facts: list[TrainingFact], first: int) -> None:
    last = min(first + PAGE, len(facts))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            language.translate("Previous"),
            key="known_back",
            icon=":material/chevron_left:",
            disabled=first == 0,
            on_click=_turn,
            args=(-1,),
        )
        markdown.caption(
            language.translate_count(
                "{first} to {last} of {number} fact",
                "{first} to {last} of {number} facts",
                len(facts),
                first=language.whole_number(first + 1),
                last=language.whole_number(last),
            ),
            width="content",
        )
        st.button(
            language.translate("Next"),
            key="known_next",
            icon=":material/chevron_right:",
            disabled=last == len(facts),
            on_click=_turn,
            args=(1,),
        )


def _frame(index: FactIndex, facts: list[TrainingFact]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"subject": f.subject, "topic": index.about(f), "answer": f.answer, "question": f.question}
            for f in facts
        ]
    )
