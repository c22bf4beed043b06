"""Records: immutable, strict about fields, and named as the catalogue and the charts name things."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from e2lm_core.base import records
from e2lm_core.base.records import Checkpoint, ModelInfo, PromptStyle, Question, TaskConfig, TaskSet

MODEL = ModelInfo(name="ladder-small-arch1", family="ladder")


def test_a_record_is_frozen_and_takes_no_other_field() -> None:
    question = Question(id="q1", question="Why?", choices=("a", "b"), answer=0)
    with pytest.raises(ValidationError, match="frozen"):
        question.answer = 1  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Question.model_validate(question.model_dump() | {"answers": 1})
    assert question == Question.model_validate(question.model_dump())


@pytest.mark.parametrize(
    ("text", "choice", "style"),
    [
        (records.CLOZE_TEXT, records.CLOZE_CHOICE, PromptStyle.CLOZE),
        ("Q: {{question}}", "choices", PromptStyle.CLOZE),
        (records.LETTERS_TEXT, records.LETTERS_CHOICE, PromptStyle.LETTERS),
        (records.CLOZE_TEXT, records.LETTERS_CHOICE, PromptStyle.CUSTOM),
        ("{{question}}", ("yes", "no"), PromptStyle.CUSTOM),
    ],
)
def test_a_prompts_style_is_told_by_its_templates(
    text: str, choice: str | tuple[str, ...], style: PromptStyle
) -> None:
    assert TaskConfig(task="t", doc_to_text=text, doc_to_choice=choice).style == style


def test_names() -> None:
    assert TaskSet(config=TaskConfig(task="little"), questions=()).name == "little"
    assert MODEL.short_name == "small-arch1"
    assert Checkpoint(model=MODEL, step=2000).name == "ladder-small-arch1/iter_0002000"
    assert Checkpoint(model=MODEL, step=2000, subfolder="step2k").name == "ladder-small-arch1/step2k"


def test_twins_and_further_seeds_stay_out_of_means() -> None:
    assert MODEL.counts_in_scores
    for other in ({"twin_of": MODEL.name}, {"seed_of": MODEL.name}):
        assert not MODEL.model_copy(update=other).counts_in_scores


def test_metrics_with_a_direction_or_a_chance_level_are_metrics() -> None:
    assert {*records.BOUNDED_METRICS, *records.LOWER_IS_BETTER, *records.SHARES} <= set(records.METRICS)
