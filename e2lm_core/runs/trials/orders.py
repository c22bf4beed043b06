"""Trials of other orders of choices: all places in turn, or random orders, at each model's last checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.analysis.alternatives.messages.orders import NO_ORDER
from e2lm_core.analysis.alternatives.order import OrderEffect, order_effect
from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Checkpoint, PromptStyle, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.runs.checkpoint_order import last_of_each
from e2lm_core.runs.studio import Studio
from e2lm_core.runs.trials.trial import Trial
from e2lm_core.sets.prompts.layouts import layout_templates
from e2lm_core.sets.variants import Variant, shows_choices, variant_set

MAX_DRAWS = 20


def plan_order_trial(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
    draws: int | None = None,
    as_letters: bool = False,
) -> Trial:
    """Prepare a trial of other orders; nothing is computed.

    Args:
        studio: Store, catalogue and backend.
        task: The set.
        checkpoints: Checkpoints of the set's fleet; each model's last one is run.
        num_fewshot: Number of few-shot examples; None for the set's own.
        draws: Number of random orders; None for every place in turn, by which each right answer stands everywhere.
        as_letters: Whether to ask with lettered choices, whatever the set's format is.

    Raises:
        TaskError: The format does not show the choices, or the number of draws is out of range.
    """
    if draws is not None and not 1 <= draws <= MAX_DRAWS:
        raise TaskError(
            Sentence(
                "{draws} random orders cannot be drawn: draw 1 to {max_draws}.",
                draws=draws,
                max_draws=MAX_DRAWS,
            )
        )
    config = layout_templates(PromptStyle.LETTERS) if as_letters else {}
    stands = Variant(label="as it stands", config=config)
    if not shows_choices(variant_set(task, stands)):
        raise TaskError(NO_ORDER)
    if draws is None:
        width = max((len(q.choices) for q in task.questions), default=1)
        others = [Variant(label=f"moved by {turn}", config=config, turn=turn) for turn in range(1, width)]
    else:
        others = [Variant(label=f"draw {n}", config=config, draw=n) for n in range(1, draws + 1)]
    return Trial(studio, task, [stands, *others], last_of_each(checkpoints), num_fewshot)


def judge_order_trial(trial: Trial) -> OrderEffect:
    """Effect of the order, from a computed trial."""
    return order_effect(trial.measurements(), [variant.label for variant in trial.variants])
