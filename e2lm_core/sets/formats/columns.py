"""Assigns roles to columns by name and content."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Question
from e2lm_core.base.sentences import NONE, Sentence
from e2lm_core.sets.formats.answers import (
    BASES,
    LETTER,
    detect_encoding,
    index_of_letter,
    index_of_text,
    whole_number,
)
from e2lm_core.sets.formats.records import KEPT, LEFT_OUT, LETTERS, FileRow
from e2lm_core.sets.prompts.docs import OPTIONAL

MAX_CHOICES = 26
CHOICE = re.compile(r"choice_([1-9]\d?)")
COUNTED = "answers_from"  # column with the base of answers: 0 or 1, the same in every row
FIXED = ("question", "answer", "choices", "id", *OPTIONAL)
ROLES = (*FIXED, *(f"choice_{n}" for n in range(1, MAX_CHOICES + 1)), KEPT, LEFT_OUT)
_LOOKED_AT = 200  # rows that a guess by contents looks at

# Names as `_plain` writes them, in English, German, French, Spanish, Italian, Portuguese and Dutch, and those
# of public data sets. The studio's own names are roles already.
_NAMES = {
    "question": """questiontext questionstem stem prompt query item problem frage fragetext fragestellung aufgabe
        enonce pregunta enunciado domanda pergunta questao vraag text sentence inputquestion""",
    "answer": """correct correctanswer correctoption correctchoice rightanswer answerkey key gold label target solution
        answeridx answerindex correctindex correctletter goldindex antwort richtig richtigeantwort loesung losung korrekt reponse
        bonnereponse reponsecorrecte respuesta respuestacorrecta correcta solucion risposta rispostacorretta
        corretta resposta respostacorreta antwoord juisteantwoord cop""",
    "choices": "options answers alternatives antworten antwortmoeglichkeiten antwortmoglichkeiten mcoptions",
    "id": "qid questionid itemid nr no number nummer numero identifier uid",
    "subject": "topic category categories field chapter unit thema fach kategorie sujet matiere tema materia categoria vak",
    "source": "reference quelle fuente fonte bron url",
    "license": "licence lizenz licencia licenza licenca",
    "note": "notes comment comments remark bemerkung kommentar anmerkung commentaire nota comentario",
    "group": "gruppe groupe grupo gruppo groep family",
}
_ROLE_OF = {name: role for role, names in _NAMES.items() for name in names.split()}
# Words before a choice's letter or number; those of `_WRONG_WORDS` name a wrong answer.
_CHOICE_WORDS = """choice option opt answer ans answeroption answerchoice alternative response antwort auswahl
    antwortmoeglichkeit antwortmoglichkeit reponse proposition respuesta opcion risposta opzione resposta opcao antwoord optie mc"""
_WRONG_WORDS = (
    "distractor distracter incorrectanswer wronganswer incorrect wrong falsch falscheantwort distraktor"
)
_NUMBERED = re.compile(
    rf"(?P<word>{'|'.join(sorted((_CHOICE_WORDS + ' ' + _WRONG_WORDS).split(), key=len, reverse=True))})?(?P<mark>[a-z]|\d{{1,2}})"
)


def are_column_names(cells: Sequence[str]) -> bool:
    """Whether cells are known names of columns: a question's, an answer's and choices'."""
    roles = roles_by_name(cells)
    chosen = choice_columns(roles)
    choices = "choices" in roles.values() or len(chosen) >= (1 if are_distractors(chosen) else 2)
    return choices and {"question", "answer"} <= set(roles.values())


