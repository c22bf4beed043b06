"""Answer keys in every format: each is read as it is meant, asked for, or refused with its reason.

Formats × keys as numbers from 0, from 1, letters and texts × with and without the row that tells the base × names of
the columns × words and numbers as choices × one to eight rows.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import openpyxl
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from e2lm_core.base.records import Question
from e2lm_core.base.settings import ROOT, Limits
from e2lm_core.sets.formats import writing
from e2lm_core.sets.formats.kinds import KINDS
from e2lm_core.sets.formats.reading import parse_file
from e2lm_core.sets.formats.records import LETTERS

LIMITS = Limits()
REFERENCE = Path(os.environ.get("E2LM_REFERENCE") or ROOT.parent / "shared" / "reference").resolve()
N = 4  # choices of each question
WORDS = ("iron", "neon", "amber", "wood", "salt", "milk", "clay", "silk")
KEYS = ("from 0", "from 1", "letters", "texts")
CHOICES = ("words", "numbers", "letters")
# Golds without a row that tells: neither the first choice (0 from 0) nor the last (4 from 1), as either may be counted.
UNTOLD = {"from 0": (1, 2, 3), "from 1": (0, 1, 2), "letters": (1, 2, 0), "texts": (2, 1, 3)}
TOLD = {"from 0": 0, "from 1": N - 1, "letters": 3, "texts": 0}

# Names of the columns of choices, and what they count from; None are no names at all, or say nothing.
NAMES: dict[str, tuple[tuple[str, ...], int | None]] = {
    "Option 1": (tuple(f"Option {n}" for n in range(1, N + 1)), 1),
    "choice0": (tuple(f"choice{n}" for n in range(N)), 0),
    "1": (tuple(str(n) for n in range(1, N + 1)), 1),
    "choice_1": (tuple(f"choice_{n}" for n in range(1, N + 1)), None),
    "A": (tuple(LETTERS[:N]), None),
    "opa": (("opa", "opb", "opc", "opd"), None),
    "answerA": (tuple(f"answer{letter}" for letter in LETTERS[:N]), None),
    "unknown": (("left", "right", "above", "below"), None),
}
LISTS = ("choices", "labelled from 1", "labelled by letters")
ANSWERS = ("answer", "label", "my key")
IN_A_WORKBOOK = ("Option 1, answer", "choice_1, answer", "A, answer", "unknown, my key")  # one takes its time


class File(NamedTuple):
    """Questions with their right choices, and how they are written."""

    golds: tuple[int, ...]
    keys: str
    choices: str

    def rows(self) -> list[tuple[str, list[str], int]]:
        """(question, choices, gold) of each."""
        return [
            (f"Which of them is number {n}?", self._choices(n), gold) for n, gold in enumerate(self.golds)
        ]

    def _choices(self, row: int) -> list[str]:
        if self.choices == "words":
            return [WORDS[(row + n) % len(WORDS)] for n in range(N)]
        if self.choices == "numbers":
            return [str((row + n) % N + 1) for n in range(N)]
        return [LETTERS[(row + n + 1) % N] for n in range(N)]

    def key(self, choices: list[str], gold: int) -> str:
        """The right choice as the file says it."""
        return {
            "from 0": str(gold),
            "from 1": str(gold + 1),
            "letters": LETTERS[gold],
            "texts": choices[gold],
        }[self.keys]


def files(kind: str) -> Iterator[File]:
    sizes = {"csv": (1, 2, 3, 8), "xlsx": (3,), "parquet": (3,)}.get(kind, (1, 3))
    for keys, told, choices, rows in product(KEYS, (False, True), CHOICES, sizes):
        golds = [UNTOLD[keys][n % len(UNTOLD[keys])] for n in range(rows)]
        if told:
            golds[-1] = TOLD[keys]
        yield File(tuple(golds), keys, choices)


def outcome(data: bytes, name: str, file: File) -> str:
    """ "right", "asked" or "refused"; "wrong" where a question has another right answer, or is lost without a word."""
    read = parse_file(data, name, LIMITS)
    if read.readings:
        return "wrong" if read.sound else "asked"
    truth = {text: choices[gold] for text, choices, gold in file.rows()}
    golds = {q.question: q.choices[q.answer] for q in read.sound}
    if any(truth.get(text) != gold for text, gold in golds.items()):
        return "wrong"
    if any(q.choices != tuple(c) for q in read.sound for text, c, _ in file.rows() if text == q.question):
        return "wrong"
    return "refused" if read.errors else "right" if len(golds) == len(truth) else "wrong"


def typed(key: str, as_number: bool) -> str | int:
    return int(key) if as_number and key.isdigit() else key


def tables(file: File) -> Iterator[tuple[str, bool, list[str], list[list[Any]]]]:
    """(what, whether a first line names the columns, names, lines) of a file with a column a choice."""
    for (name, (columns, base)), answer, named in product(NAMES.items(), ANSWERS, (True, False)):
        told = 0 in file.golds if file.keys == "from 0" else N - 1 in file.golds
        if (
            named
            and file.keys in ("from 0", "from 1")
            and base not in (None, int(file.keys[-1]))
            and not told
        ):
            continue  # its names say otherwise than its keys: nothing could tell
        if not named and (name, answer) != ("A", "answer"):
            continue
        lines = [[text, *choices, file.key(choices, gold)] for text, choices, gold in file.rows()]
        yield (
            f"{name}, {answer}, {named}",
            named,
            ["question" if answer != "my key" else "thing", *columns, answer],
            lines,
        )


def delimited(lines: list[list[Any]], separator: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(lines)
    return out.getvalue().encode()


def workbook(lines: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Questions")
    for line in lines:
        sheet.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows), out)
    return out.getvalue()


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_list(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows).encode()


def cells(kind: str, lines: list[list[Any]], as_number: bool) -> bytes:
    if kind == "xlsx":
        return workbook([[typed(cell, as_number) for cell in line] for line in lines])
    return delimited(lines, "\t" if kind == "tsv" else ",")


def objects(file: File, as_number: bool) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(what, rows) of a file with an object a question."""
    for what, _, names, lines in (table for table in tables(file) if table[1]):
        yield (
            what,
            [dict(zip(names, [*line[:-1], typed(line[-1], as_number)], strict=True)) for line in lines],
        )
    for what, answer in product(LISTS, ANSWERS):
        if what == "labelled from 1" and file.keys in (
            "from 0",
            "texts" if file.choices == "numbers" else "",
        ):
            continue  # its labels say otherwise
        if what == "labelled by letters" and file.keys == "texts" and file.choices == "letters":
            continue
        rows = []
        for text, choices, gold in file.rows():
            labels = [str(n) for n in range(1, N + 1)] if what == "labelled from 1" else [*LETTERS[:N]]
            given: Any = choices if what == "choices" else {"text": choices, "label": labels}
            rows.append(
                {"question": text, "choices": given, answer: typed(file.key(choices, gold), as_number)}
            )
        yield f"{what}, {answer}", rows


