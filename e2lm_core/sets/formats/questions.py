"""Builds questions from rows with column roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import one_line
from e2lm_core.base.records import Finding, Question
from e2lm_core.base.sentences import NONE, Sentence, joined
from e2lm_core.base.settings import Limits
from e2lm_core.sets.checks.check import broken_places, structural_errors
from e2lm_core.sets.formats import answers, columns
from e2lm_core.sets.formats.records import KEPT, LEFT_OUT, Column, FileRow, FileRows, Preview, ReadOptions
from e2lm_core.sets.prompts.docs import OPTIONAL
from e2lm_core.sets.rows import extra_columns, free_id, no_list, optional_text, parse_json

MISSING = "missing_columns"
UNCLEAR = "unclear_answers"
_SAMPLES = 3


class _Draft(NamedTuple):
    """Row with its choices read, before its answer is."""

    row: FileRow
    text: str
    choices: tuple[str, ...]
    labels: tuple[str, ...]


def preview(rows: FileRows, kind: str, name: str, limits: Limits, options: ReadOptions) -> Preview:
    """Build the questions of rows, and list the problems of the other rows.

    There are no questions if columns are missing, or if nothing decides the meaning of numbered answers: the
    first problem says so.

    Args:
        rows: Rows as a reader found them.
        kind: The format's key in `KINDS`.
        name: The file's name, for sentences.
        limits: Bounds on questions.
        options: The user's settings for the file.

    Raises:
        TaskError: There is no row, or the settings name a column or role that does not exist.
    """
    roles = (
        {column: column for column in rows.columns}
        if rows.final
        else columns.guess_roles(rows.columns, rows.rows, options.roles, name)
    )
    shown = Preview(
        kind=kind,
        encoding=rows.encoding,
        is_encoding_guessed=bool(rows.encoding and options.encoding is None and rows.encoding[:3] != "utf"),
        separator=rows.separator,
        header=rows.header,
        sheets=rows.sheets,
        columns=tuple(
            Column(
                name=c,
                role=roles[c],
                sample=tuple(columns.sample_text(r.values, c) for r in rows.rows[:_SAMPLES]),
            )
            for c in rows.columns
        ),
    )
    if missing := _missing(roles, rows.columns, name):
        return shown.model_copy(update={"problems": (_error(MISSING, missing),)})
    if not rows.rows:
        raise TaskError(Sentence("{name} holds no question: give a file with one or more.", name=name))
    drafts, problems = _drafts(rows.rows, roles)
    answer = next(column for column, role in roles.items() if role == "answer")
    meant, asks = _meaning(rows, drafts, roles, options.answers_from)
    notes = [_warning("note", note) for note in rows.notes]
    if meant.readings:
        unread = (_error(UNCLEAR, asks), *problems, *notes)
        return shown.model_copy(update={"readings": meant.readings, "problems": unread})
    read: list[tuple[FileRow, Question]] = []
    taken = {str(row.values[c]) for row in rows.rows for c in roles if roles[c] == "id" and row.values.get(c)}
    seen: set[str] = set()
    for number, draft in enumerate(drafts, start=1):
        try:
            question = _question(draft, roles, answer, meant, number, taken)
            if rows.final and question.id in seen:  # several questions may have one title
                question = question.model_copy(update={"id": free_id(f"q{number}", taken)})
            seen.add(question.id)
            read.append((draft.row, question))
        except TaskError as error:
            problems.append(_refused(error.sentence))
    questions = tuple(question for _, question in read)
    has_numbers = not rows.final and any(
        answers.whole_number(row.values.get(answer)) is not None for row, _ in read
    )
    places = tuple(row.at for row, _ in read)
    ragged = [row.at for row, q in read if any(choice != choice.strip() for choice in q.choices)]
    if ragged:
        problems.append(
            _warning(
                "outer_blank",
                Sentence(
                    "{where}: a choice begins or ends with a blank, which changes the models' answers; remove it.",
                    where=_rows(ragged),
                ),
            )
        )
    problems += structural_errors(questions, limits, names=places)
    if not rows.final:
        problems += _said(read, answer, meant, options.answers_from)
    problems += notes
    return shown.model_copy(
        update={
            "answers_from": meant.numbers if has_numbers and meant.numbers != "text" else None,
            "questions": questions,
            "rows": tuple(map(str, places)),  # sentences of many rows would take long to come back
            "broken": broken_places(questions, limits),
            "problems": tuple(p.model_copy(update={"sentence": one_line(p.sentence)}) for p in problems),
        }
    )


def _missing(roles: Mapping[str, str], names: Sequence[str], name: str) -> str:
    """Sentence that names missing columns for the question, choices or answer; "" if none is missing."""
    chosen = columns.choice_columns(roles)
    missing = [role for role in ("question", "answer") if role not in roles.values()]
    few = 1 if columns.are_distractors(chosen) else 2
    if "choices" not in roles.values() and len(chosen) < few:
        missing.append("choices")
    if not missing:
        return ""
    return Sentence(
        "{name} lacks the column {missing} (it has {columns}); a table needs question, answer and choices (a JSON "
        "list) or choice_1, choice_2, …",
        "{name} lacks the columns {missing} (it has {columns}); a table needs question, answer and choices (a JSON "
        "list) or choice_1, choice_2, …",
        number=len(missing),
        name=name,
        missing=", ".join(missing),
        columns=", ".join(names[:12]) or NONE,
    )


def _drafts(rows: Sequence[FileRow], roles: Mapping[str, str]) -> tuple[list[_Draft], list[Finding]]:
    asked = next(column for column, role in roles.items() if role == "question")
    answer = next(column for column, role in roles.items() if role == "answer")
    listed = next((column for column, role in roles.items() if role == "choices"), None)
    each = columns.choice_columns(roles)
    only_wrong = columns.are_distractors(each)
    drafts, problems = [], []
    for row in rows:
        try:
            if row.refused:
                raise TaskError(joined((row.at, row.refused), ": "))
            text = row.values.get(asked)
            if isinstance(text, int | float) and not isinstance(text, bool):
                text = answers.cell_text(text)
            if not isinstance(text, str):
                raise TaskError(Sentence("{where}: question must be text.", where=row.at))
            labels: tuple[str, ...] = ()
            if listed is None:
                choices = [answers.cell_text(row.values.get(column)) for column in each]
                while choices and not choices[-1]:
                    choices.pop()
                gold = answers.cell_text(row.values.get(answer)).strip()
                if only_wrong and gold:
                    choices = [gold, *choices]
                drafts.append(_Draft(row, text, tuple(choices), labels))
            else:
                drafts.append(_Draft(row, text, *_listed(row.values.get(listed), row.at)))
        except TaskError as error:
            problems.append(_refused(error.sentence))
    return drafts, problems


def _listed(value: Any, at: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Texts and labels of the choices in a list, a JSON list, or `{"text": […], "label": […]}`."""
    if isinstance(value, str):
        value = parse_json(value, joined((at, "choices"), ": "))
    labels: Any = ()
    if isinstance(value, dict):
        labels = value.get("label") or value.get("labels") or ()
        texts = value.get("text") or value.get("texts")
        if not labels and not texts:  # `{"A": "gold", "B": "iron"}`
            labels, texts = [*value], [*value.values()]
        value = texts
    if isinstance(value, list) and value and all(isinstance(one, dict) and "text" in one for one in value):
        labels, value = [one.get("label", "") for one in value], [one["text"] for one in value]
    if not isinstance(value, list) or not all(isinstance(choice, str) for choice in value):
        raise no_list(at)
    if not isinstance(labels, list):
        labels = ()
    if labels and len(labels) != len(value):
        raise TaskError(
            Sentence(
                "{where}: its choices have {texts} texts and {labels} labels; give each text its own.",
                where=at,
                texts=str(len(value)),
                labels=str(len(labels)),
            )
        )
    return tuple(value), tuple(map(str, labels))


