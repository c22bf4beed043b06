"""From a set to a bundle: the checks, and the zip that lm-evaluation-harness runs unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from e2lm_core.base.errors import CheckpointError, TaskError
from e2lm_core.base.records import Finding, Request, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.checkpoints.ladder import ngrams
from e2lm_core.runs.studio import Studio
from e2lm_core.sets.checks.check import check, structural_errors
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.prompts.render import RenderedDoc, render_set

Profile = Literal["plain", "competition"]


def findings(
    studio: Studio, task: TaskSet, profile: Profile = "plain", num_fewshot: int | None = None
) -> list[Finding]:
    """Everything the checks have to say, errors first; lengths are counted in the ladder's tokens."""
    limits = studio.settings.limits
    try:
        rendered = render_set(task, num_fewshot)
    except TaskError as error:
        # A question that is wrong in itself is why it cannot be rendered, and says so more clearly.
        structural = check(task, (), limits, profile) if _unsound(task, limits) else []
        return structural or [Finding(severity="error", code="prompt", sentence=str(error))]
    if _unsound(task, limits):
        return check(task, rendered, limits, profile)
    tokens, window, unknown = _lengths(studio, rendered)
    grams = studio.catalogue.ngrams_file
    checked = check(
        task, rendered, limits, profile, tokens, window, training_ngrams=ngrams.read(grams) if grams else None
    )
    every = [*unknown, *checked, *_beyond_training(studio, tokens)]
    return sorted(every, key=lambda finding: finding.severity != "error")


def export(
    studio: Studio, task: TaskSet, profile: Profile = "plain", found: Sequence[Finding] | None = None
) -> bytes:
    """The set as a zip, the same bytes for the same set. Raises `TaskError` while an error stands.

    `found` are the set's findings under this profile, where whoever asks has them.
    """
    found = findings(studio, task, profile) if found is None else found
    errors = [f for f in found if f.severity == "error"]
    if errors:
        more = f" ({len(errors) - 1} more errors.)" if len(errors) > 1 else ""
        raise TaskError(f"{task.name} cannot be exported yet: {errors[0].sentence}{more}")
    return bundle.pack(task, studio.settings.limits)


def _unsound(task: TaskSet, limits: Limits) -> bool:
    return bool(structural_errors(task.questions, limits) or structural_errors(task.dev, limits))


def _lengths(
    studio: Studio, rendered: Sequence[RenderedDoc]
) -> tuple[list[int] | None, int | None, list[Finding]]:
    """Tokens of each prompt with its longest choice, the window they must fit, a warning where not known."""
    checkpoint = next(iter(studio.at_hand), None)
    if checkpoint is None:
        return None, None, []
    requests = [Request(*max(doc.asked, key=lambda pair: len("".join(pair)))) for doc in rendered]
    tokens = None
    try:
        tokens = studio.backend.prompt_tokens(checkpoint, requests)
        return tokens, studio.backend.window(checkpoint), []
    except CheckpointError as error:
        sentence = f"The prompts' lengths in tokens are not checked: {error}"
        return tokens, None, [Finding(severity="warning", code="length_unknown", sentence=sentence)]


def _beyond_training(studio: Studio, tokens: list[int] | None) -> list[Finding]:
    """The embedded models read longer prompts than they were trained on, but not as well."""
    trained = studio.catalogue.trained_context
    if trained is None or not tokens or max(tokens) <= trained:
        return []
    count = sum(n > trained for n in tokens)
    sentence = (
        f"{count} of {len(tokens)} prompts are longer than the {trained} tokens that the embedded "
        f"models were trained on (the longest has {max(tokens)}): expect weaker curves; use fewer "
        "few-shot examples or shorter questions."
    )
    return [Finding(severity="warning", code="beyond_training", sentence=sentence)]
