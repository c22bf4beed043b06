"""Check for prompts that exceed a model's context window.

Tested in tests/sets/checks/test_check.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from e2lm_core.base.records import Finding, RenderedDoc
from e2lm_core.base.sentences import Sentence


class PromptLengths(NamedTuple):
    """Token counts of prompts with their longest choice, for one tokenizer.

    Attributes:
        tokens: One count for each question; 0 if it is far below every limit and was not counted.
        window: Largest number of tokens that fits.
        reader: Name of the model or models with this tokenizer and limit.
        severity: Severity of the finding about a longer prompt.
        is_estimate: Whether the counts are estimated from the text's bytes, for lack of the tokenizer.
        is_embedded: Whether it is one of the built-in mini models.
        choices: Token counts of each question's longest choice alone, as `tokens`; none of them without counts.
    """

    tokens: tuple[int, ...]
    window: int
    reader: str
    severity: Literal["error", "warning"] = "error"
    is_estimate: bool = False
    is_embedded: bool = False
    choices: tuple[int, ...] = ()


def beyond_window(rendered: Sequence[RenderedDoc], lengths: PromptLengths) -> list[Finding]:
    """A finding for each prompt that exceeds the model's context window.

    A prompt is cut to it, but a choice that is longer on its own ends every run: it is an error for any model.

    Raises:
        ValueError: There is another number of token counts than of prompts.
    """
    how = Sentence("tokenizer of {model}", model=lengths.reader)
    if lengths.is_estimate:
        how = Sentence("estimated from its bytes, as the tokenizer is not here")
    more = Sentence(", or run models that read more") if lengths.severity == "warning" else ""
    choices = lengths.choices or (0,) * len(rendered)
    return [
        Finding(
            severity="error",
            code="too_long_choice",
            sentence=Sentence(
                "Question {n}: its longest choice alone has {tokens} tokens ({how}), but {model} reads at most "
                "{window}, so every run on it fails; shorten the choice, or run models that read more.",
                n=str(number),
                tokens=_tokens(choice, lengths),
                how=how,
                window=lengths.window,
                model=lengths.reader,
            ),
            question_id=doc.question_id,
        )
        if choice > lengths.window
        else Finding(
            severity=lengths.severity,
            code="too_many_tokens",
            sentence=Sentence(
                "Question {n}: its prompt and longest choice have {tokens} tokens ({how}), but at most {window} fit "
                "{model}; shorten the question or use fewer few-shot examples{more}.",
                n=str(number),
                tokens=_tokens(count, lengths),
                how=how,
                window=lengths.window,
                model=lengths.reader,
                more=more,
            ),
            question_id=doc.question_id,
        )
        for number, (doc, count, choice) in enumerate(
            zip(rendered, lengths.tokens, choices, strict=True), start=1
        )
        if max(count, choice) > lengths.window
    ]


def _tokens(count: int, lengths: PromptLengths) -> str | int:
    return Sentence("about {tokens}", tokens=count) if lengths.is_estimate else count
