"""Import and download of question files.

Tested in tests/pages/writing/test_files.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.sentences import joined
from e2lm_core.sets import authoring, selection_origin
from e2lm_core.sets.formats import columns, messages, reading, writing
from e2lm_core.sets.formats.encodings import ENCODINGS
from e2lm_core.sets.formats.kinds import ENDS, KINDS
from e2lm_core.sets.formats.questions import UNCLEAR
from e2lm_core.sets.formats.records import Preview, ReadOptions
from e2lm_core.ui import session
from e2lm_core.ui.app import uploads, widgets
from e2lm_core.ui.base import language, markdown, page_cache
from e2lm_core.ui.editor import check_panel, last_edit, sources

MAX_SHOWN = 200
MAX_COMPARED = 8  # questions shown for each meaning of the answers
MAX_MAPPED = 40  # columns with a selector of their own; the rest keeps its role
A_LINE = 4
FOUND = "found"
PLACEHOLDER = "Which gas do plants take in?\toxygen\tcarbon dioxide\thelium\tB"
PASTED = "import_text"  # key of text pasted elsewhere on the page
_HANDED = "import_handed"
LABELS = {"csv": "CSV", "jsonl": "JSONL", "xlsx": "XLSX", "gift": "GIFT", "aiken": "Aiken", "qti": "QTI 2.2"}


def import_questions(task: TaskSet) -> None:
    """Draw the import of a file or pasted text, whose questions are added to the set or replace its own.

    The preview stands beside its source: of a file that was chosen elsewhere first, others below their field.
    """
    handed_over = st.container()
    st.markdown(
        language.translate(
            "A table (CSV, TSV, XLSX, JSON, JSONL, Parquet) or a quiz (GIFT, Aiken, Moodle XML, QTI "
            "2 or 3, a Markdown list). You will see a preview first."
        )
    )
    if text := st.session_state.pop(PASTED, ""):  # pasted elsewhere on the page
        st.session_state[_key("paste")] = text
    upload = uploader(language.translate("Import a file"), _key("import_file"))
    uploaded = st.container()
    sources.sources_popover(task.address, hand_over)
    pasted = st.text_area(
        language.translate("Paste rows of a spreadsheet, or a quiz as text"),
        key=_key("paste"),
        height=120,
        placeholder=PLACEHOLDER,
        help=language.translate(
            "Press Ctrl+Enter, or click beside the field, to continue. A header row is recognised."
        ),
    )
    if upload is not None:
        _preview(uploaded, task, lambda: uploads.read_upload(upload), upload.name, "file")
    elif pasted.strip():
        _preview(st.container(), task, pasted.encode, "", "text")
    elif (handed := st.session_state.get(_HANDED)) and handed[0] == task.address:
        _, filename, data = handed
        with handed_over:
            markdown.caption(language.translate("From {file}:", file=filename))
        _preview(handed_over, task, lambda: data, filename, "handed")


def _preview(place: Any, task: TaskSet, read: Callable[[], bytes], filename: str, key: str) -> None:
    """Draw the preview of one source in its place, or the sentence why it cannot be read."""
    with place:
        try:
            _panel(task, read(), filename, _key(key))
        except StudioError as error:
            markdown.error(error, icon=":material/error:")


def uploader(label: str, key: str) -> UploadedFile | None:
    """Draw the field for a file of any format that the import reads, the same wherever a file is given."""
    return st.file_uploader(markdown.escape(label), type=[end[1:] for end in ENDS], key=key)


def hand_over(address: str, filename: str, data: bytes) -> None:
    """Give a file that was chosen elsewhere to the import of a set, which shows its preview."""
    st.session_state[_HANDED] = (address, filename, data)


def _panel(task: TaskSet, data: bytes, filename: str, key: str) -> None:
    """Draw the import of one file: the options of reading, the first questions, the button that adds them."""
    asking = st.container()
    found = st.container()
    with st.expander(language.translate("Change columns and format"), icon=":material/tune:"):
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            how = _named(key)
            options = st.container(horizontal=True, gap="small", vertical_alignment="bottom", width="stretch")
        mapping = st.container()
    try:
        read = _read(data, filename, how)
        if (other := _otherwise(options, read, how, key)) != how:
            read = _read(data, filename, other)
        if roles := _mapped(mapping, read, key):
            other = other.model_copy(update={"roles": roles})
            read = _read(data, filename, other)
        if read.readings:
            read = _asked(asking, data, filename, read, other, key)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    doubles = reading.find_duplicates(read, (*task.questions, *task.dev))
    with found:
        markdown.markdown(markdown.escape(messages.format_summary(read)))
        if said := messages.mapping_summary(read):
            markdown.caption(markdown.escape(said))
        if doubles:
            markdown.warning(messages.duplicates_sentence(read, doubles), icon=":material/content_copy:")
        check_panel.findings_panel([problem for problem in read.problems if problem.code != UNCLEAR])
    _offer(task, read, doubles, key)


def _asked(place: Any, data: bytes, filename: str, read: Preview, how: ReadOptions, key: str) -> Preview:
    """The file read with the visitor's meaning of numeric answers; until then all meanings are compared."""
    question, _, example = language.translate(read.problems[0].sentence).partition("?")
    others = {
        reading: _read(data, filename, how.model_copy(update={"answers_from": reading}))
        for reading in read.readings
    }
    with place:
        said = st.radio(
            markdown.escape(f"{question}?"),
            list(others),
            index=None,
            format_func=lambda reading: markdown.escape(messages.reading_label(reading, read.readings)),
            horizontal=True,
            key=f"{key}_meaning",
        )
        if said is not None:
            return others[said]
        markdown.caption(markdown.escape(example.strip()))
        for cell, (reading, other) in zip(st.columns(len(others)), others.items(), strict=True):
            with cell:
                markdown.markdown(
                    markdown.fill_template(
                        "If it is {meaning}:", meaning=messages.reading_label(reading, read.readings)
                    )
                )
                rows = [
                    {"question": q.question, "right answer": q.choices[q.answer]}
                    for q in other.questions[:MAX_COMPARED]
                    if 0 <= q.answer < len(q.choices)
                ]
                st.dataframe(
                    rows,
                    hide_index=True,
                    key=f"{key}_if_{reading}",
                    column_config=widgets.headings(("question", "right answer")),
                )
    return read


