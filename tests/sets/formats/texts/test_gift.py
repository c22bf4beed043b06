"""GIFT."""

from __future__ import annotations

from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.reading import read_confined
from e2lm_core.sets.formats.texts import gift
from tests.support import german

LIMITS = Limits()
# https://docs.moodle.org/en/GIFT_format has these, and more of each kind.
QUIZ = r"""
// question: 1  name: Grant
// [id:grant] [tag:history]
::Grant's tomb::[html]<p>Who is buried in <b>Grant's</b> tomb<br>in NY?</p>{
=<p>no one</p>#was it you?
~Grant #wrong
~%-25%Napoleon ####general feedback
}

$CATEGORY: $course$/top/Chemistry/Acids // and bases

What is H\=2\:O \{roughly\}? {~%0%oil =water
~100\% air}

Two plus {=two ~three} equals four.

::T:: The sun rises in the east.{T#yes}

When was Grant born? {#1822:5}

Who? {=Grant =Ulysses}

Which match? {=a -> b =c -> d}

Essay {}

Both are right {%50%x ~%50%y ~%50%z}

[html]<img src="http://example.org/x.png"> What is shown? {=a ~b}

No answers at all.
"""


def test_choices_of_one_right_answer_are_read_and_others_refused_with_their_line() -> None:
    preview = read_confined(QUIZ.encode(), "quiz.gift", LIMITS)
    assert [(q.id, q.question, q.choices, q.answer, q.subject) for q in preview.questions] == [
        ("grant", "Who is buried in Grant's tomb\nin NY?", ("no one", "Grant", "Napoleon"), 0, None),
        ("q2", "What is H=2:O {roughly}?", ("oil", "water", r"100\% air"), 1, "Chemistry/Acids / and bases"),
        ("q3", "Two plus _____ equals four.", ("two", "three"), 0, "Chemistry/Acids / and bases"),
        ("T", "The sun rises in the east.", ("True", "False"), 0, "Chemistry/Acids / and bases"),
    ]
    assert [problem.sentence for problem in preview.problems] == [
        "Line 19: its answer is a number and not a choice; give it {=right ~wrong}.",
        "Line 21: its answer is typed, so that it has no wrong choice; give it {=right ~wrong}.",
        "Line 23: it matches pairs, so that it has no wrong choice; give it {=right ~wrong}.",
        "Line 25: it asks for an essay, which has no choices; give it {=right ~wrong}.",
        "Line 27: it has no right answers; a question has one, with = before it.",
        "Line 29: it shows an image, which a text cannot hold; describe it in words.",
        "Line 31: it has no answers in braces; write them as {=right ~wrong}.",
    ]
    for problem in preview.problems:
        german.translated(problem.sentence)


def test_what_would_be_a_mark_is_written_so_that_it_is_none() -> None:
    questions = (
        Question(
            id="a::b",
            question="[html] {x} = ~y #1 \\n \\ : <b>\nline",
            choices=("%50%", "=a", "[plain]"),
            answer=1,
        ),
        Question(
            id="c", question="// no comment", choices=("$CATEGORY: x", "->", "T"), answer=2, subject="a/b"
        ),
        Question(id="d", question="::d::", choices=("####", "a\\=b"), answer=0),
    )
    assert read_confined(gift.write(questions), "t.gift", LIMITS).questions == questions
    assert gift.round_trip(" a\r\nb ") == "a\nb"


def test_two_questions_of_one_block_and_an_image_are_refused() -> None:
    text = "::a::Capital of France? {=Paris ~Rome}\n::b::Capital of Italy? {=Rome ~Oslo}\n\n<img src=x> What? {=a ~b}\n"
    preview = read_confined(text.encode(), "t.gift", LIMITS)
    assert [problem.sentence for problem in preview.problems] == [
        "Line 1: a second question begins in it; leave an empty line between questions.",
        "Line 4: it shows an image, which a text cannot hold; describe it in words.",
    ]
    for problem in preview.problems:
        german.translated(problem.sentence)
