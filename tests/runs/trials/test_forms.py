"""Trials of question formats, and the one that is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import PromptStyle
from e2lm_core.runs.studio import Studio
from e2lm_core.runs.trials import forms as form_trials
from e2lm_core.sets import collection, versions
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    opened = studios.studio(tmp_path)
    studios.write_example(opened.settings, studios.task(24, "more", dev=5))
    collection.copy_set(opened.settings, "more", "mine")
    return opened


def test_the_set_s_own_format_comes_first_and_once(here: Studio) -> None:
    task = collection.open_set(here.settings, "mine")
    labels = [variant.label for variant in form_trials.form_variants(task)]
    assert labels == [
        "cloze (as it stands), 0-shot",
        "cloze, 5-shot",
        "letters, 0-shot",
        "letters, 5-shot",
        "ending, 0-shot",
        "ending, 5-shot",
    ]
    few = task.model_copy(update={"dev": task.dev[:2]})
    assert len(form_trials.form_variants(few)) == 3, "five examples cannot be shown"
    own = form_trials.form_variants(
        task, styles=(), template={"doc_to_text": "{{question}} It is"}, shots=(0,)
    )
    assert [variant.label for variant in own] == ["cloze (as it stands), 0-shot", "own template, 0-shot"]


def test_all_formats_in_one_run_counted_as_a_trial(here: Studio) -> None:
    task = collection.open_set(here.settings, "mine")
    variants = form_trials.form_variants(task, shots=(0,))
    trial = form_trials.plan_form_trial(here, task, variants, here.catalogue.checkpoints)
    assert {c.model.name for c in trial.checkpoints} == {"ladder-small-arch1", "ladder-large-arch1"}
    trial.compute()
    first = form_trials.judge_form_trial(here, trial)
    assert len(first.figures) == 3 * 5
    assert first.preference is not None
    assert first.preference.trial == 1
    assert form_trials.judge_form_trial(here, trial).preference == first.preference, (
        "the same trial counts once"
    )
    other = form_trials.plan_form_trial(here, task, variants[:2], here.catalogue.checkpoints)
    other.compute()
    again = form_trials.judge_form_trial(here, other)
    assert again.preference is not None
    assert again.preference.trial == 2


def test_one_question_alone(here: Studio) -> None:
    task = collection.open_set(here.settings, "mine")
    variants = form_trials.form_variants(task, shots=(0,), question_id="q3")
    trial = form_trials.plan_form_trial(here, task, variants, here.catalogue.checkpoints)
    trial.compute()
    found = form_trials.judge_form_trial(here, trial)
    assert found.preference is None
    assert found.figures[0].final is not None
    with pytest.raises(TaskError, match="has no question 'x'"):
        form_trials.form_variants(task, question_id="x")


def test_a_format_is_used_in_one_step_and_says_so(here: Studio) -> None:
    task = collection.open_set(here.settings, "mine")
    variants = form_trials.form_variants(task)
    trial = form_trials.plan_form_trial(here, task, variants, here.catalogue.checkpoints[:12])
    trial.compute()
    found = form_trials.judge_form_trial(here, trial)
    used = form_trials.use_form(here.settings, "mine", variants[3], found)
    assert used.config.style is PromptStyle.LETTERS
    assert used.config.num_fewshot == 5
    kept = used.config.metadata[form_trials.CHOSEN_KEY]
    assert kept["format"] == "letters, 5-shot"
    assert len(kept["tried"]) == 6
    versions.undo(here.settings, "mine")
    assert collection.open_set(here.settings, "mine").config == task.config


def test_bad_input_gets_one_sentence(here: Studio) -> None:
    task = collection.open_set(here.settings, "mine")
    with pytest.raises(TaskError, match="use cloze, letters, ending"):
        form_trials.form_variants(task, styles=("roman",))
    with pytest.raises(TaskError, match="No other format is left"):
        form_trials.form_variants(task, styles=("cloze",), shots=(0,))