def _meaning(
    found: FileRows, drafts: Sequence[_Draft], roles: Mapping[str, str], asked: answers.Reading | None
) -> tuple[answers.AnswerEncoding, str]:
    """Meaning of the answers, and the question to the user if nothing decides it, else ""."""
    if found.final:
        return answers.AnswerEncoding(0), ""
    chosen = columns.choice_columns(roles)
    if columns.are_distractors(chosen):
        return answers.AnswerEncoding("text"), ""  # the answer is the choice without a column
    answer = next(column for column, role in roles.items() if role == "answer")
    told = [
        (draft, value)
        for draft in drafts
        if draft.choices
        and answers.index_of_label(
            answers.cell_text(value := draft.row.values.get(answer)).strip(), draft.labels
        )
        is None
    ]
    read = answers.detect_encoding(
        [(value, draft.choices) for draft, value in told], columns.base_from_names(chosen)
    )
    if asked is None and roles.get(columns.COUNTED) == LEFT_OUT:
        asked = columns.stated_base(found.rows)
    if asked is not None:
        return read._replace(numbers=asked, readings=()), ""
    return read, _asks(read, [draft.row.at for draft, _ in told]) if read.readings else ""


def _asks(meant: answers.AnswerEncoding, places: Sequence[str]) -> str:
    """Question about the meaning of numbers, with an example; `places` are the rows of `meant`."""
    one, other = meant.telling[0], meant.telling[-1]
    if "text" in meant.readings:
        said = [
            Sentence("{choice} as a text", choice=_choice(one, reading))
            if reading == "text"
            else Sentence("{choice} counted from {first}", choice=_choice(one, reading), first=reading)
            for reading in meant.readings
        ]
        return Sentence(
            'Is "{answer}" a choice\'s text or its number? In {row} it is {readings}.',
            answer=one.text,
            row=places[one.row],
            readings=joined(said, ", "),
        )
    if one is other:
        return Sentence(
            'Is "1" the first choice or the second? In {row} the answer {answer} is {first} if it is the first and '
            "{second} if it is the second.",
            row=places[one.row],
            answer=one.text,
            first=_choice(one, 1),
            second=_choice(one, 0),
        )
    return Sentence(
        'Is "1" the first choice or the second? The answer {first} of {first_row} fits only if it is the first, the '
        "answer {second} of {second_row} only if it is the second.",
        first=other.text,
        first_row=places[other.row],
        second=one.text,
        second_row=places[one.row],
    )


