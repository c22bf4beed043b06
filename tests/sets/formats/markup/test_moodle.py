"""Moodle XML."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.settings import Limits
from e2lm_core.sets.formats.reading import read_confined
from tests.support import german

LIMITS = Limits()
QUIZ = """<?xml version="1.0" encoding="UTF-8"?>
<quiz>
<question type="category"><category><text>$course$/top/Chemistry</text></category></question>
<question type="multichoice">
  <name><text>Water</text></name>
  <questiontext format="html"><text><![CDATA[<p>What is H<sub>2</sub>O?</p>]]></text></questiontext>
  <generalfeedback format="html"><text>not this</text></generalfeedback>
  <single>true</single>
  <answer fraction="0" format="html"><text><![CDATA[<p>oil</p>]]></text><feedback><text>no</text></feedback></answer>
  <answer fraction="100" format="plain_text"><text>water &lt;3</text></answer>
  <idnumber>w1</idnumber>
</question>
<question type="truefalse">
  <name><text>Iron</text></name>
  <questiontext format="markdown"><text>Iron is a *metal*.</text></questiontext>
  <answer fraction="100"><text>true</text></answer><answer fraction="0"><text>false</text></answer>
</question>
<question type="multichoice">
  <questiontext format="html"><text>Which two?</text></questiontext>
  <answer fraction="50"><text>a</text></answer><answer fraction="50"><text>b</text></answer><answer fraction="x"><text>c</text></answer>
</question>
<question type="multichoice">
  <questiontext format="html"><text>&lt;img src="@@PLUGINFILE@@/x.png"&gt; What?</text><file name="x.png" encoding="base64">AA==</file></questiontext>
  <answer fraction="100"><text>a</text></answer><answer fraction="0"><text>b</text></answer>
</question>
<question type="numerical"><questiontext><text>How many?</text></questiontext></question>
<question type="coderunner"><questiontext><text>Code!</text></questiontext></question>
</quiz>
"""


def test_a_quiz() -> None:
    preview = read_confined(QUIZ.encode(), "quiz.xml", LIMITS)
    assert preview.kind == "moodle"
    assert [(q.id, q.question, q.choices, q.answer, q.subject) for q in preview.questions] == [
        ("w1", "What is H₂O?", ("oil", "water <3"), 1, "Chemistry"),
        ("Iron", "Iron is a *metal*.", ("True", "False"), 0, "Chemistry"),
    ]
    assert [problem.sentence for problem in preview.problems] == [
        "Question 3: it has no right answers; a question has one.",
        "Question 4: it shows an image, which a text cannot hold; describe it in words.",
        "Question 5: its answer is a number and not a choice; only multiple choice can be read.",
        "Question 6: it is of the kind 'coderunner'; only multiple choice can be read.",
    ]
    for problem in preview.problems:
        german.translated(problem.sentence)


def quiz(text: str, form: str = "html") -> str:
    answers = '<answer fraction="100"><text>a</text></answer><answer fraction="0"><text>b</text></answer>'
    asked = f'<questiontext format="{form}"><text><![CDATA[{text}]]></text></questiontext>'
    return f'<quiz><question type="multichoice">{asked}{answers}</question></quiz>'


def test_numbers_of_lists_and_lines_of_plain_forms_stay() -> None:
    listed = quiz(
        '<p>Which?</p><ol type="I"><li>iron</li><li>tin</li></ol><ul><li>x</li></ul><ol start="3"><li>y</li></ol>'
    )
    lines = quiz("Line one\nline two\r\nWhich?", "moodle_auto_format")
    asked = [read_confined(text.encode(), "t.xml", LIMITS).questions[0].question for text in (listed, lines)]
    assert asked == ["Which?\nI. iron\nII. tin\nx\n3. y", "Line one\nline two\nWhich?"]


def test_a_text_in_several_languages_is_refused() -> None:
    spans = '<span lang="en" class="multilang">Sky?</span><span lang="de" class="multilang">Himmel?</span>'
    preview = read_confined(quiz(spans).encode(), "t.xml", LIMITS)
    assert [problem.sentence for problem in preview.problems] == [
        "Question 1: it shows one text in several languages, which a text cannot hold; describe it in words."
    ]
    german.translated(preview.problems[0].sentence)


def test_a_quiz_without_a_question_is_refused() -> None:
    with pytest.raises(TaskError, match=r"t\.xml holds no question: give a file with one or more\.") as error:
        read_confined(b"<quiz></quiz>", "t.xml", LIMITS)
    german.translated(error.value)
