"""Sentences, tables and the document of judgements."""

from __future__ import annotations

import json

import numpy as np

from e2lm_core.analysis.questions import agreement, judge_messages
from tests.analysis.questions.test_agreement import judged
from tests.support import studios


def some():
    return judged(
        ("ada", "person", "key", ["right", "wrong", "right", "right", "right", "right"]),
        ("gpt", "model", "key", ["right", "wrong", "right", "right", "wrong", None]),
        ("ada", "person", "review", ["asked", None, None, None, "sent back", None]),
        ("gpt", "model", "difficulty", ["1", None, None, None, None, None]),
    )


def test_the_headline_counts_questions_judges_and_models():
    questions = some()
    found = agreement.collect_judgements(questions)
    said = judge_messages.headline(found, 6)
    assert said.startswith("**6 of 6 questions** judged by 1 person and 1 model.")
    alpha = agreement.krippendorff_alpha(found.codes["key"]).value
    assert f"Krippendorff's α: answer key {alpha:.3f}." in said
    nothing = agreement.collect_judgements([studios.question(1)])
    assert judge_messages.headline(nothing, 1) == "**No question is judged yet.**"


def test_why_there_is_no_alpha_and_what_is_outdated_is_said():
    questions = judged(("ada", "person", "key", ["right", "wrong"]))
    questions[1] = questions[1].model_copy(update={"question": "Another?"})
    said = judge_messages.headline(agreement.collect_judgements(questions), 2)
    assert said.endswith("No α: Agreement needs two judges. 1 judgement of earlier texts left out.")


def test_the_document_is_json_and_none_without_judgements():
    assert judge_messages.judgement_document([studios.question(1)]) is None
    document = judge_messages.judgement_document(some())
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["judges"] == [
        {"name": "ada", "by": "person", "judged": 6},
        {"name": "gpt", "by": "model", "judged": 5},
    ]
    assert document["agreement"]["key"]["shared"] == 5
    assert document["agreement"]["difficulty"]["alpha"] is None
    assert document["reviews"] == {"asked": 1, "sent back": 1}
    assert document["disagreements"] == 1


def test_the_table_names_models_as_models():
    questions = some()
    frame = judge_messages.judgement_frame(questions, agreement.collect_judgements(questions))
    assert frame["answer key"][4] == "ada: right · gpt (model): wrong"
    assert frame["disagree"].tolist() == [False] * 4 + [True, False]
    assert frame["review"].tolist() == ["asked", "", "", "", "sent back", ""]


def test_agreement_stands_by_judge_with_the_reason_where_there_is_none():
    questions = some()
    found = agreement.collect_judgements(questions)
    suspects = np.array([0, 1, 0, 0, 0, 0.0])
    frame = judge_messages.agreement_frame(found, np.ones(6), suspects)
    rows = frame.set_index(["about", "judge", "with"])
    assert rows.loc["Answer key", "ada", "suspects"]["equal"] == 1
    assert rows.loc["Answer key", "gpt (model)", "suspects"]["questions"] == 5
    assert "relevance" not in set(frame["with"])  # nobody judged that aspect
    silent = judge_messages.agreement_frame(found, None, np.full(6, np.nan), "They know too little.")
    assert silent[silent["with"] == "suspects"]["why"].tolist() == ["They know too little."] * 2