def gift_like(kind: str) -> Callable[[File], Iterator[tuple[str, bytes]]]:
    """The studio's own writer of a format in which the right choice is marked."""

    def made(file: File) -> Iterator[tuple[str, bytes]]:
        questions = [
            Question(id=f"q{n}", question=text, choices=tuple(choices), answer=gold)
            for n, (text, choices, gold) in enumerate(file.rows())
        ]
        yield kind, writing.write_questions(questions, kind)

    return made


def moodle(file: File) -> Iterator[tuple[str, bytes]]:
    parts = [
        f"<question type='multichoice'><questiontext><text>{escape(text)}</text></questiontext>"
        + "".join(
            f"<answer fraction='{100 * (n == gold)}'><text>{choice}</text></answer>"
            for n, choice in enumerate(choices)
        )
        + "</question>"
        for text, choices, gold in file.rows()
    ]
    yield "moodle", f"<quiz>{''.join(parts)}</quiz>".encode()


def markdown(file: File) -> Iterator[tuple[str, bytes]]:
    marks = {
        "bullets": lambda n: "- ",
        "letters": lambda n: f"{LETTERS[n]}. ",
        "numbers": lambda n: f"  {n + 1}. ",
    }
    for what, mark in marks.items():
        if (what, file.keys) == ("numbers", "from 0") or (what == "numbers", file.keys, file.choices) == (
            True,
            "texts",
            "numbers",
        ):
            continue  # the numbers that are printed say otherwise
        if (what, file.keys, file.choices) == ("letters", "texts", "letters"):
            continue
        if what != "numbers" and file.choices == "numbers" and file.keys.startswith("from"):
            continue  # no choice has a number but as its text
        parts = [
            "\n".join(
                [
                    text,
                    *(f"{mark(n)}{c}" for n, c in enumerate(choices)),
                    f"Answer: {file.key(choices, gold)}",
                ]
            )
            for text, choices, gold in file.rows()
        ]
        yield what, "\n\n".join(parts).encode()
    ticked = [
        "\n".join([text, *(f"- [{'x' if n == gold else ' '}] {c}" for n, c in enumerate(choices))])
        for text, choices, gold in file.rows()
    ]
    yield "ticked", "\n\n".join(ticked).encode()