def _choice(given: answers.NumberedAnswer, reading: answers.Reading) -> str:
    place = given.choice_index(reading)
    return NONE if place is None else f'"{given.choices[place][:40]}"'


def _question(
    draft: _Draft,
    roles: Mapping[str, str],
    answer: str,
    meant: answers.AnswerEncoding,
    number: int,
    taken: set[str],
) -> Question:
    values, at = draft.row.values, draft.row.at
    named = {role: values.get(column) for column, role in roles.items() if role not in (KEPT, LEFT_OUT)}
    identity = answers.cell_text(named.get("id")) or free_id(f"q{number}", taken)
    kept = {
        column: value
        for column, role in roles.items()
        if role == KEPT and (value := values.get(column)) not in (None, "")
    }
    return Question(
        id=identity,
        question=draft.text,
        choices=draft.choices,
        answer=answers.answer_index(values.get(answer), draft.choices, meant, draft.labels, at),
        **{name: optional_text(named, name, at) or None for name in OPTIONAL},
        extra=extra_columns(kept, at),
    )


def _said(
    read: Sequence[tuple[FileRow, Question]],
    answer: str,
    meant: answers.AnswerEncoding,
    asked: answers.Reading | None,
) -> list[Finding]:
    """Warnings about answers that are numbers or letters."""
    given = [(row, q, row.values.get(answer)) for row, q in read]
    problems = []
    twofold = [row.at for row, q, value in given if _is_twofold(value, q)]
    if twofold:
        where = _rows(twofold)
        means = (
            Sentence("a place counted from {first}", first=meant.numbers)
            if meant.numbers in (0, 1)
            else Sentence("a choice's letter")
        )
        problems.append(
            _warning(
                "ambiguous_answer",
                Sentence(
                    "{where}: the answer is also the text of another choice; it is read as {meaning}, so write the "
                    "choice's letter where its text is meant.",
                    where=where,
                    meaning=means,
                ),
            )
        )
    if asked is None and meant.numbers == 1:
        said = Sentence("Answers that are numbers count from 1, as the rows or the names of the columns say.")
        problems.append(_warning("answers_from_one", said))
    return problems


def _rows(places: Sequence[str]) -> str:
    """Rows for the begin of a sentence: the first, and the number of the others."""
    others = len(places) - 1
    if not others:
        return places[0]
    return Sentence(
        "{row} (and in {number} more row)", "{row} (and in {number} more rows)", row=places[0], number=others
    )


def _is_twofold(given: Any, question: Question) -> bool:
    text = given.strip() if isinstance(given, str) else ""
    return text in question.choices and question.choices.index(text) != question.answer


def _refused(said: str) -> Finding:
    return _error("unreadable_row", said)


def _error(code: str, said: str) -> Finding:
    return Finding(severity="error", code=code, sentence=one_line(said))


def _warning(code: str, said: str) -> Finding:
    return Finding(severity="warning", code=code, sentence=said)
