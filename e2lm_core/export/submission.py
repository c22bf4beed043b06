"""Export checks and the submission bundle."""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base import formatting
from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Finding, TaskSet
from e2lm_core.base.sentences import Sentence
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
    tokens_of: str | None = None,
) -> list[Finding]:
    """Findings of all checks of a set, errors first.

    Prompt lengths are counted by `prompt_lengths.measure_prompt_lengths`.

    Args:
        studio: Studio with the caller's settings.
        task: Set to check.
        profile: Rules to check against: `plain` or `competition`.
        tokens_of: Model or family whose tokens are counted; None for the models of the set's last run.

    Raises:
        StudioError: `tokens_of` is neither a model on this computer nor a family with a known context window.
    """
    limits = studio.settings.limits
    if structural_errors(task.questions, limits) or structural_errors(task.dev, limits):
        # Such an error can prevent rendering, and its sentence is clearer.
        return find_problems(task, (), limits, profile)
    try:
        rendered = render_prompts(task)
    except TaskError as error:
        return [Finding(severity="error", code="prompt", sentence=str(error))]
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
    """The set as a zip of an lm-eval task folder, the same bytes for the same set.

    Args:
        studio: Studio with the caller's settings.
        task: Set to export.
        profile: Rules that the set must pass: `plain` or `competition`.
        findings: The set's findings under this profile; None to run the checks.

    Raises:
        TaskError: A check finds an error.
    """
    findings = check_findings(studio, task, profile) if findings is None else findings
    errors = [f for f in findings if f.severity == "error"]
    if errors:
        more = f" ({formatting.count(len(errors) - 1, 'more error')}.)" if len(errors) > 1 else ""
        raise TaskError(
            Sentence(
                "{name} cannot be exported yet: {sentence}{more}",
                name=task.name,
                sentence=errors[0].sentence,
                more=more,
            )
        )
    return bundle.pack(task, studio.settings.limits)


def _beyond_training(studio: Studio, lengths: Sequence[PromptLengths]) -> list[Finding]:
    """Warning about prompts longer than those that the built-in mini models were trained on.

    The models read such prompts, but less well.
    """
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
