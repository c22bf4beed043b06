"""Aiken and Markdown lists."""

from __future__ import annotations

import pytest

from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.reading import read_confined
from e2lm_core.sets.formats.records import ReadOptions
from e2lm_core.sets.formats.texts import lists
from tests.support import german

LIMITS = Limits()
AIKEN = """What is the correct answer to this question?
A. Is it this one?
B) Maybe this answer?
ANSWER: B

Which LMS has the most quiz import formats?
A) Moodle
B) ATutor
ANSWER: A
"""
TASKS = """# Chemistry

1. Which gas do plants take in?
   - [ ] oxygen
   - [x] carbon dioxide

2) What is iron,
   and why?
   * [X] a metal
     of the fourth period
   * [ ] a gas

## Question 3

Which is a base?

- [ ] vinegar
- [x] soap
"""
BOLD = """### Which is a metal?
a) wood
b) **iron**
c) air

Explanation: iron conducts.
---
- Which is a gas?
  - **air**
  - iron
- Which is wet?
  - water ✓
  - sand
"""
KEYED = """**1. Which is a metal?**
(a) wood
(b) iron
**Answer:** (b)

Q2: Which is a gas?
A. iron
B. air
Correct answer: air
"""


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        (
            AIKEN,
            [
                ("What is the correct answer to this question?", 1),
                ("Which LMS has the most quiz import formats?", 0),
            ],
        ),
        (
            TASKS,
            [("Which gas do plants take in?", 1), ("What is iron,\nand why?", 0), ("Which is a base?", 1)],
        ),
        (BOLD, [("Which is a metal?", 1), ("Which is a gas?", 0), ("Which is wet?", 0)]),
        (KEYED, [("**1. Which is a metal?**", 1), ("Which is a gas?", 1)]),
    ],
)
def test_questions_as_people_write_them(text: str, questions: list[tuple[str, int]]) -> None:
    preview = read_confined(text.encode(), "t.md", LIMITS)
    assert [(q.question, q.answer) for q in preview.questions] == questions
    assert preview.problems == ()


def test_headings_are_subjects_and_what_goes_on_is_a_line_more() -> None:
    preview = read_confined(TASKS.encode(), "t.md", LIMITS)
    assert [q.subject for q in preview.questions] == ["Chemistry", "Chemistry", "Chemistry"]
    assert preview.questions[1].choices == ("a metal\nof the fourth period", "a gas")
    assert read_confined(BOLD.encode(), "t.md", LIMITS).questions[0].note == "iron conducts."


def test_what_is_none_is_named_by_its_line() -> None:
    text = "Why?\n- a\n- b\n\nWho?\n- [x] a\n- [x] b\n\nWhen?\nA. x\nB. y\nANSWER: C\n\nA text alone.\n"
    preview = read_confined(text.encode(), "t.md", LIMITS)
    assert [problem.sentence for problem in preview.problems] == [
        "Line 1: no choice is marked as right; tick one as [x], or write ANSWER: B behind them.",
        "Line 5: 2 of its choices are marked as right; a question has one.",
        "Line 9: its answer is 'C', which is none of its choices; use its letter or its text.",
        "Line 14: it has no choices; write each on a line of its own, as - … or A. …",
    ]
    for problem in preview.problems:
        german.translated(problem.sentence)


def test_aiken_leaves_out_what_it_would_take_for_something_else() -> None:
    fits = Question(
        id="q1", question="Who?\n Einstein", choices=("A. Einstein", "- b", "ANSWER: c"), answer=2
    )
    odd = Question(id="odd", question="# Who?", choices=("a", "b"), answer=0)
    bold = Question(id="bold", question="Who?", choices=("**a**", "b"), answer=0)
    remark = Question(id="remark", question="Explanation: what is it?", choices=("a", "b"), answer=0)
    year = Question(id="year", question="1945: what ended?", choices=("a", "b"), answer=0)
    every = [fits, odd, bold, remark, year]
    assert [q.id for q in lists.storable_questions(every)] == ["q1"]
    preview = read_confined(lists.write(every), "t.txt", LIMITS, ReadOptions(kind="aiken"))
    assert preview.questions == (fits.model_copy(update={"question": "Who? Einstein"}),)


def test_what_looks_like_ticks_is_text_where_the_answer_is_named() -> None:
    for choices in (("**a**", "b"), ("[x] a", "b"), ("a ✓", "b"), ("**a**", "**b**")):
        question = Question(id="q1", question="Who?", choices=choices, answer=1)
        preview = read_confined(lists.write([question]), "t.txt", LIMITS, ReadOptions(kind="aiken"))
        assert preview.questions == (question,)


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        (["1945: "], ["1945: what"]),
        (["1945: ", "", "1984. "], ["1945: what", "what", "1984. what"]),
        (["1. ", "2. ", "1945: "], ["what", "what", "1945: what"]),
        (["11. ", "12. "], ["what", "what"]),
    ],
)
def test_a_number_that_counts_no_question_is_text(numbers: list[str], texts: list[str]) -> None:
    text = "".join(f"{number}what\nA. a\nB. b\nANSWER: A\n\n" for number in numbers)
    rows = lists.read(text.encode(), "t.txt", LIMITS, ReadOptions()).rows
    assert [row.values["question"] for row in rows] == texts


def test_a_question_that_shows_an_image_is_refused() -> None:
    text = "Which is it? ![](x.png)\n- [x] a\n- b\n\nWhich?\n- [x] ![a b](y.png)\n- b\n"
    for row in lists.read(text.encode(), "t.md", LIMITS, ReadOptions()).rows:
        assert row.refused == "it shows an image, which a text cannot hold; describe it in words."


@pytest.mark.parametrize(
    ("choices", "answer", "gold"),
    [
        ("A. iron\nB. A gas", "A gas", 1),
        ("A. iron\nB. A gas", "a gas", 1),
        ("A. iron\nB. tin", "B. tin", 1),
        ("A. iron\nB. tin", "B (a metal)", 1),
        ("A. B\nB. A", "B", 1),
        ("A. iron\nB. tin", "A gas.", "none of its choices"),
        ("- iron\n- tin", "B", 1),
        ("- B\n- A", "B", "is the text of one choice and the place of another"),
        ("  1. iron\n  2. tin", "2", 1),
        ("  1. 2\n  2. 3", "3", 1),
        ("  1. 2\n  2. 3", "2", "is the text of one choice and the place of another"),
        ("- 2\n- 3", "2", 0),
        ("- iron\n- tin", "2", "none of its choices"),
    ],
)
def test_an_answer_behind_a_list(choices: str, answer: str, gold: int | str) -> None:
    (row,) = lists.read(f"Which?\n{choices}\nAnswer: {answer}\n".encode(), "t.md", LIMITS, ReadOptions()).rows
    assert row.values["answer"] == gold if isinstance(gold, int) else gold in row.refused
    if row.refused:
        german.translated(row.refused)


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("1. Why?", "Why?"),
        ("Question 1: Why?", "Why?"),
        ("**Question 1:** Why?", "Why?"),
        ("**1.** Why?", "Why?"),
        ("__Frage 12__: Why?", "Why?"),
        ("**1. Why?**", "**1. Why?**"),
        ("**Why 1:** why?", "**Why 1:** why?"),
    ],
)
def test_the_number_of_a_question_is_no_part_of_it(line: str, question: str) -> None:
    (row,) = lists.read(f"{line}\n- [x] a\n- b\n".encode(), "t.md", LIMITS, ReadOptions()).rows
    assert row.values["question"] == question