MARKED = {
    "gift": (gift_like("gift"), ".gift"),
    "aiken": (gift_like("aiken"), ".aiken"),
    "qti": (gift_like("qti"), ".zip"),
    "moodle": (moodle, ".xml"),
    "markdown": (markdown, ".md"),
}
OBJECTS = {"jsonl": as_lines, "json": as_list, "parquet": as_parquet}


@cache
def swept(kind: str) -> Counter[str]:
    """How often each outcome was; "wrong" with what it was of."""
    outcomes: Counter[str] = Counter()
    for file in files(kind):
        for what, data in made(kind, file):
            found = outcome(data, f"t{KINDS[kind].ends[0]}", file)
            outcomes[found if found != "wrong" else f"wrong: {what}: {file}"] += 1
    return outcomes


def made(kind: str, file: File) -> Iterator[tuple[str, bytes]]:
    """(what, bytes) of every way in which a format holds a file."""
    if kind in MARKED:
        yield from MARKED[kind][0](file)
        return
    for as_number in (False, True) if kind not in ("csv", "tsv") else (False,):
        if kind in OBJECTS:
            for what, rows in objects(file, as_number):
                yield f"{what}, {as_number}", OBJECTS[kind](rows)
        else:
            for what, named, names, lines in tables(file):
                if kind != "xlsx" or what.startswith(IN_A_WORKBOOK):
                    yield f"{what}, {as_number}", cells(kind, [names, *lines] if named else lines, as_number)


@pytest.mark.parametrize("kind", KINDS)
def test_no_key_is_wrong_without_a_word(kind: str) -> None:
    outcomes = swept(kind)
    wrong = [what for what in outcomes if what.startswith("wrong")]
    assert not wrong, (len(wrong), wrong[:5])
    assert outcomes["right"] >= outcomes.total() // 3


MMLU = """"Find the degree for the given field extension Q(sqrt(2), sqrt(3), sqrt(18)) over Q.",0,4,2,6,B
"Let p = (1, 2, 5, 4)(2, 3) in S_5 . Find the index of <p> in S_5.",8,2,24,120,C
Find all zeros in the indicated finite field of the given polynomial.,0,1,"0,1","0,4",D
"Statement 1 | A factor group of a non-Abelian group is non-Abelian.","True, True","False, False","True, False","False, True",B
"""


@pytest.mark.parametrize("lines", [1, 2, 3, 4])
def test_mmlu_s_own_csv_without_a_header(lines: int) -> None:
    read = parse_file(
        "".join(MMLU.splitlines(keepends=True)[:lines]).encode(), "abstract_algebra_test.csv", LIMITS
    )
    assert [q.choices[q.answer] for q in read.questions] == ["4", "24", "0,4", "False, False"][:lines]
    assert not read.problems
    assert not read.header


def test_names_that_were_found_out_are_said() -> None:
    named = b"what is asked,left,right,mine\nWhich is a gas?,neon,tin,A\nWhich is a metal?,neon,tin,B\n"
    read = parse_file(named, "t.csv", LIMITS)
    assert [q.choices[q.answer] for q in read.questions] == ["neon", "tin"]
    said = "The first line was read as names of columns: what is asked, left, right and mine."
    assert [problem.sentence for problem in read.problems] == [said]


def test_a_benchmark_counted_from_0_and_from_1() -> None:
    file = REFERENCE / "mmlu-dev-sample.jsonl"
    if not file.exists():
        pytest.skip("the sample of MMLU is absent (set E2LM_REFERENCE to its folder)")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for base, untold in product((0, 1), (False, True)):
        kept = [row for row in rows if not untold or row["answer"] not in ((0,), (3,))[base]]
        data = as_lines([row | {"answer": row["answer"] + base} for row in kept])
        read = parse_file(data, file.name, LIMITS)
        assert bool(read.readings) == untold
        assert [q.answer for q in read.questions] == ([] if untold else [row["answer"] for row in kept])
