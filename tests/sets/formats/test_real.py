"""Real questions in and out of every format: the 1,437 of the three pools in Debian's package `hamexam`."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats import reading, writing
from e2lm_core.sets.formats.kinds import KINDS
from e2lm_core.sets.prompts.docs import row_of

pytestmark = pytest.mark.slow
LIMITS = Limits()
COUNT, SOME = 1_437, 500
# A question as its pool has it: `E1A01 (D) [97.305, 97.307(b)]`, the question, and four choices.
POOL = re.compile(r"(\w+) \(([A-D])\).*\n(.+)\nA\. ?(.+)\nB\. ?(.+)\nC\. ?(.+)\nD\. ?(.+)\n*")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> tuple[Question, ...]:
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        pytest.skip("hamexam is a package of Debian's, which this system cannot fetch.")
    folder = tmp_path_factory.mktemp("hamexam")
    try:
        subprocess.run(
            ["apt-get", "download", "hamexam"], cwd=folder, check=True, capture_output=True, timeout=120
        )
    except subprocess.SubprocessError as error:
        pytest.skip(f"apt cannot download hamexam: {error}")
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", package.name, "x"], cwd=folder, check=True)
    files = sorted(path for level in "TGE" for path in (folder / "x/usr/share/hamexam" / level).iterdir())
    return tuple(map(asked, files))


def asked(path: Path) -> Question:
    found = POOL.fullmatch(path.read_text(encoding="utf-8"))
    assert found is not None, path
    name, gold, question, *choices = found.groups()
    return Question(
        id=name, question=question, choices=tuple(choices), answer="ABCD".index(gold), subject=name[:2]
    )


def made(questions: tuple[Question, ...], kind: str) -> tuple[bytes, str]:
    """(file, its name): of the formats that the studio only reads, as other programs write them."""
    rows = [row_of(q) for q in questions]
    match kind:
        case "tsv":
            text = io.StringIO()
            out = csv.writer(text, "excel-tab")
            out.writerow(
                ["id", "Question", "Option A", "Option B", "Option C", "Option D", "Correct answer", "Topic"]
            )
            out.writerows([q.id, q.question, *q.choices, "ABCD"[q.answer], q.subject] for q in questions)
            return text.getvalue().encode("utf-16"), "t.tsv"
        case "json":
            return json.dumps({"questions": rows}).encode(), "t.json"
        case "parquet":
            buffer = io.BytesIO()
            parquet.write_table(arrow.Table.from_pylist(rows), buffer)
            return buffer.getvalue(), "t.parquet"
        case "moodle":
            return "".join(("<quiz>", *map(moodle, questions), "</quiz>")).encode(), "t.xml"
        case "markdown":
            return "\n".join(
                f"{n}. {q.question.strip()}\n{ticks(q)}" for n, q in enumerate(questions, 1)
            ).encode(), "t.md"
    return writing.write_questions(questions, kind), f"t{writing.FORMS[kind].end}"


def moodle(q: Question) -> str:
    answers = "".join(
        f'<answer fraction="{100 * (n == q.answer)}" format="html"><text>{escape(escape(choice))}</text></answer>'
        for n, choice in enumerate(q.choices)
    )
    return (
        f'<question type="category"><category><text>$course$/{q.subject}</text></category></question>'
        f'<question type="multichoice"><name><text>{q.id}</text></name><questiontext format="html">'
        f"<text><![CDATA[<p>{escape(q.question)}</p>]]></text></questiontext>{answers}</question>"
    )


def ticks(q: Question) -> str:
    return "".join(
        f"   - [{'x' if n == q.answer else ' '}] {choice.strip()}\n" for n, choice in enumerate(q.choices)
    )


@pytest.mark.parametrize("count", [COUNT, SOME])
@pytest.mark.parametrize("kind", KINDS)
def test_counts_texts_and_golds_are_equal(pool: tuple[Question, ...], kind: str, count: int) -> None:
    questions = pool[:count]
    assert len(questions) == count
    data, name = made(questions, kind)
    start = time.monotonic()
    read = reading.read_confined(data, name, LIMITS)
    print(f"{kind}: {len(data):,} bytes, {count:,} questions read in {time.monotonic() - start:.2f} s")
    assert read.errors == ()
    assert (read.kind, len(read.questions)) == (kind if kind != "aiken" else read.kind, count)
    exact = kind in ("csv", "tsv", "jsonl", "json", "xlsx", "parquet", "qti")
    for ours, theirs in zip(questions, read.questions, strict=True):
        wanted = (
            [ours.question, *ours.choices] if exact else [t.strip() for t in (ours.question, *ours.choices)]
        )
        assert [theirs.question, *theirs.choices] == wanted
        assert theirs.answer == ours.answer
    if kind not in ("aiken", "markdown"):
        assert [q.id for q in read.questions] == [q.id for q in questions]
    if kind not in ("aiken", "markdown", "qti"):
        assert [q.subject for q in read.questions] == [q.subject for q in questions]
    if kind in writing.FORMS and exact and kind != "qti":
        assert read.questions == questions


def test_two_questions_have_spaces_that_two_formats_cannot_hold(pool: tuple[Question, ...]) -> None:
    said = "In 2 questions, line breaks, spaces at the ends or special characters are changed or lost: "
    assert [said in " ".join(writing.lost_content(pool, kind)) for kind in writing.FORMS] == [
        kind in ("gift", "aiken") for kind in writing.FORMS
    ]


def test_a_pool_is_known_again_in_the_set(pool: tuple[Question, ...]) -> None:
    read = reading.read_confined(*made(pool, "moodle"), LIMITS)
    assert len(reading.find_duplicates(read, pool[:SOME])) >= SOME