def names_columns(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether a first line names columns.

    It does if its names are known or fewer than three. Otherwise it does if its own cell in the answer column
    cannot be an answer while that of every other line can. Without such a column a short line that asks
    nothing is taken for names.
    """
    if len(first) < 3 or are_column_names(first):
        return True
    if not others:
        return not any(_can_answer(first, at) for at in range(len(first)))
    lines = [[*line[: len(first)], *[""] * (len(first) - len(line))] for line in others]
    named = next((at for at, cell in enumerate(first) if roles_by_name(first).get(cell) == "answer"), None)
    names = [str(at) for at in range(len(first))]
    rows = [FileRow("", dict(zip(names, line, strict=True))) for line in lines]
    texts = {name: [line[at].strip() for line in lines] for at, name in enumerate(names)}
    found = _answer_column(names, texts, rows, {})
    places = {at for at in (named, None if found is None else int(found)) if at is not None}
    if not places:
        return not any(cell.endswith("?") or len(cell) > 25 for cell in first)
    return any(
        not _can_answer(first, at)
        and any(line[at] for line in lines)
        and all(_can_answer(line, at) for line in lines if line[at])
        for at in places
    )


def _can_answer(line: Sequence[str], at: int) -> bool:
    """Whether a cell can answer its line: a choice's letter or number, or another cell's text."""
    text, others = line[at].strip(), [*line[:at], *line[at + 1 :]]
    if (number := whole_number(text)) is not None and 0 <= number < len(others):
        return True
    return index_of_letter(text, others[1:]) is not None or index_of_text(text, others) is not None


def roles_by_name(columns: Sequence[str]) -> dict[str, str]:
    """Roles of the columns that their names tell, by column.

    A column with the studio's own name comes before all others.
    """
    roles = {column: column for column in columns if column in FIXED}
    choices = _choices(columns)
    if "choices" not in roles:
        roles |= {column: role for column, role in choices.items() if column not in roles}
    own = {"question", "answer"} <= roles.keys() and (
        "choices" in roles or all(CHOICE.fullmatch(c) for c in choices)
    )
    for column in columns:
        role = _ROLE_OF.get(_plain(column)) or (_plain(column) if _plain(column) in FIXED else None)
        if role is None or column in roles or role in roles.values() or own:
            continue
        if role == "choices" and choices:
            continue
        roles[column] = role
    return roles


def guess_roles(
    columns: Sequence[str], rows: Sequence[FileRow], given: Mapping[str, str], name: str
) -> dict[str, str]:
    """Role of every column: as given, else by its name, else by its contents; KEPT for the others.

    Args:
        columns: Names of the columns.
        rows: Rows of the file, of which the first 200 are looked at.
        given: Roles that the user has set, by column.
        name: The file's name, for error sentences.

    Raises:
        TaskError: `given` names a column or role that does not exist, or one role twice.
    """
    _check(columns, given, name)
    taken = set(given.values())
    several = any(CHOICE.fullmatch(role) for role in taken)
    roles = dict(given)
    if COUNTED in columns and COUNTED not in given and stated_base(rows) is not None:
        roles[COUNTED] = LEFT_OUT
    for column, role in roles_by_name(columns).items():
        if column in given or role in taken or (several and (CHOICE.fullmatch(role) or role == "choices")):
            continue
        roles[column] = role
    if "choices" in given.values():
        roles = {c: r for c, r in roles.items() if not CHOICE.fullmatch(r)}
    _by_contents([c for c in columns if c not in roles], rows[:_LOOKED_AT], roles, columns)
    return {column: roles.get(column, KEPT) for column in columns}


def choice_columns(roles: Mapping[str, str]) -> list[str]:
    """Columns that hold one choice each, in the order of the choices."""
    numbered = {int(found[1]): column for column, role in roles.items() if (found := CHOICE.fullmatch(role))}
    return [numbered[number] for number in sorted(numbered)]


def are_distractors(columns: Iterable[str]) -> bool:
    """Whether every column is a wrong answer by its name (`distractor1`, …).

    The answer is then the choice that has no column.
    """
    found = [_NUMBERED.fullmatch(_plain(column)) for column in columns]
    return bool(found) and all(match and match["word"] in _WRONG_WORDS.split() for match in found)


def base_from_names(columns: Sequence[str]) -> Literal[0, 1] | None:
    """Base of the numbers in the names of choices' columns (`Option 1`, …: 1).

    None for letters, and for the studio's own `choice_1`, which stood above answers from 0 in earlier
    downloads.
    """
    found = [_NUMBERED.fullmatch(_plain(column)) for column in columns if not CHOICE.fullmatch(column)]
    places = [int(match["mark"]) for match in found if match and match["mark"].isdigit()]
    for base in BASES:
        if places and places == [*range(base, base + len(columns))]:
            return base
    return None


def stated_base(rows: Sequence[FileRow]) -> Literal[0, 1] | None:
    """Base that a column `answers_from` gives for all rows; None without it or with other values."""
    said = {whole_number(row.values.get(COUNTED)) for row in rows if not row.refused}
    return next((base for base in BASES if said == {base}), None)


def add_base_column(questions: Sequence[Question]) -> Sequence[Question]:
    """Add a column `answers_from` to questions for a table whose answers alone would not tell their base."""
    read = detect_encoding([(q.answer, q.choices) for q in questions])
    if (read.numbers in (0, None) and not read.readings) or any(COUNTED in q.extra for q in questions):
        return questions
    return [q.model_copy(update={"extra": {COUNTED: 0, **q.extra}}) for q in questions]


def _check(columns: Sequence[str], given: Mapping[str, str], name: str) -> None:
    for column, role in given.items():
        if column not in columns:
            raise TaskError(
                Sentence(
                    "{name} has no column {column} to map; it has {columns}.",
                    name=name,
                    column=quote(column),
                    columns=", ".join(columns[:12]) or NONE,
                )
            )
        if role not in ROLES:
            raise TaskError(
                Sentence(
                    "A column cannot be read as {role}: use {roles}, or choice_1 to choice_{most}.",
                    role=quote(role),
                    roles=", ".join(FIXED),
                    most=MAX_CHOICES,
                )
            )
    named = [role for role in given.values() if role not in (KEPT, LEFT_OUT)]
    twice = next((role for role in named if named.count(role) > 1), None)
    if twice is not None:
        raise TaskError(
            Sentence("Two columns of {name} are mapped to {role}: map one.", name=name, role=twice)
        )


def _choices(columns: Sequence[str]) -> dict[str, str]:
    """Roles of columns named as choices, two at least, without a gap, from 1 or 0.

    Names are such as `choice_1`, `Option A`, `Antwort 1` or `A`.
    """
    exact = {column: column for column in columns if CHOICE.fullmatch(column)}
    if len(exact) > 1:
        return exact
    words: dict[str, dict[int, str]] = {}
    for column in columns:
        if column in FIXED or not (found := _NUMBERED.fullmatch(_plain(column))):
            continue
        mark = found["mark"]
        place = int(mark) if mark.isdigit() else LETTERS.index(mark.upper()) + 1
        words.setdefault(f"{found['word'] or ''}{mark.isdigit()}", {}).setdefault(place, column)
    longest = max(words.values(), key=len, default={})
    from_nil = 0 in longest
    if len(longest) < 2 or max(longest) > MAX_CHOICES or len(longest) != max(longest) + from_nil:
        return {}
    return {column: f"choice_{place + from_nil}" for place, column in sorted(longest.items())}


def _by_contents(
    free: list[str], rows: Sequence[FileRow], roles: dict[str, str], columns: Sequence[str]
) -> None:
    """Add the missing roles to `roles`, by the cells of the columns without one.

    The answer is a letter, a small number or another cell's text. The question is the column with most texts
    that end in ?, then the longest. Choices stand between or behind them.
    """
    texts = {
        c: [str(row.values.get(c) if row.values.get(c) is not None else "").strip() for row in rows]
        for c in free
    }
    filled = [c for c in free if any(texts[c])]
    if "answer" not in roles.values() and (found := _answer_column(filled, texts, rows, roles)):
        roles[found] = "answer"
        filled.remove(found)
    if "question" not in roles.values() and filled:
        asks = max(filled, key=lambda c: (sum(t.endswith("?") for t in texts[c]), sum(map(len, texts[c]))))
        roles[asks] = "question"
        filled.remove(asks)
    if (
        "choices" in roles.values()
        or choice_columns(roles)
        or not {"question", "answer"} <= set(roles.values())
    ):
        return
    listed = next(
        (c for c in filled if all(isinstance(row.values.get(c), list | dict) for row in rows)), None
    )
    if listed is not None:
        roles[listed] = "choices"
        return
    place = {column: at for at, column in enumerate(columns)}
    of_role = {role: place[column] for column, role in roles.items()}
    behind = [c for c in filled if place[c] > of_role["question"]]
    between = [c for c in behind if place[c] < of_role["answer"]]
    chosen = between if len(between) > 1 else behind
    if len(chosen) > 1:
        roles |= {column: f"choice_{n}" for n, column in enumerate(chosen[:MAX_CHOICES], start=1)}


def _answer_column(
    free: Sequence[str], texts: Mapping[str, Sequence[str]], rows: Sequence[FileRow], roles: Mapping[str, str]
) -> str | None:
    """Column that holds answers, by its contents; of several alike the last, as answers follow choices.

    None without one, and if several are alike and another that may be it stands behind them.
    """
    known = choice_columns(roles)
    shares: dict[str, float] = {}
    for column in free:
        own = texts[column]
        given = [text for text in own if text]
        places = [LETTERS.index(found[1].upper()) for text in given if (found := LETTER.fullmatch(text))]
        letters = sum(place < max(len(free), len(known)) for place in places)
        numbers = sum(text.isascii() and text.isdigit() and int(text[:4]) <= MAX_CHOICES for text in given)
        counting = column == free[0] and len(given) > 2 and len(set(given)) == len(given)  # row numbers
        copies = 0
        for at, row in enumerate(rows):
            others = [str(row.values.get(c)).strip() for c in (known or [c for c in free if c != column])]
            copies += bool(own[at]) and index_of_text(own[at], others) is not None
        shares[column] = max(letters, copies, 0 if counting else 0.9 * numbers) / max(1, len(given))
    likely = [column for column in free if shares[column] >= 0.6]
    best = [column for column in likely if shares[column] == max(shares.values())]
    return best[-1] if best and (len(best) == 1 or best[-1] == likely[-1]) else None


def sample_text(row: Mapping[str, Any], column: str) -> str:
    """Cell as a text of at most 80 characters, for a preview of its column."""
    value = row.get(column)
    return "" if value is None else " ".join(str(value)[:200].split())[:80]


def _plain(name: str) -> str:
    """Column name without case, accents, spaces and marks."""
    flat = unicodedata.normalize("NFKD", name[:100].casefold().replace("ß", "ss"))
    return "".join(c for c in flat if c.isalnum() and not unicodedata.combining(c))
