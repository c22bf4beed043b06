"""The records: what they refuse, and the few things that they say of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from e2lm_core.base.records import (
    BOUNDED_METRICS,
    LETTERS_CHOICE,
    LETTERS_TEXT,
    LOWER_IS_BETTER,
    METRICS,
    SHARES,
    Checkpoint,
    Finding,
    Loglikelihood,
    ModelInfo,
    PromptStyle,
    Question,
    Record,
    ScoredChunk,
    TaskConfig,
    TaskSet,
)

QUESTION = {"id": "q1", "question": "What is 1 + 1?", "choices": ["2", "3"], "answer": 0}
TINY = ModelInfo(name="e2lm-tiny", family="e2lm")


# --- what they refuse -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields", "where", "says"),
    [
        (Question, {**QUESTION, "anwser": 1}, "anwser", "Extra inputs are not permitted"),
        (Question, {k: v for k, v in QUESTION.items() if k != "answer"}, "answer", "Field required"),
        (Question, {**QUESTION, "answer": "first"}, "answer", "should be a valid integer"),
        (Question, {**QUESTION, "choices": "23"}, "choices", "should be a valid tuple"),
        (TaskConfig, {"task": "t", "fewshot_sampler": "random"}, "fewshot_sampler", "'first_n' or 'default'"),
        (Finding, {"severity": "hint", "code": "c", "sentence": "S."}, "severity", "'error' or 'warning'"),
        (ModelInfo, {"name": "m", "family": "f", "role": "art"}, "role", "'science' or 'web'"),
        (Checkpoint, {"model": TINY, "step": None}, "step", "should be a valid integer"),
    ],
)
def test_what_a_record_does_not_know_or_cannot_hold_is_refused_by_name(
    kind: type[Record], fields: dict[str, object], where: str, says: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(fields)
    (error,) = refused.value.errors()
    assert error["loc"][0] == where
    assert says in error["msg"]


def test_a_record_stays_as_it_is_and_equals_its_like() -> None:
    question = Question.model_validate(QUESTION)
    with pytest.raises(ValidationError, match="frozen"):
        question.answer = 1  # type: ignore[misc]
    assert question == Question.model_validate_json(question.model_dump_json())
    assert question != question.model_copy(update={"answer": 1})


def test_a_question_that_is_being_written_may_be_wrong() -> None:
    """Checks say so (`check.structural_errors`); an author must be able to hold it until then."""
    unfinished = Question(id="", question="", choices=("2", "2"), answer=7, extra={"level": "easy"})
    assert unfinished.extra == {"level": "easy"}


# --- what they say of themselves ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "style"),
    [
        ({}, PromptStyle.CLOZE),
        ({"doc_to_choice": "choices"}, PromptStyle.CLOZE),
        ({"doc_to_text": "{{question}} It is"}, PromptStyle.CLOZE),
        ({"doc_to_text": LETTERS_TEXT, "doc_to_choice": LETTERS_CHOICE}, PromptStyle.LETTERS),
        ({"doc_to_text": "{{question}}", "doc_to_choice": LETTERS_CHOICE}, PromptStyle.CUSTOM),
        ({"doc_to_choice": LETTERS_CHOICE}, PromptStyle.CUSTOM),
        ({"doc_to_choice": ("yes", "no")}, PromptStyle.CUSTOM),
    ],
    ids=[
        "default",
        "by column",
        "other question",
        "letters",
        "letters without options",
        "letters to a cloze",
        "fixed choices",
    ],
)
def test_the_style_of_a_prompt_follows_from_its_templates(
    changes: dict[str, object], style: PromptStyle
) -> None:
    assert TaskConfig.model_validate({"task": "t", **changes}).style is style


def test_a_set_bears_the_name_of_its_task() -> None:
    assert TaskSet(config=TaskConfig(task="little"), questions=()).name == "little"


def test_a_short_name_lacks_the_familys_prefix_alone() -> None:
    assert TINY.short_name == "tiny"
    assert ModelInfo(name="tiny-e2lm-", family="e2lm").short_name == "tiny-e2lm-"


def test_twins_and_further_seeds_stay_out_of_the_scores() -> None:
    assert TINY.counts_in_scores
    assert not TINY.model_copy(update={"twin_of": "other"}).counts_in_scores
    assert not TINY.model_copy(update={"seed_of": "other"}).counts_in_scores


def test_a_checkpoint_is_named_by_its_folder_else_by_its_step() -> None:
    assert Checkpoint(model=TINY, step=2_000).name == "e2lm-tiny/iter_0002000"
    other = Checkpoint(model=TINY, step=2_000, subfolder="step2000", directory=Path("/anywhere"))
    assert other.name == "e2lm-tiny/step2000"


def test_what_was_scored_is_a_list_that_knows_what_it_took() -> None:
    scored = ScoredChunk([(3, Loglikelihood(-1.5, 2))], tokens=7, harness_tokens=20)
    assert scored == [(3, (-1.5, 2))]
    assert (scored.tokens, scored.harness_tokens) == (7, 20)
    assert (ScoredChunk().tokens, len(ScoredChunk())) == (0, 0)


def test_properties_of_metrics_are_those_of_metrics_that_there_are() -> None:
    assert set(METRICS) >= LOWER_IS_BETTER | SHARES | set(BOUNDED_METRICS)
    assert set(BOUNDED_METRICS) >= SHARES
    assert {"bpb"} == LOWER_IS_BETTER
