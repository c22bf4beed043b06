"""Sentences that keep their template: any text to whoever reads them, and whole again after a process or a record."""

from __future__ import annotations

import json
import pickle

import pytest
from pydantic import ValidationError

from e2lm_core.base.records import Finding, Value
from e2lm_core.base.sentences import Sentence, joined, recognised


def test_a_sentence_is_its_english_text() -> None:
    said = Sentence("{done} of {models} are {state}", done=15_000, models="a{b}", state=Sentence("done"))
    assert said == "15,000 of a{b} are done"
    assert json.dumps({"said": said}) == '{"said": "15,000 of a{b} are done"}'
    assert hash(said) == hash(str(said))
    assert Sentence("100 % of {x} stay") == "100 % of {x} stay"  # without values nothing is filled in


def test_the_number_chooses_the_form() -> None:
    forms = ("{number} question", "{number} questions")
    assert [Sentence(*forms, number=n) for n in (0, 1, 2000)] == [
        "0 questions",
        "1 question",
        "2,000 questions",
    ]


def test_parts_keep_their_templates() -> None:
    part = Sentence("{n} left", n=3)
    said = joined((part, "of {x}", "."), "")
    assert said == "3 leftof {x}."
    assert said.values["part0"] is part
    assert joined((), " ") == ""


def test_processes_and_records_keep_the_template() -> None:
    said = Sentence("{number} question", "{number} questions", number=2)
    again = pickle.loads(pickle.dumps(Value(value=None, why=said))).why
    assert again == said
    assert (again.template, again.plural, again.values) == (said.template, said.plural, said.values)
    assert Finding(severity="error", code="x", sentence=said).model_dump_json() == (
        '{"severity":"error","code":"x","sentence":"2 questions","question_id":null}'
    )
    with pytest.raises(ValidationError):
        Finding(severity="error", code="x", sentence=3)


def test_a_plain_text_is_recognised_with_its_name() -> None:
    templates = ("No set {name}.", "{name} is full.")
    said = recognised("No set a.", templates)
    assert isinstance(said, Sentence)
    assert (said.template, said.values["name"]) == ("No set {name}.", "a")
    assert recognised("b is full.", templates).values["name"] == "b"  # type: ignore[attr-defined]
    assert recognised("No set a", templates) == "No set a"
    assert not isinstance(recognised("No set a", templates), Sentence)
