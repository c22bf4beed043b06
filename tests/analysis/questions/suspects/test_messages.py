"""Suspects in words: kinds by gravity, the table, the control's sentence and document."""

from __future__ import annotations

import pandas as pd

from e2lm_core.analysis.questions.suspects import messages
from e2lm_core.analysis.questions.suspects.records import KINDS, Suspect, SuspectList
from e2lm_core.analysis.questions.suspects.wrong_question_control import ControlAccuracy, WrongQuestionControl
from e2lm_core.base.records import Question
from tests.analysis.questions.suspects.test_wrong_question_control import unread
from tests.support.simulation import answered


def suspect(kind: str, **changes: object) -> Suspect:
    made = {"question_id": "q1", "gold": 0, "about": (1,), "evidence": 0.75, "models": 5, "of": 6}
    return Suspect(kind=kind, **(made | changes))


def control(p: float) -> WrongQuestionControl:
    one = ControlAccuracy(model="small", own=0.9, others=0.5, blank=0.4)
    return WrongQuestionControl(
        models=(one,), chance=0.25, others=0.5, p=p, listed=(suspect("giveaway"),), by_luck=0.2
    )


def test_every_kind_has_its_words_and_its_evidence():
    found = SuspectList(listed=tuple(suspect(kind) for kind in KINDS), knowledge=0.9)
    said = messages.headline(found)
    assert said.count("**1**") == len(KINDS)
    assert "5 of 6 models prefer another choice by 0.75" in messages.evidence_text(suspect("wrong key"))
    assert messages.evidence_text(suspect("dead", evidence=0.0)) == "always wrong"
    assert messages.headline(SuspectList(listed=(), knowledge=0.9)) == "No question stands out."


def test_the_table_has_the_key_and_the_choices_in_question():
    question = Question(id="q1", question="?", choices=("a", "b", "c"), answer=0)
    found = SuspectList(
        listed=(suspect("twin answers", about=(1, 2)), suspect("dead", about=())), knowledge=1.0
    )
    first, second = messages.suspect_frame(found, [question]).to_dict("records")
    assert (first["key"], first["about"]) == ("a", "b / c")
    assert pd.isna(second["about"])
    assert tuple(first) == messages.COLUMNS


def test_a_set_that_is_read_and_one_that_is_answered_unread():
    assert "this set must be read" in messages.control_sentence(control(0.4))
    assert "p < .001" in messages.control_sentence(control(0.0001))
    assert "1 question is given away (0 expected by luck)" in messages.control_sentence(control(0.0001))
    alone = control(0.5).model_copy(update={"others": None, "p": None})
    assert "one question" in messages.control_sentence(alone)


def test_the_document_is_null_where_no_control_was_run():
    assert messages.control_document(None) is None
    document = messages.control_document(control(0.0001))
    assert document["giveaways"] == 1
    wordings = {"acc_shuffled": None, "acc_word": None, "acc_negated": None}
    assert document["models"] == [
        {"model": "small", "acc": 0.9, "acc_others": 0.5, "acc_blank": 0.4, **wordings}
    ]
    assert (document["cue_words"], document["wording"], document["conditions"]) == (None, [], [])
    assert "**" not in document["finding"]
    assert messages.control_frame(control(0.1)).to_dict("records")[0]["no question"] == 0.4


def test_the_gravest_come_first_and_giveaways_are_among_them():
    own = answered(60, taught=1.0)
    found, controlled = messages.all_suspects(own, unread(own, familiar=(2, 3)))
    kinds = [KINDS.index(one.kind) for one in found.listed]
    assert kinds == sorted(kinds)
    assert controlled is not None
    assert {"q2", "q3"} <= {one.question_id for one in found.listed if one.kind == "giveaway"}
