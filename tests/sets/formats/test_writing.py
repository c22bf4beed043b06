"""Questions out and in again: what comes back is equal, or was said to be lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.sets.checks.check import structural_errors
from e2lm_core.sets.formats import writing
from e2lm_core.sets.formats.reading import parse_file
from e2lm_core.sets.formats.records import ReadOptions
from e2lm_core.sets.prompts.docs import OPTIONAL

LIMITS = Limits()
PLAIN = Question(id="a", question="Which gas?", choices=("air", "oxygen", "iron"), answer=1)
FULL = PLAIN.model_copy(
    update={"id": "b", "question": "Why?", "subject": "x", "note": "n", "extra": {"level": "7"}}
)

TEXT = st.text(
    st.one_of(
        st.sampled_from("aB1 =~#{}:%<>&[]*-_.,;\t\n\r\"'\\|+@$/"), st.characters(exclude_categories=["Cs"])
    ),
    max_size=9,
)
QUESTION = st.builds(
    lambda texts, gold, subject, extra: Question(
        id=texts[0],
        question=texts[1],
        choices=tuple(texts[2:]),
        answer=gold % (len(texts) - 2),
        subject=subject or None,
        extra=extra,
    ),
    st.lists(TEXT, min_size=4, max_size=6),
    st.integers(0, 25),
    TEXT,
    st.dictionaries(st.sampled_from(["level", "topic", "A"]), TEXT.filter(bool), max_size=1),
)


def back(questions: list[Question], kind: str) -> list[Question]:
    data = writing.write_questions(questions, kind)
    return list(parse_file(data, f"t{writing.FORMS[kind].end}", LIMITS, ReadOptions(kind=kind)).questions)


@pytest.mark.parametrize("kind", writing.FORMS)
@settings(max_examples=80, deadline=None)
@given(st.lists(QUESTION, min_size=1, max_size=3))
def test_what_is_not_said_to_be_lost_comes_back(kind: str, made: list[Question]) -> None:
    questions = [q for q in made if not structural_errors([q], LIMITS)]
    questions = list({q.id: q for q in questions}.values())
    if not questions:
        return
    lost = writing.lost_content(questions, kind)
    if not lost:
        assert back(questions, kind) == questions
    else:
        back(questions, kind)  # and it is read all the same


@pytest.mark.parametrize("kind", writing.FORMS)
def test_a_question_of_plain_texts_is_held_by_every_format(kind: str) -> None:
    read = back([PLAIN, FULL], kind)
    assert [(q.question, q.choices, q.answer) for q in read] == [
        (q.question, q.choices, q.answer) for q in (PLAIN, FULL)
    ]
    if kind in ("csv", "jsonl", "xlsx"):
        assert writing.lost_content([PLAIN, FULL], kind) == ()
        assert read == [PLAIN, FULL]


def test_what_a_format_has_no_place_for_is_said() -> None:
    assert writing.lost_content([PLAIN], "gift") == ()
    assert writing.lost_content([PLAIN, FULL], "gift") == ("There is no place for note and level.",)
    assert writing.lost_content([FULL], "qti") == ("There is no place for subject, note and level.",)
    assert writing.lost_content([FULL], "aiken") == ("There is no place for id, subject, note and level.",)
    broken = PLAIN.model_copy(update={"choices": ("a\nb", " c", "d")})
    (said, _) = writing.lost_content([broken], "aiken")
    assert (
        said == "In 1 question, line breaks, spaces at the ends or special characters are changed or lost: a."
    )
    odd = PLAIN.model_copy(update={"question": "- Which gas?"})
    assert writing.lost_content([odd, FULL], "aiken")[0] == (
        "1 question cannot be told from an answer or a choice there and is left out: a."
    )


def test_what_a_table_says_otherwise_is_said() -> None:
    number = PLAIN.model_copy(update={"extra": {"level": 7, "tags": ["x"]}})
    assert writing.lost_content([number], "csv") == ("What is no text in level and tags comes back as text.",)
    assert writing.lost_content([number], "xlsx") == ("What is no text in tags comes back as text.",)
    assert writing.lost_content([number], "jsonl") == ()
    named = PLAIN.model_copy(update={"extra": {"choice_9": "x", " y ": "z"}})
    assert writing.lost_content([named], "csv") == (
        "Columns of these names are read as something else, so rename them: choice_9 and  y .",
    )
    assert len(OPTIONAL) == 5
