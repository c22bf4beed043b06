"""What a new set may begin with: our layouts, each of its style, and that of another set with its examples."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import PromptStyle, TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from e2lm_core.sets.prompts import layouts, render
from tests.support import studios


@pytest.mark.parametrize("style", layouts.LAYOUTS)
def test_a_layout_is_of_its_style_and_renders_its_sample(style: PromptStyle) -> None:
    begun = layouts.empty_set(style)
    assert begun.config.style is style
    assert begun.questions == ()
    context, continuation = render.render(begun.config, layouts.sample_question(begun)).requests[0]
    read = f"{context}{continuation}"
    assert ("A. carbon dioxide" in read) == (style is PromptStyle.LETTERS)
    assert ("The stone" in read) == (style is PromptStyle.ENDING)


def test_a_set_like_another_has_its_prompt_and_examples_and_none_of_its_questions() -> None:
    dev = studios.task().questions[:2]
    config = TaskConfig(
        task="old", num_fewshot=2, description="Choose.\n", **layouts.layout_templates(PromptStyle.LETTERS)
    )
    made = layouts.empty_set_like(TaskSet(config=config, questions=studios.task().questions[2:], dev=dev))
    assert (made.questions, made.dev, made.config) == ((), dev, config)
    drawn = config.model_copy(update={"fewshot_split": "test", "num_fewshot": 1})
    without = layouts.empty_set_like(TaskSet(config=drawn, questions=dev))
    assert (without.dev, without.config.num_fewshot, without.config.fewshot_split) == ((), 0, "dev")


def test_a_layout_is_asked_for_by_its_name_or_by_that_of_a_set(tmp_path) -> None:
    settings = Settings(home=tmp_path, tasks=tmp_path / "none")
    assert layouts.resolve_layout(settings, "letters").config.style is PromptStyle.LETTERS
    collection.import_set(settings, layouts.empty_set(PromptStyle.ENDING), "endings")
    made = collection.import_set(settings, layouts.resolve_layout(settings, "endings"), "more")
    assert made.config.task == "more"
    assert collection.open_set(settings, "more").config.style is PromptStyle.ENDING
    with pytest.raises(StudioError, match="neither a set nor cloze, letters, ending"):
        layouts.resolve_layout(settings, "nothing")
