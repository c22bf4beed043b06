"""Author: choose, create or copy a set; edit its questions in a table or as cards; checks beside it."""

import streamlit as st

from e2lm_core.sets.desk import drafts
from e2lm_core.ui import session
from e2lm_core.ui.author import card, checks, editor, files, live, presence, prompt, sharing, toolbar
from e2lm_core.ui.author.unsaved import clashes, forms, waiting
from e2lm_core.ui.frame import parts, window
from e2lm_core.ui.frame.strip import strip
from e2lm_core.ui.remembered import results

task = strip(poll=False)
example = session.is_example(task.address)
head = st.container()  # filled at the end: the checks take longer than an edit's first results

with st.container(horizontal=True, gap="small", vertical_alignment="center"):
    toolbar.copy(task.address)
    toolbar.create()
    if not example:
        if not task.owner:
            toolbar.delete(task.address)
        toolbar.undo_and_redo(task.address)
        toolbar.run_edits()
    sharing.share(task)

if not example:
    presence.watch(task, toolbar.last_change(task.address))
    forms.refusals()

# Fixed for the session: a default that changed with the window's width would be lit without being shown.
if "author_first_view" not in st.session_state:
    st.session_state["author_first_view"] = waiting.first_view(task, window.narrow())
view = st.segmented_control(
    "View",
    ["Table", "Card", "Prompt"] + ([] if example else ["Import"]),
    default=st.session_state["author_first_view"],
    format_func=lambda name: "Import, paste" if name == "Import" else name,
    required=True,
    label_visibility="collapsed",
    key="author_view",
)
if view == "Table":
    if not example:
        clashes.of_set(task)
    editor.table(task, readonly=example)
    if not example and task.questions:
        live.beside(task)
    live.every_question(task)
    files.download(task)
elif view == "Card":
    card.card(task, readonly=example)
elif view == "Import":
    files.import_questions(task)
elif view == "Prompt":
    prompt.prompt(task, readonly=example)

if not example:
    shown = {"Card": card.places(task), "Prompt": [drafts.PROMPT], "Table": clashes.places(task)}
    waiting.elsewhere(task, shown.get(view, []))

if not example and task.questions:
    checks.groups(task)

findings = results.findings(task)
if view == "Table":
    editor.note(task, findings)
with head:
    parts.header("Author", checks.sentence(task, findings, example) + waiting.sentence(task, example))
if findings:
    st.subheader("Checks", anchor=False)
    checks.show(findings, most=5)