def _offer(task: TaskSet, read: Preview, doubles: Mapping[str, str], key: str) -> None:
    _table(read, doubles)
    sound = read.sound
    if not sound:
        if read.questions:
            st.info(language.translate("This file has no usable questions. See the problems above."))
        return
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        replace = False
        if task.questions:
            replace = (
                st.segmented_control(
                    language.translate("Import as"),
                    ["append", "replace"],
                    format_func={
                        "append": language.translate("Add to the set"),
                        "replace": language.translate("Replace its questions"),
                    }.__getitem__,
                    default="append",
                    required=True,
                    label_visibility="collapsed",
                    key=f"{key}_where",
                )
                == "replace"
            )
        left = doubles if not replace else reading.find_duplicates(read, task.dev)
        if left and not st.toggle(language.translate("Skip duplicates"), value=True, key=f"{key}_doubles"):
            left = {}
        chosen = [q for q in sound if q.id not in left]
        if st.button(
            markdown.escape(
                _label(task, chosen, len(read.questions) + _refused(read) - len(chosen), replace)
            ),
            type="primary",
            key=_key("import_go"),
            icon=":material/playlist_add:",
            disabled=not chosen,
        ):
            _add(task.address, chosen, replace)


def _label(task: TaskSet, chosen: Sequence[Question], left_out: int, replace: bool) -> str:
    number = language.whole_number(len(chosen))
    if replace:
        label = language.translate_count(
            "Replace {number} question by {new}",
            "Replace {number} questions by {new}",
            len(task.questions),
            new=number,
        )
    else:
        label = language.translate_count("Add {number} question", "Add {number} questions", len(chosen))
    if left_out <= 0:
        return label
    left = language.whole_number(left_out)
    return language.translate("{action} and leave out {number}", action=label, number=left)


def _refused(read: Preview) -> int:
    """Number of rows from which no question could be read."""
    return sum(problem.code == "unreadable_row" for problem in read.problems)


def _add(name: str, questions: Sequence[Question], replace: bool) -> None:
    def added() -> None:
        saved = authoring.add_questions(session.studio().settings, name, questions, replace)
        last_edit.forget_last_edit()
        last_edit.after_save(saved)
        st.session_state.pop(_HANDED, None)
        # The widgets are new, without the imported file.
        st.session_state["import_round"] = st.session_state.get("import_round", 0) + 1
        if replace:
            said = language.translate_count(
                "The set has {number} question.", "The set has {number} questions.", len(questions)
            )
        else:
            said = language.translate_count(
                "Added {number} question.", "Added {number} questions.", len(questions)
            )
        markdown.toast(f"{said} {language.translate('Undo takes it back in one step.')}")

    widgets.perform_action(added)


def _table(read: Preview, doubles: Mapping[str, str]) -> None:
    """Draw the first questions as text: a grid of cells draws no image, no link and no HTML."""
    widest = max((len(q.choices) for q in read.questions[:MAX_SHOWN]), default=0)
    rows = [
        {
            "row": language.translate(messages.place_of(at)),
            "state": language.translate("cannot be added")
            if place in read.broken
            else language.translate("already there: {place}", place=messages.place_of(doubles[q.id]))
            if q.id in doubles
            else "",
            "question": q.question,
            "right answer": q.choices[q.answer] if 0 <= q.answer < len(q.choices) else "",
            **{
                language.translate("choice {letter}", letter=str(n + 1)): q.choices[n]
                if n < len(q.choices)
                else ""
                for n in range(widest)
            },
        }
        for place, (q, at) in enumerate(zip(read.questions[:MAX_SHOWN], read.rows, strict=False))
    ]
    if rows:
        st.dataframe(
            rows,
            hide_index=True,
            height=min(300, 38 + 35 * len(rows)),
            column_config=widgets.headings(("row", "state", "question", "right answer")),
        )


