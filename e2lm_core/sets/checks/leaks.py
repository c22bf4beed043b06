"""Leak check: the answer's text in its own prompt.

Words are compared normalised. A list of the choices in the prompt is ignored, as it is no leak.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from e2lm_core.base.memory.memo import Each
from e2lm_core.base.records import Finding, Question, RenderedDoc, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.checks import question_features
from e2lm_core.sets.checks import text as text_checks

MAX_BETWEEN = 12
_Looked = tuple[Question, bool]  # question of a prompt, and whether the prompt contains its answer
_LOOKED: Each[_Looked] = Each(question_features.KEPT)
_BETWEEN_OPTIONS = re.compile(r"\W{0,6}(?:\w{1,2}\W{1,4})?")  # ", " or "\nB. "


def answers_in_prompts(
    task: TaskSet, rendered: Sequence[RenderedDoc], severity: Literal["error", "warning"]
) -> list[Finding]:
    """One finding for each question whose prompt contains its answer."""
    prompt_words = _PromptWords(task)
    asked = list(zip(task.questions, rendered, strict=False))

    def looked_at(places: Sequence[int]) -> list[_Looked]:
        return [(asked[place][0], prompt_words.hold_answer(*asked[place])) for place in places]

    key = (prompt_words.lists_options, prompt_words.delimiter, tuple(prompt_words.dev_choices))
    looked = _LOOKED.of_all(key, [doc for _, doc in asked], looked_at)
    leaking = []
    for number, ((question, doc), (of, leak)) in enumerate(zip(asked, looked, strict=True), start=1):
        if leak if of is question else prompt_words.hold_answer(question, doc):
            gold = question.choices[question.answer]
            sentence = Sentence(
                "Question {n}: the prompt already contains the answer, {answer}. Reword the question or change the "
                "few-shot examples.",
                n=str(number),
                answer=repr(gold.strip()[:60]),
            )
            leaking.append(
                Finding(
                    severity=severity, code="answer_in_prompt", sentence=sentence, question_id=question.id
                )
            )
    return leaking


class _PromptWords:
    """Normalised words of prompts without listed choices; each few-shot example is processed once."""

    def __init__(self, task: TaskSet) -> None:
        self.lists_options = "choices" in task.config.doc_to_text
        self.delimiter = task.config.fewshot_delimiter
        self.dev_choices = [question.choices for question in task.dev] if self.lists_options else []
        self.known: dict[str, str] = {}

    def hold_answer(self, question: Question, doc: RenderedDoc) -> bool:
        answer = " ".join(text_checks.tokenize_words(question.choices[question.answer]))
        return bool(answer) and f" {answer} " in self.prepare_context(question, doc.context)

    def prepare_context(self, question: Question, context: str) -> str:
        if self.lists_options:
            context = _without_listing(context, question.choices)
        segments = context.split(self.delimiter) if self.delimiter else [context]
        head = [self._segment(segment) for segment in segments[:-1]]
        return f" {' '.join([*head, self._words(segments[-1])])} "

    def _segment(self, segment: str) -> str:
        if segment not in self.known:
            self.known[segment] = self._words(segment)
        return self.known[segment]

    def _words(self, segment: str) -> str:
        for choices in self.dev_choices:
            segment = _without_listing(segment, choices)
        return " ".join(text_checks.tokenize_words(segment))


def _without_listing(text: str, choices: Sequence[str]) -> str:
    """`text` without the passages that list all choices in order, with labels and punctuation between."""
    start = 0
    while (at := text.find(choices[0], start)) >= 0:
        end = _end_of_listing(text, at, choices)
        if end is None:
            start = at + 1
        else:
            text = f"{text[:at]} {text[end:]}"
            start = at + 1
    return text


def _end_of_listing(text: str, at: int, choices: Sequence[str]) -> int | None:
    end = at + len(choices[0])
    for choice in choices[1:]:
        begin = text.find(choice, end, end + MAX_BETWEEN + len(choice))
        if begin < 0 or not _BETWEEN_OPTIONS.fullmatch(text, end, begin):
            return None
        end = begin + len(choice)
    return end
