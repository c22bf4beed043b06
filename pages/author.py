"""Author: choose, create or copy a set; edit its questions in a table or as cards; checks beside it."""

import streamlit as st

from e2lm_core.base import phrasing
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import CLOZE_CHOICE, CLOZE_TEXT, LETTERS_CHOICE, LETTERS_TEXT, PromptStyle
from e2lm_core.sets import authoring, sheet, versions
from e2lm_core.ui import parts, session
from e2lm_core.ui.author import card, dialogs, editor, live
from e2lm_core.ui.frame import window
from e2lm_core.ui.remembered import results
from e2lm_core.ui.strip import strip

studio = session.studio()
task = strip(poll=False)
settings = studio.settings
example = session.is_example(task.name)
head = st.container()  # filled at the end: the checks take longer than an edit's first results

with st.container(horizontal=True, gap="small", vertical_alignment="center"):
    dialogs.copy(task.name)
    dialogs.create()
    if not example:
        dialogs.delete(task.name)
        back, forward = versions.undoable(settings, task.name)
        for label, icon, what, act, keys in (
            ("Undo", ":material/undo:", back, versions.undo, "Ctrl+Z"),
            ("Redo", ":material/redo:", forward, versions.redo, "Ctrl+Shift+Z"),
        ):
            if st.button(
                label,
                icon=icon,
                disabled=what is None,
                help=what or f"nothing to {label.lower()}",
                shortcut=keys,
            ):
                try:
                    moved = act(settings, task.name)
                except StudioError as error:
                    st.error(str(error))
                else:
                    editor.reset()
                    editor.edited(moved)
                    st.rerun()
        st.toggle(
            "Run edits at once",
            value=True,
            key="run_edits",
            help="Where the set has results, an edit runs the edited questions alone.",
        )

# Fixed for the session: a default that changed with the window's width would be lit without being shown.
first_view = st.session_state.setdefault("author_first_view", "Card" if window.narrow() else "Table")
view = st.segmented_control(
    "View",
    ["Table", "Card", "Prompt"] + ([] if example else ["Import"]),
    default=first_view,
    required=True,
    label_visibility="collapsed",
    key="author_view",
)

if view == "Table":
    if example or not task.questions:
        st.dataframe(sheet.to_frame(task.questions), hide_index=True, height=440)
    else:
        table, aside = st.columns([8, 5], gap="medium")
        with table:
            editor.table(task)
        with aside:
            live.beside(task)
    live.every_question(task)
    dialogs.download(task.name)
elif view == "Card":
    card.card(task, readonly=example)
elif view == "Import":
    dialogs.import_questions(task.name)
elif view == "Prompt":
    styles = {"Cloze": (CLOZE_TEXT, CLOZE_CHOICE), "Letters": (LETTERS_TEXT, LETTERS_CHOICE)}
    names = {PromptStyle.CLOZE: "Cloze", PromptStyle.LETTERS: "Letters"}
    with st.form("prompt"):
        current = names.get(task.config.style, "Custom")
        style = st.radio(
            "Style",
            [*styles, "Custom"],
            index=[*styles, "Custom"].index(current),
            horizontal=True,
            disabled=example,
            help="Cloze scores each choice's own text, which shows a signal earliest; letters lists the choices and scores the letter.",
        )
        text = st.text_area(
            "doc_to_text (Jinja2, used with Custom)", task.config.doc_to_text, height=110, disabled=example
        )
        description = st.text_area(
            "description (before every prompt)", task.config.description, height=70, disabled=example
        )
        shots = st.number_input(
            "num_fewshot",
            0,
            min(settings.limits.max_fewshot, len(task.dev)),
            min(task.config.num_fewshot, len(task.dev)),
            disabled=example,
            help=f"Examples in the prompt, from the set's {len(task.dev)} dev questions.",
        )
        if st.form_submit_button("Save the prompt", type="primary", disabled=example):
            chosen = styles.get(style, (text, task.config.doc_to_choice))
            try:
                saved = authoring.update_config(
                    settings,
                    task.name,
                    doc_to_text=chosen[0],
                    doc_to_choice=chosen[1],
                    description=description,
                    num_fewshot=int(shots),
                )
            except StudioError as error:
                st.error(str(error), icon=":material/error:")
            else:
                editor.edited(saved)
                st.rerun()

found = results.findings(task)
errors, warnings = (sum(f.severity == s for f in found) for s in ("error", "warning"))
if example:
    finding = "This is an example, and it stays as it is. **Copy it** to edit the copy."
elif not task.questions:
    finding = "This set has no questions yet. Add the first one, or import a file."
elif not found:
    finding = "**Every check passes.** Edits are saved at once, and *Undo* takes them back."
else:
    finding = (
        f"The checks find **{phrasing.count(errors, 'error')}** and {phrasing.count(warnings, 'warning')}."
    )
with head:
    parts.header("Author", finding)
if found:
    st.subheader("Checks", anchor=False)
    dialogs.findings(found, most=5)
