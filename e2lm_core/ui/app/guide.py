"""Bar of the guided start: its step, the way there, and the way out.

Tested in tests/pages/test_guide.py.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.sets.editing import guide as guides
from e2lm_core.sets.editing.guide import Guide, Step
from e2lm_core.ui import session
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.cache import results


class _Shown(NamedTuple):
    """A step as the bar shows it: title, sentence, view, and the label of the way there."""

    title: str
    sentence: str
    view: str
    way: str


SHOWN: dict[Step, _Shown] = {
    "answer": _Shown(
        language.mark("Change an answer"),
        language.mark(
            "In question 1, click the letter of a wrong answer. Every edit is saved, and Undo takes it back."
        ),
        "write",
        language.mark("Open the questions"),
    ),
    "curve": _Shown(
        language.mark("Watch the curve"),
        language.mark(
            "The models answer the changed question again. Its curve falls: they learned the other answer."
        ),
        "one_by_one",
        language.mark("Watch its curve"),
    ),
    "mend": _Shown(
        language.mark("Mend a suspect"),
        language.mark(
            "Suspects lists answers that the models doubt. Look at yours, then mark the right letter again."
        ),
        "suspects",
        language.mark("Open Suspects"),
    ),
    "bundle": _Shown(
        language.mark("Download the bundle"),
        language.mark("The bundle is your set as one file, which lm-evaluation-harness runs."),
        "share",
        language.mark("Open Share"),
    ),
    "done": _Shown(
        language.mark("Done"),
        language.mark("The copy is yours: write on, or delete it."),
        "write",
        language.mark("Write on"),
    ),
}
COUNT = len(guides.STEPS)


def guide_bar(task: TaskSet, tab: str) -> None:
    """Draw the bar on every page of the guided set, until it is left.

    Args:
        task: The selected set.
        tab: Slug of the shown tab, or of a place without tabs.
    """
    settings = session.studio().settings
    guide = guides.find_guide(settings)
    if guide is None or guide.is_left or guide.set_name != task.address:
        return
    changed = _changed(guide, task)
    if (step := guides.reached_step(guide, changed)) != guide.step:
        guide = guide.model_copy(update={"step": step})
        _save(guide)
    shown = SHOWN[guide.step]
    with st.container(border=True, key="guide", gap="small"):
        number = min(guides.STEPS.index(guide.step) + 2, COUNT)
        head = (
            language.translate("Guided start")
            if guide.step == "done"
            else language.translate("Step {number} of {all}", number=number, all=COUNT)
        )
        markdown.markdown(
            markdown.fill_template(
                "**{head}: {title}.** {sentence}",
                head=head,
                title=language.translate(shown.title),
                sentence=language.translate(shown.sentence),
            )
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _ways(guide, task, tab, changed)


def _ways(guide: Guide, task: TaskSet, tab: str, changed: str | None) -> None:
    shown, is_there = SHOWN[guide.step], tab == SHOWN[guide.step].view
    if not is_there and st.button(
        markdown.escape(language.translate(shown.way)),
        key="guide_go",
        type="primary",
        icon=":material/arrow_forward:",
    ):
        _open(shown.view, changed)
    if guide.step == "curve" and is_there:
        if results.is_running(task):
            st.caption(language.translate("The models are answering …"), width="content")
        else:
            _next(guide, language.translate("I have seen it"), primary=True)
    if (
        guide.step == "mend"
        and is_there
        and changed is not None
        and st.button(
            language.translate("Open the question"),
            key="guide_question",
            type="primary",
            icon=":material/edit_note:",
        )
    ):
        _open("write", changed)
    if guide.step != "done":
        if not (guide.step == "curve" and is_there):
            _next(guide, language.translate("Skip this step"))
        st.button(
            language.translate("Leave"),
            key="guide_leave",
            type="tertiary",
            icon=":material/close:",
            help=language.translate("Sets takes it up again."),
            on_click=partial(_save, guide.model_copy(update={"is_left": True})),
        )
    else:
        st.button(
            language.translate("Close"),
            key="guide_end",
            type="tertiary",
            icon=":material/close:",
            on_click=_end,
        )


def note_download() -> None:
    """Note that the bundle was downloaded, which ends the last step of a guided start."""
    guide = guides.find_guide(session.studio().settings)
    if guide is not None and guide.step == "bundle" and guide.set_name == st.session_state.get("set"):
        _save(guide.model_copy(update={"step": "done"}))


def is_downloading(task: TaskSet) -> bool:
    """Whether the guided start waits for the download of the set's bundle."""
    guide = guides.find_guide(session.studio().settings)
    return (
        guide is not None and not guide.is_left and (guide.set_name, guide.step) == (task.address, "bundle")
    )


def _next(guide: Guide, label: str, primary: bool = False) -> None:
    st.button(
        markdown.escape(label),
        key="guide_next",
        type="primary" if primary else "tertiary",
        on_click=partial(_save, guide.model_copy(update={"step": guides.next_step(guide.step)})),
    )


def _open(view: str, question: str | None) -> None:
    """Go to a view, which shows the changed question if it can."""
    if question is not None:
        st.session_state[urls.HELD["question"]] = question
    urls.go(view)


def _changed(guide: Guide, task: TaskSet) -> str | None:
    try:
        return guides.changed_question(task, session.read_set(guide.example))
    except StudioError:  # the example is gone: the steps are ended by hand
        return None


def _save(guide: Guide) -> None:
    try:
        guides.save_guide(session.studio().settings, guide)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")


def _end() -> None:
    guides.end_guide(session.studio().settings)
