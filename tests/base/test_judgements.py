"""Judgements in a question's column: read within limits, written back as they were read."""

from __future__ import annotations

import json

import pytest

from e2lm_core.base import judgements
from e2lm_core.base.judgements import Judgement
from e2lm_core.sets.prompts.docs import row_of
from tests.support import studios


def judgement(question, **changes):
    fields = {"judge": "ada", "by": "person", "what": "key", "value": "right"}
    return Judgement(**{**fields, "of": judgements.judged_digest(question), **changes})


def test_they_are_written_into_the_column_and_read_back():
    question = studios.question(1, extra={"other": 1})
    given = (judgement(question), judgement(question, judge="m", by="model", comment="sure"))
    kept = judgements.with_judgements(question, given)
    assert judgements.judgements_of(kept) == given
    assert kept.extra["other"] == 1
    as_text = kept.model_copy(update={"extra": {"judgements": json.dumps(kept.extra["judgements"])}})
    assert judgements.judgements_of(as_text) == given
    assert judgements.with_judgements(kept, ()) == question


def test_a_question_without_them_has_the_same_row():
    question = studios.question(1)
    assert row_of(judgements.with_judgements(question, ())) == row_of(question)
    assert not judgements.has_judgements([question])


@pytest.mark.parametrize(
    "change",
    [
        {"question": "Another?"},
        {"choices": ("2", "3", "4", "6")},
        {"answer": 1},
    ],
)
def test_a_judgement_is_of_the_text_that_was_judged(change):
    question = studios.question(1)
    kept = judgements.with_judgements(question, [judgement(question)])
    assert len(judgements.current_judgements(kept)) == 1
    edited = kept.model_copy(update=change)
    assert judgements.current_judgements(edited) == ()
    assert len(judgements.judgements_of(edited)) == 1


def test_another_order_of_the_choices_leaves_it_current():
    question = studios.question(1)
    kept = judgements.with_judgements(question, [judgement(question)])
    turned = kept.model_copy(update={"choices": question.choices[::-1], "answer": 3})
    assert judgements.current_judgements(turned) == judgements.current_judgements(kept) != ()


@pytest.mark.parametrize(
    "column",
    [
        *(7, "no JSON", "[" * 5000, "[]" * 100_000, {"judge": "ada"}, ["text"], [None], [{}]),
        [{"judge": "ada", "by": "person", "what": "key", "value": "maybe"}],
        [{"judge": "ada", "by": "god", "what": "key", "value": "right"}],
        [{"judge": "", "by": "person", "what": "key", "value": "right"}],
        [{"judge": ["ada"], "by": "person", "what": "key", "value": "right"}],
        [{"judge": "gpt", "by": "model", "what": "review", "value": "accepted"}],
        [{"judge": "ada", "by": "person", "what": ["key"], "value": "right"}],
    ],
)
def test_what_is_no_judgement_is_left_out(column):
    assert judgements.judgements_of(studios.question(1, extra={"judgements": column})) == ()


def test_names_comments_and_numbers_are_bounded():
    entry = {"by": "person", "what": "key", "value": "right", "of": "0" * 900}
    column = [{**entry, "judge": f"{n}\u202e\n{'x' * 200}", "comment": "y" * 2000} for n in range(100)]
    found = judgements.judgements_of(studios.question(1, extra={"judgements": column}))
    assert len(found) == judgements.MAX_JUDGEMENTS
    assert len(found[0].judge) <= judgements.MAX_JUDGE_CHARS
    assert len(found[0].comment) == judgements.MAX_COMMENT_CHARS
    assert "\u202e" not in found[0].judge
    assert "\n" not in found[0].judge
    assert len(found[0].of) == 12
