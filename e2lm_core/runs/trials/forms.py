"""Trials of question formats: cloze, letters, ending and an own template, without and with few-shot examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from e2lm_core.analysis.alternatives.forms import DRAWS, TriedForms, evaluate_forms
from e2lm_core.analysis.questions.selection_null import required_draws
from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Checkpoint, PromptStyle, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.runs.studio import Studio
from e2lm_core.runs.trials.trial import Trial
from e2lm_core.sets import authoring
from e2lm_core.sets.collection import open_set, require_question
from e2lm_core.sets.editing import rule_trials
from e2lm_core.sets.prompts.layouts import layout_templates
from e2lm_core.sets.variants import Variant

STYLES = (PromptStyle.CLOZE, PromptStyle.LETTERS, PromptStyle.ENDING)
SHOTS = (0, 5)
OWN = "own template"
CHOSEN_KEY = "format_chosen"  # of a set's metadata
_FIELDS = ("doc_to_text", "doc_to_choice", "doc_to_target")


def form_variants(
    task: TaskSet,
    num_fewshot: int | None = None,
    styles: Sequence[str] = STYLES,
    shots: Sequence[int] = SHOTS,
    template: dict[str, str] | None = None,
    question_id: str | None = None,
) -> list[Variant]:
    """Formats to try, the set's own first.

    Args:
        task: The set.
        num_fewshot: Number of few-shot examples of the set's own format; None for the set's own.
        styles: Names of formats, of `STYLES`.
        shots: Numbers of few-shot examples; those that the set cannot show are left out.
        template: Fields `doc_to_text` and `doc_to_choice` of an own template; None for none.
        question_id: Id of the only question to try; None for all.

    Raises:
        TaskError: A format or question does not exist, or no other format is left.
    """
    if unknown := [style for style in styles if style not in [*STYLES]]:
        raise TaskError(
            Sentence(
                "{unknown} is no question format: use {styles}.", unknown=unknown[0], styles=", ".join(STYLES)
            )
        )
    questions = None if question_id is None else (require_question(task, question_id),)
    own_shots = task.config.num_fewshot if num_fewshot is None else num_fewshot
    own = {field: getattr(task.config, field) for field in _FIELDS}
    forms: list[tuple[str, dict[str, Any]]] = [(str(s), layout_templates(PromptStyle(s))) for s in styles]
    if template is not None:
        forms.append((OWN, {"doc_to_target": "answer", **template}))
    numbers = [number for number in dict.fromkeys(shots) if number <= task.max_fewshot]
    found = [_variant(f"{task.config.style} (as it stands)", own, own_shots, questions)]
    found += [
        _variant(name, config, number, questions)
        for name, config in forms
        for number in numbers
        if (config, number) != (own, own_shots)
    ]
    if len(found) < 2:
        raise TaskError(
            Sentence("No other format is left to try: name another, or other numbers of few-shot examples.")
        )
    return found


def shown_shots(task: TaskSet) -> tuple[int, ...]:
    """Numbers of few-shot examples of `SHOTS` that a set can show."""
    return tuple(number for number in SHOTS if number <= task.max_fewshot)


def _variant(name: str, config: dict[str, Any], shots: int, questions: Any) -> Variant:
    return Variant(label=f"{name}, {shots}-shot", config=config, num_fewshot=shots, questions=questions)


def plan_form_trial(
    studio: Studio, task: TaskSet, variants: Sequence[Variant], checkpoints: Sequence[Checkpoint]
) -> Trial:
    """Prepare a trial of formats on the models that count in scores; nothing is computed.

    Args:
        studio: Store, catalogue and backend.
        task: The set.
        variants: The formats, the set's own first.
        checkpoints: Checkpoints of the set's fleet.

    Raises:
        TaskError: A format cannot be tried, or there are too many prompts.
    """
    counted = [c for c in checkpoints if c.model.counts_in_scores] or list(checkpoints)
    return Trial(studio, task, variants, counted)


def judge_form_trial(studio: Studio, trial: Trial) -> TriedForms:
    """Figures of a computed trial, and the preferred format; the trial is counted.

    Args:
        studio: Settings of the caller.
        trial: The trial, computed.
    """
    labels = [variant.label for variant in trial.variants]
    models = sorted({checkpoint.model.name for checkpoint in trial.checkpoints})
    number = 1
    if trial.variants[0].questions is None:
        what = ("formats", "; ".join(labels), None)
        number = rule_trials.record_trial(studio.settings, trial.task.address, what, trial.task, models)
    return evaluate_forms(trial.measurements(facts=True), labels, number, max(DRAWS, required_draws(number)))


def use_form(settings: Settings, name: str, variant: Variant, found: TriedForms | None = None) -> TaskSet:
    """Give a set a format that was tried: one edit, which one undo takes back.

    The set's metadata keeps which formats it was chosen among, on which models and as which trial.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        variant: The format.
        found: The trial that it was chosen in; None for none.

    Returns:
        The set as it was saved.

    Raises:
        TaskError: The set is an example, the caller may not edit it, or its prompts cannot be rendered so.
    """
    metadata = dict(open_set(settings, name).config.metadata)
    if found is not None:
        best = found.preference
        metadata[CHOSEN_KEY] = {
            "format": variant.label,
            "tried": sorted({one.form for one in found.figures}),
            "trial": None if best is None else best.trial,
            "chosen_on": [] if best is None else list(best.chosen_on),
        }
    return authoring.update_config(
        settings, name, **variant.config, num_fewshot=variant.num_fewshot or 0, metadata=metadata
    )