def _named(key: str) -> ReadOptions:
    """Format and encoding chosen by the visitor."""
    kind = st.selectbox(
        language.translate("Format"),
        [FOUND, *KINDS],
        format_func=lambda name: language.translate(KINDS[name].label if name in KINDS else "as found"),
        key=f"{key}_kind",
    )
    encoding = st.selectbox(
        language.translate("Encoding"),
        [FOUND, *ENCODINGS],
        format_func=lambda name: language.translate("as found") if name == FOUND else name,
        key=f"{key}_encoding",
    )
    return ReadOptions(kind=None if kind == FOUND else kind, encoding=None if encoding == FOUND else encoding)


def _otherwise(place: Any, found: Preview, how: ReadOptions, key: str) -> ReadOptions:
    """Reading options with the visitor's changes to sheet, header row and answer base."""
    said: dict[str, Any] = {}
    with place:
        if found.sheets[1:]:
            sheet = st.selectbox(language.translate("Sheet"), found.sheets, key=f"{key}_sheet")
            said |= {"sheet": sheet} if sheet != found.sheets[0] else {}
        if found.separator or found.sheets:
            header = st.checkbox(
                language.translate("The first row names the columns"), value=found.header, key=f"{key}_header"
            )
            said |= {"header": header} if header != found.header else {}
        if found.answers_from is not None:
            counted = st.selectbox(
                language.translate("Number of the first choice"),
                (0, 1),
                found.answers_from,
                key=f"{key}_counted",
            )
            said |= {"answers_from": counted} if counted != found.answers_from else {}
    return how.model_copy(update=said)


def _mapped(place: Any, read: Preview, key: str) -> dict[str, str]:
    """Roles of the columns if the visitor has changed any, else empty."""
    if read.kind not in ("csv", "tsv", "xlsx", "json", "jsonl", "parquet"):
        return {}
    several = min(columns.MAX_CHOICES, max(4, len(read.columns)))
    roles = [role for role in columns.ROLES if not columns.CHOICE.fullmatch(role)]
    roles[3:3] = [f"choice_{n}" for n in range(1, several + 1)]
    chosen = {}
    shape = hashlib.sha256(repr([(c.name, c.role) for c in read.columns]).encode()).hexdigest()[:12]
    with place:
        for start in range(0, min(len(read.columns), MAX_MAPPED), A_LINE):
            for cell, column in zip(st.columns(A_LINE), read.columns[start : start + A_LINE], strict=False):
                chosen[column.name] = cell.selectbox(
                    markdown.escape(column.name),
                    roles,
                    index=roles.index(column.role) if column.role in roles else roles.index(columns.KEPT),
                    format_func=lambda role: language.translate(messages.role_label(role)),
                    key=f"{key}_{shape}_{start}_{column.name}",
                    help=markdown.fill_template(
                        "such as {sample}", sample=" · ".join(filter(None, column.sample))
                    )
                    if any(column.sample)
                    else None,
                )
    guessed = {column.name: column.role for column in read.columns}
    if all(guessed[name] == role for name, role in chosen.items()):
        return {}
    return guessed | chosen


def _read(data: bytes, filename: str, how: ReadOptions | None) -> Preview:
    """The file as read with these options, cached in the session while the visitor looks at it."""
    digest = hashlib.sha256(data).hexdigest(), filename, how.model_dump_json() if how else ""
    kept: dict[Any, Preview] = st.session_state.setdefault("import_read", {})
    if digest not in kept:
        while len(kept) > 4:  # the file as found, as mapped, and with each meaning of its answers
            kept.pop(next(iter(kept)))
        kept[digest] = authoring.preview_import(session.studio().settings, data, filename, how)
    return kept[digest]


def _key(name: str) -> str:
    """Key of a widget, new after each import so that the widget is empty again."""
    done = st.session_state.get("import_round", 0)
    return f"{name}_{done}" if done else name


def _with_origin(task: TaskSet, kind: str) -> Sequence[Question]:
    return writing.add_origin(task.questions, selection_origin.origin_of_set(task), kind)


def download(task: TaskSet) -> None:
    """Draw the download of the questions as a file, with the content that its format cannot hold."""
    if not task.questions:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        kind = st.selectbox(
            language.translate("Questions as a file"),
            list(LABELS),
            format_func=LABELS.__getitem__,
            key="set_format",
            width=200,
        )
        form = writing.FORMS[kind]
        st.download_button(
            markdown.fill_template("Download {format}", format=LABELS[kind]),
            lambda: writing.write_questions(_with_origin(task, kind), kind),
            f"{task.name}{form.end}",
            form.mime,
            icon=":material/download:",
            on_click="ignore",
            key="set_download",
        )
    lost = page_cache.get_or_compute(
        "lost content", (task, kind), lambda: writing.lost_content(_with_origin(task, kind), kind)
    )
    if lost:
        markdown.caption(
            markdown.fill_template(
                "Some content is lost in {format}: {lost}", format=LABELS[kind], lost=joined(lost)
            )
        )
