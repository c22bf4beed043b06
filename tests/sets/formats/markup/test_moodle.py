"""Moodle XML."""

from __future__ import annotations

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
