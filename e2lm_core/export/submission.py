"""Export checks and the submission bundle."""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base import formatting
from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Finding, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.checkpoints.ladder import ngrams
from e2lm_core.export.prompt_lengths import measure_prompt_lengths
from e2lm_core.runs.store.requests import render_prompts
from e2lm_core.runs.studio import Studio
from e2lm_core.sets.checks.check import Profile, find_problems, structural_errors
from e2lm_core.sets.checks.context_window import PromptLengths
from e2lm_core.sets.folder import bundle

__all__ = ["Profile", "build_bundle", "check_findings"]


def check_findings(
    studio: Studio,
    task: TaskSet,
    profile: Profile = "plain",
    num_fewshot: int | None = None,
    tokens_of: str | None = None,
) -> list[Finding]:
    """Everything the checks have to say, errors first; lengths as `lengths.prompt_lengths` counts them.

    Raises:
        StudioError: `tokens_of` is no model on this computer, and no family of a known window.
    """
    limits = studio.settings.limits
    try:
        rendered = render_prompts(task, num_fewshot)
    except TaskError as error:
        # A question that is wrong in itself is why it cannot be rendered, and says so more clearly.
        structural = find_problems(task, (), limits, profile) if _unsound(task, limits) else []
        return structural or [Finding(severity="error", code="prompt", sentence=str(error))]
    if _unsound(task, limits):
        return find_problems(task, rendered, limits, profile)
    counted, unknown = measure_prompt_lengths(studio, task, rendered, profile, tokens_of)
    grams = studio.catalogue.ngrams_file
    checked = find_problems(
        task, rendered, limits, profile, counted, training_ngrams=ngrams.read(grams) if grams else None
    )
    every = [*unknown, *checked, *_beyond_training(studio, counted)]
    return sorted(every, key=lambda finding: finding.severity != "error")


def build_bundle(
    studio: Studio, task: TaskSet, profile: Profile = "plain", findings: Sequence[Finding] | None = None
) -> bytes:
    """The set as a zip, the same bytes for the same set. Raises `TaskError` while an error stands.

    `found` are the set's findings under this profile, where whoever asks has them.
    """
    findings = check_findings(studio, task, profile) if findings is None else findings
    errors = [f for f in findings if f.severity == "error"]
    if errors:
        more = f" ({formatting.count(len(errors) - 1, 'more error')}.)" if len(errors) > 1 else ""
        raise TaskError(f"{task.name} cannot be exported yet: {errors[0].sentence}{more}")
    return bundle.pack(task, studio.settings.limits)


def _unsound(task: TaskSet, limits: Limits) -> bool:
    return bool(structural_errors(task.questions, limits) or structural_errors(task.dev, limits))


def _beyond_training(studio: Studio, lengths: Sequence[PromptLengths]) -> list[Finding]:
    """The embedded models read longer prompts than they were trained on, but not as well."""
    trained = studio.catalogue.trained_context
    tokens = next((one.tokens for one in lengths if one.is_embedded), ())
    if trained is None or not tokens or max(tokens) <= trained:
        return []
    count = sum(n > trained for n in tokens)
    sentence = (
        f"{count} of {len(tokens)} prompts are longer than the {trained} tokens that the embedded "
        f"models were trained on (the longest has {max(tokens)}): expect weaker curves; use fewer "
        "few-shot examples or shorter questions."
    )
    return [Finding(severity="warning", code="beyond_training", sentence=sentence)]
