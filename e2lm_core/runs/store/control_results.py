"""Stored results of a set's wording control, and what they say against its scores.

Tested in tests/runs/store/test_control_results.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from e2lm_core.analysis.questions.cue_words import EditControl, edit_control
from e2lm_core.analysis.questions.suspects import messages
from e2lm_core.analysis.questions.suspects.wrong_question_control import evaluate_control
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.runs.checkpoint_order import last_of_each
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.store.packed_columns import Keys
from e2lm_core.runs.store.requests import keys_of
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets.prompts import wordings
from e2lm_core.sets.prompts.render import render_set
from e2lm_core.sets.prompts.shots import depends_on_place
from e2lm_core.sets.prompts.wrong_question_control import control_set, wording_set, words_set

LOOKED_AT = 8  # questions whose negations tell whether the control was run; an edit may have changed one


def was_control_run(
    studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None = None
) -> bool:
    """Whether some results of a set's wording control are stored: a look at a few negated questions.

    Args:
        studio: Store and backend.
        task: The set.
        checkpoints: Checkpoints of the control.
        num_fewshot: Number of few-shot examples; None for the set's own.
    """
    if not task.questions or not checkpoints:
        return False
    if depends_on_place(task, num_fewshot):
        docs = render_set(control_set(task), num_fewshot)[-LOOKED_AT:]
    else:
        some = task.questions[:: max(1, len(task.questions) // LOOKED_AT)][:LOOKED_AT]
        docs = render_set(wording_set(task.model_copy(update={"questions": some}), ("negated",)), num_fewshot)
    keys = Keys(key for doc in docs for key in keys_of(doc))
    scopes = [studio.backend.scope(checkpoint) for checkpoint in checkpoints]
    return any(np.isfinite(values).any() for values in studio.store.values_of_all(scopes, keys))


def load_control(
    studio: Studio, task: TaskSet, measurements: Measurements, num_fewshot: int | None = None
) -> Measurements | None:
    """Stored results of a set's wording control at each model's last checkpoint; None if it was not run.

    Args:
        studio: Store and backend.
        task: The set.
        measurements: Its results.
        num_fewshot: Number of few-shot examples; None for the set's own.
    """
    ends = last_of_each([c for curve in measurements.curves for c in curve.checkpoints])
    if not was_control_run(studio, task, ends, num_fewshot):
        return None
    return load_measurements(studio, control_set(task), ends, num_fewshot, facts=False)


def load_edit_controls(
    studio: Studio,
    before: TaskSet,
    after: TaskSet,
    names: Sequence[str],
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
) -> list[EditControl]:
    """Edits of some questions beside the rarest words that they added, alone, as far as these were run.

    Args:
        studio: Store and backend.
        before: The set before the edit.
        after: The set after it.
        names: Ids of the edited questions.
        checkpoints: Each model's last checkpoint.
        num_fewshot: Number of few-shot examples; None for the set's own.
    """
    if any(depends_on_place(task, num_fewshot) for task in (before, after)):
        return []
    words = new_words(before, after, names)
    was, now = (words_set(task, _texts(task, words)) for task in (before, after))
    alone = words_set(after, {name: word for name, word in words.items() if word})
    loaded = [
        load_measurements(studio, task, checkpoints, num_fewshot, facts=False) for task in (was, now, alone)
    ]
    found = [
        edit_control(loaded[0], loaded[1], loaded[2] if word else None, name, word.removesuffix("?"))
        for name, word in words.items()
    ]
    return [one for one in found if one is not None]


def new_words(before: TaskSet, after: TaskSet, names: Sequence[str]) -> dict[str, str]:
    """The rarest word that an edit added to each question of both versions, by id; "" where it added none."""
    was, now = _texts(before, names), _texts(after, names)
    return {
        name: wordings.rarest_new_word(was[name], now[name]) for name in names if name in was.keys() & now
    }


def _texts(task: TaskSet, names: Collection[str]) -> dict[str, str]:
    return {q.id: q.question for q in task.questions if q.id in names}


def with_cue_words(own: Measurements, control: Measurements | None) -> Measurements:
    """Measurements with the control's sentence against the set, if it has one; else the same object."""
    if control is None or own.complete_checkpoints < own.checkpoints:
        return own
    sentence = messages.cue_sentence(evaluate_control(own, control))
    return replace(own, cue_words=sentence.replace("**", "")) if sentence else own


def load_judged(
    studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None = None
) -> Measurements:
    """Stored results of a set as `results.load_measurements`, with what its wording control says against them.

    Args:
        studio: Store, catalogue and backend.
        task: The set.
        checkpoints: Checkpoints of any number of models.
        num_fewshot: Number of few-shot examples; None for the set's own.
    """
    own = load_measurements(studio, task, checkpoints, num_fewshot)
    if own.complete_checkpoints < own.checkpoints:
        return own
    return with_cue_words(own, load_control(studio, task, own, num_fewshot))
