"""What columns are taken for."""

from __future__ import annotations

import pytest

from e2lm_core.sets.formats import columns
from e2lm_core.sets.formats.records import KEPT, FileRow

HEADS = {
    "the review's": (
        ["Question text", "A", "B", "C", "D", "Correct answer", "Topic"],
        ["question", "choice_1", "choice_2", "choice_3", "choice_4", "answer", "subject"],
    ),
    "the review's other": (
        ["Stem", "Option 1", "Option 2", "Key"],
        ["question", "choice_1", "choice_2", "answer"],
    ),
    "German": (
        ["Nr.", "Frage", "Antwort A", "Antwort B", "Lösung", "Kategorie", "Bild"],
        ["id", "question", "choice_1", "choice_2", "answer", "subject", KEPT],
    ),
    "French": (
        ["Énoncé", "Réponse 1", "Réponse 2", "Bonne réponse"],
        ["question", "choice_1", "choice_2", "answer"],
    ),
    "small letters": (["prompt", "a", "b", "label"], ["question", "choice_1", "choice_2", "answer"]),
    "numbered from 0": (
        ["question", "choice 0", "choice 1", "answer"],
        ["question", "choice_1", "choice_2", "answer"],
    ),
    "ARC": (["id", "question", "choices", "answerKey"], ["id", "question", "choices", "answer"]),
    "SciQ": (
        ["question", "distractor1", "distractor2", "correct_answer", "support"],
        ["question", "choice_1", "choice_2", "answer", KEPT],
    ),
    "its own, where others are kept": (
        ["id", "question", "choice_1", "choice_2", "answer", "topic", "text"],
        ["id", "question", "choice_1", "choice_2", "answer", KEPT, KEPT],
    ),
    "a list before letters": (
        ["question", "choices", "A", "B", "answer"],
        ["question", "choices", KEPT, KEPT, "answer"],
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_names(name: str) -> None:
    head, roles = HEADS[name]
    assert list(columns.guess_roles(head, [], {}, "t").values()) == roles
    assert columns.names_columns(head, [])
    assert columns.are_column_names(head)


def rows(*lines: list[str]) -> list[FileRow]:
    return [
        FileRow(f"Row {n}", {f"column {k}": c for k, c in enumerate(line, 1)})
        for n, line in enumerate(lines, 1)
    ]


CONTENTS = {
    "a letter behind": (
        (
            ["Which gas do plants take in?", "oxygen", "carbon dioxide", "B"],
            ["What is iron?", "a metal", "a gas", "A"],
        ),
        ["question", "choice_1", "choice_2", "answer"],
    ),
    "a letter before, and a number of rows": (
        (
            ["1", "What is iron?", "B", "a gas", "a metal"],
            ["2", "What is air?", "A", "a gas", "a metal"],
            ["3", "Why?", "A", "x", "y"],
        ),
        [KEPT, "question", "answer", "choice_1", "choice_2"],
    ),
    "the text of a choice": (
        (["What is iron?", "a gas", "a metal", "a metal"], ["What is air?", "a gas", "a metal", "a gas"]),
        ["question", "choice_1", "choice_2", "answer"],
    ),
    "numbers": (
        (["What is iron?", "a gas", "a metal", "2"], ["What is air?", "a gas", "a metal", "1"]),
        ["question", "choice_1", "choice_2", "answer"],
    ),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_contents_where_nothing_is_named(name: str) -> None:
    lines, roles = CONTENTS[name]
    names = [f"column {n}" for n in range(1, len(lines[0]) + 1)]
    assert list(columns.guess_roles(names, rows(*lines), {}, "t").values()) == roles
    assert not columns.names_columns(lines[0], lines[1:])
    assert not columns.names_columns(lines[0], [])


def test_what_is_given_is_not_guessed_over() -> None:
    head = ["Frage", "Text", "A", "B", "Lösung"]
    given = {"Text": "question", "Frage": "-"}
    assert columns.guess_roles(head, [], given, "t") == {
        "Frage": "-",
        "Text": "question",
        "A": "choice_1",
        "B": "choice_2",
        "Lösung": "answer",
    }
    roles = columns.guess_roles(head, [], {"Text": "choice_1", "A": "choice_2"}, "t")
    assert columns.choice_columns(roles) == ["Text", "A"]


HEADLESS = {
    "MMLU's own": (
        "Find the degree of Q(sqrt(2), sqrt(3)) over Q.,0,4,2,6,B",
        "Find the order of <p> in S_5.,8,2,24,120,C",
        "Every group of order 4 is cyclic.,True,False,Both,None,B",
    ),
    "MMLU's own, a line": ("Find the degree of Q(sqrt(2), sqrt(3)) over Q.,0,4,2,6,B",),
    "short words": (
        "Capital of France,Paris,Rome,Bonn,A",
        "Capital of Italy,Paris,Rome,Bonn,B",
    ),
    "a choice that is a name": (
        "Which is a liquid?,Gold,Mercury,Iron,Mercury",
        "Which is a gas?,Solution,Neon,Tin,Neon",
    ),
    "a word of the field as a choice, numbers": ("Where is it?,Key,Lock,1", "Where is he?,Out,In,0"),
    "choices that are names of roles": (
        "What comes last?,Problem,Solution,Abstract,B",
        "What comes first?,Problem,Sum,Title,C",
    ),
}


@pytest.mark.parametrize("name", HEADLESS)
def test_a_first_line_that_could_be_a_question_is_one(name: str) -> None:
    first, *others = [line.rsplit(",", 4 + (line.count(",") > 4)) for line in HEADLESS[name]]
    assert not columns.names_columns(first, others)


HEADS_BY_ROWS = {
    "letters": ("item text,left,right,mine", "Why is it so?,x,y,A", "Who?,v,w,B"),
    "texts": ("item text,left,right,mine", "Why is it so?,x,y,y", "Who?,v,w,v"),
    "numbers": ("item text,left,right,mine", "Why is it so?,x,y,2", "Who?,v,w,1"),
    "a name and letters": ("the thing,left,right,Gold", "Why is it so?,x,y,A", "Who?,v,w,B"),
}


@pytest.mark.parametrize("name", HEADS_BY_ROWS)
def test_a_first_line_names_where_it_alone_has_no_answer(name: str) -> None:
    first, *others = [line.split(",") for line in HEADS_BY_ROWS[name]]
    assert columns.names_columns(first, others)
    assert not columns.are_column_names(first)


def test_names_with_a_gap_are_no_choices() -> None:
    assert columns.roles_by_name(["question", "1", "2", "4", "answer"]) == {
        "question": "question",
        "answer": "answer",
    }
    assert columns.roles_by_name(["0", "4", "2", "6", "x"]) == {}


@pytest.mark.parametrize(
    ("names", "base"),
    [
        (["Option 1", "Option 2"], 1),
        (["choice0", "choice1", "choice2"], 0),
        (["1", "2", "3"], 1),
        (["Antwort 1", "Antwort 2"], 1),
        (["choice_1", "choice_2"], None),
        (["A", "B"], None),
        (["opa", "opb"], None),
        (["Option 1", "Option 3"], None),
        ([], None),
    ],
)
def test_names_that_count(names: list[str], base: int | None) -> None:
    assert columns.base_from_names(names) == base


def test_wrong_choices_by_their_name() -> None:
    assert columns.are_distractors(["distractor1", "Incorrect answer 2"])
    assert not columns.are_distractors(["distractor1", "Answer 2"])
    assert not columns.are_distractors([])
