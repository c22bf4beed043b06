"""Prompt layouts of new sets."""

from __future__ import annotations

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import (
    CLOZE_CHOICE,
    CLOZE_TEXT,
    ENDING_TARGET,
    ENDING_TEXT,
    LETTERS_CHOICE,
    LETTERS_TEXT,
    PromptStyle,
    Question,
    TaskConfig,
    TaskSet,
)
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection

# The templates of each prompt style: doc_to_text, doc_to_choice, doc_to_target.
LAYOUTS = {
    PromptStyle.CLOZE: (CLOZE_TEXT, CLOZE_CHOICE, "answer"),
    PromptStyle.LETTERS: (LETTERS_TEXT, LETTERS_CHOICE, "answer"),
    PromptStyle.ENDING: (ENDING_TEXT, CLOZE_CHOICE, ENDING_TARGET),
}
# Not part of any set: it only shows a prompt style before there are questions.
SAMPLE = Question(
    id="sample",
    question="Which gas do plants take from the air?",
    choices=("carbon dioxide", "oxygen"),
    answer=0,
)
SAMPLE_OF_ENDING = Question(
    id="sample", question="was too heavy to lift.", choices=("The stone", "The feather"), answer=0
)


def layout_templates(style: PromptStyle) -> dict[str, str]:
    """The three prompt templates of a prompt style."""
    return dict(zip(("doc_to_text", "doc_to_choice", "doc_to_target"), LAYOUTS[style], strict=True))


def empty_set(style: PromptStyle) -> TaskSet:
    """Set of a prompt style, without questions and without a name of its own."""
    return TaskSet(config=TaskConfig(task="new").model_copy(update=layout_templates(style)), questions=())


def empty_set_like(task: TaskSet) -> TaskSet:
    """Set with the prompt and few-shot examples of another set, without its questions.

    Examples that are drawn from the other set's test questions are left out.
    """
    dev = task.dev if task.config.fewshot_split == "dev" else ()
    config = task.config if dev else task.config.model_copy(update={"num_fewshot": 0, "fewshot_split": "dev"})
    return TaskSet(config=config, questions=(), dev=dev).without_unused_fewshot()


def resolve_layout(settings: Settings, name: str) -> TaskSet:
    """Empty set of a prompt style, or like an existing set.

    Args:
        settings: The caller's settings.
        name: A prompt style, or the name of a set.

    Raises:
        TaskError: `name` is neither.
    """
    if name in LAYOUTS:
        return empty_set(PromptStyle(name))
    try:
        return empty_set_like(collection.open_set(settings, name))
    except TaskError as error:
        raise TaskError(
            Sentence(
                "{name} is neither a set nor {formats}: {problem}",
                name=name,
                formats=", ".join(LAYOUTS),
                problem=error.sentence,
            )
        ) from error


def sample_question(task: TaskSet) -> Question:
    """Question to show a set's prompt with before the set has any."""
    return SAMPLE_OF_ENDING if task.config.style is PromptStyle.ENDING else SAMPLE
