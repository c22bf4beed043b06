"""Question table.

A component of our own (Streamlit's components API v2, which runs in the page itself and has its theme):
Streamlit's own table cannot wrap text, mark the right choice, set it by a click, or add, move and duplicate
rows, and it was laid out again after each edit, so that a click could be missed. Its source is in
`table/source` (TypeScript with Preact and TanStack's virtualiser); `npm ci && npm run build` there makes
`table/built.js`.

The page sends the component little data, mostly the same with each drawing. The rows come from the server
directly (`server/table_routes.py`): once, and then only changes. Edits go the same way, so that neither
*Saved* nor the run of an edit waits for a page. After an edit the page is drawn once, for the elements
beside the table. Figures of single questions by models and the embedder are sent when a filter needs them,
or the reason if there are none.

Tested in tests/pages/writing/test_table.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Finding, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.relevance import messages as relevance_words
from e2lm_core.sets.editing import drafts, presence
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.base import language, markdown, polling
from e2lm_core.ui.cache import embedding_progress, results
from e2lm_core.ui.cache import questions as remembered
from e2lm_core.ui.editor import (
    card,
    file_import,
    last_edit,
    live_results,
    script_words,
    table_notes,
    table_script,
)
from e2lm_core.ui.editor.drafts import autosave
from e2lm_core.ui.requests import component_requests

KEY = "questions_table"
MAX_FOUND = 1000
MEASURES = ("slope", "relevance")
_ASKED = "table_measures"  # key of the session state: figures that filters and sorting need, by set


@st.cache_resource(show_spinner=False)
def _component():
    return st.components.v2.component("studio_table", js=table_notes.JS, isolate_styles=False)


def question_table(task: TaskSet, readonly: bool = False) -> None:
    """Draw the question table, editable in place unless `readonly`."""
    settings = session.studio().settings
    taught = results.taught_answers(task)
    _component()(
        key=KEY,
        data={
            **table_notes.table_address(task),
            "url": f"{autosave.base_path()}{table_script.PATH}",
            "drafts": f"{autosave.base_path()}/drafts",
            "pass": component_requests.issue_token(settings, task.address, runs=last_edit.auto_run_token()),
            "stamp": presence.change_stamp(settings, task.address),
            "typed": "" if readonly else drafts.drafts_stamp(settings, task.address),
            "readonly": readonly,
            "known": f"{autosave.base_path()}{table_script.KNOWN}"
            if taught is not None and not readonly
            else "",
            "taught": "".join("01"[taught.get(q.id, False)] for q in task.questions) if taught else "",
            "measures": _asked(task),
            "rest_ms": autosave.REST_MS,
            "again_ms": autosave.AGAIN_MS,
            "words": script_words.script_words(),
        },
        on_changed_change=_changed,
        on_pasted_change=_pasted,
        on_card_change=_opened,
        on_measure_change=_measure,
        on_cue_words_change=live_results.run_cue_words,
    )
    for sentence in st.session_state.pop("editor_refused", ()):
        markdown.error(sentence, icon=":material/error:")


def attach_findings(task: TaskSet, findings: Sequence[Finding]) -> None:
    """Send the table the findings of each question, and the figures that its filters need.

    Both are ready later than the rows.
    """
    underway = "relevance" in _asked(task) and not _is_over(task)
    run_every = polling.poll_interval(polling.PROGRESS_S, is_own_run=True) if underway else None

    @st.fragment(run_every=run_every)
    def given() -> None:
        if underway and _is_over(task):
            polling.redraw_page()
        of_questions = [finding for finding in findings if finding.question_id][:MAX_FOUND]
        found = [(f.question_id, f.severity, language.translate(f.sentence)) for f in of_questions]
        figures = {name: _figure(task, name) for name in _asked(task)}
        table_notes.send_note(task, "found", found=found, figures=figures)

    given()


# --- what filters need of models and of the embedder ------------------------------------------------------


def _asked(task: TaskSet) -> list[str]:
    return list(st.session_state.get(_ASKED, {}).get(task.address, ()))


def _measure() -> None:
    """Remember the figures that the table's filters need."""
    names = _told("measure")
    if isinstance(names, list) and (task := st.session_state.get("set")):
        asked = st.session_state.setdefault(_ASKED, {})
        asked[task] = [name for name in MEASURES if name in names]


def _figure(task: TaskSet, name: str) -> dict[str, Any]:
    """A figure of every question, in the set's order, or the reason `why` there is none."""
    stamp = presence.change_stamp(session.studio().settings, task.address)
    try:
        values, why = _slopes(task) if name == "slope" else _probabilities(task)
    except StudioError as error:
        values, why = None, language.translate(error.sentence)
    return {"stamp": stamp} | ({"why": why} if values is None else {"values": values})


def _slopes(task: TaskSet) -> tuple[list[float | None] | None, str]:
    measurements = results.measurements(task)
    if not measurements.complete_pairs:
        return None, language.translate(
            "A slope needs a run: run this set on Models and runs, and this filter works."
        )
    _, frame = remembered.pool(task, measurements)
    known = dict(zip(frame["id"], frame["slope"].astype(float), strict=True))
    slopes = [known.get(question.id, math.nan) for question in task.questions]
    return [None if math.isnan(slope) else round(slope, 4) for slope in slopes], ""


def _probabilities(task: TaskSet) -> tuple[list[float | None] | None, str]:
    work = embedding_progress.get_or_start(task) if task.questions else None
    if work is not None and not work.over:
        begun = Sentence("The questions are being embedded for this filter …")
        said = relevance_words.progress_sentence(work.done, work.total) if work.total else begun
        return None, language.translate(said)
    if work is not None and (work.error or work.cancelled):
        cancelled = language.mark("The embedding was cancelled: go on with it on Relevance.")
        return None, language.translate(work.error or cancelled)
    return [round(float(p), 3) for p in results.relevance(task).probability], ""


def _is_over(task: TaskSet) -> bool:
    work = embedding_progress.get_or_start(task) if task.questions else None
    return work is None or work.over


def _told(event: str) -> Any:
    """Value that the table has reported; None if its page was left a moment before."""
    return getattr(st.session_state.get(KEY), event, None)


def _changed() -> None:
    """Run a saved change of the table, unless the server has started the run already."""
    name, told = st.session_state.get("set"), _told("changed")
    if told == "runs":
        run_launcher.ensure_worker()
    elif name and told in ("saved", None):
        try:
            last_edit.after_save(session.read_set(name))
        except (StudioError, OSError):
            return  # the page reports the missing set


def _pasted() -> None:
    """Show pasted rows of a spreadsheet on Import, where they overwrite nothing."""
    if text := str(_told("pasted") or ""):
        st.session_state[file_import.PASTED] = text
        st.session_state["author_view"] = "Import"


def _opened() -> None:
    if identity := _told("card"):
        card.show_question(str(identity))
        st.session_state["author_view"] = "Card"
