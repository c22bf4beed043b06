"""Check for prompts that exceed a model's context window.

Tested in tests/sets/checks/test_check.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from e2lm_core.base.records import Finding, RenderedDoc


class PromptLengths(NamedTuple):
    """Tokens of each prompt with its longest choice, as one model counts them.

    Attributes:
        tokens: One number a question; 0 where it is far below every limit and was not counted.
        window: The most tokens that fit.
        reader: Whose tokens and limit these are: a model, or several.
        severity: That of the finding about a prompt that is longer.
        is_estimate: Whether the tokens are estimated from the text's bytes: the tokenizer is not here.
        is_embedded: Whether it is a model of the embedded ladder.
    """

    tokens: tuple[int, ...]
    window: int
    reader: str
    severity: Literal["error", "warning"] = "error"
    is_estimate: bool = False
    is_embedded: bool = False


def beyond_window(rendered: Sequence[RenderedDoc], lengths: PromptLengths) -> list[Finding]:
    """A finding for each prompt that is longer than the model reads.

    Raises:
        ValueError: There is another number of tokens than of prompts.
    """
    how = f"tokenizer of {lengths.reader}"
    about = ""
    if lengths.is_estimate:
        how, about = "estimated from its bytes, as the tokenizer is not here", "about "
    more = ", or run models that read more" if lengths.severity == "warning" else ""
    return [
        Finding(
            severity=lengths.severity,
            code="too_many_tokens",
            sentence=f"Question {number}: its prompt and longest choice have {about}{count:,} tokens ({how}), but at most "
            f"{lengths.window:,} fit {lengths.reader}; shorten the question or use fewer few-shot examples{more}.",
            question_id=doc.question_id,
        )
        for number, (doc, count) in enumerate(zip(rendered, lengths.tokens, strict=True), start=1)
        if count > lengths.window
    ]
