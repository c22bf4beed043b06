"""From a set to a bundle: what stops it, what warns, and the bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from e2lm_core.base.errors import CheckpointError, TaskError
from e2lm_core.base.records import Checkpoint, Request, TaskSet
from e2lm_core.export import submission
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection
from e2lm_core.sets.folder import bundle
from tests.support import studios
from tests.support.fake_backend import FakeBackend


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def changed(number: int, **fields: object) -> TaskSet:
    task = studios.task()
    questions = list(task.questions)
    questions[number] = questions[number].model_copy(update=fields)
    return task.model_copy(update={"questions": tuple(questions)})


def codes(found: Sequence) -> list[str]:
    return [f.code for f in found if f.severity == "error"]


def test_a_sound_set_has_no_error_and_says_errors_first(here: Studio) -> None:
    found = submission.findings(here, collection.open_set(here.settings, "little"))
    assert codes(found) == []
    strict = submission.findings(here, studios.task(), "competition")
    assert codes(strict) == ["competition_size"]
    severities = [f.severity for f in strict]
    assert severities == sorted(severities)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"answer": 9}, "gold_range"),
        ({"choices": ("one",), "answer": 0}, "few_choices"),
        ({"choices": ("one", "one"), "answer": 0}, "repeated_choice"),
        ({"question": ""}, "empty_question"),
        ({"question": "half \ud800"}, "not_text"),
    ],
)
def test_a_question_that_is_wrong_in_itself_is_named_as_such(here: Studio, fields: dict, code: str) -> None:
    task = changed(2, **fields)
    found = submission.findings(here, task)
    assert code in codes(found)
    assert "prompt" not in codes(found)
    assert any(f.sentence.startswith("Question 3") for f in found)
    with pytest.raises(TaskError, match="cannot be exported yet: Question 3"):
        submission.export(here, task)


def test_a_prompt_that_cannot_be_rendered_is_an_error(here: Studio) -> None:
    task = studios.task()
    config = task.config.model_copy(update={"doc_to_text": "{{ nothing }}"})
    (finding,) = submission.findings(here, task.model_copy(update={"config": config}))
    assert (finding.severity, finding.code) == ("error", "prompt")
    (shots,) = submission.findings(here, task, num_fewshot=5)
    assert "has 2 dev questions" in shots.sentence


def test_prompts_are_counted_in_tokens(here: Studio) -> None:
    long = changed(0, question=" ".join(["word"] * 1_100))
    assert codes(submission.findings(here, long)) == ["too_many_tokens"]
    longer_than_trained = changed(0, question=" ".join(["word"] * 200))
    (warning,) = [f for f in submission.findings(here, longer_than_trained) if f.code == "beyond_training"]
    assert warning.sentence.startswith("1 of 6 prompts are longer than the 128 tokens")


def test_a_ladder_that_cannot_be_read_does_not_stop_the_other_checks(tmp_path: Path) -> None:
    class NoTokens(FakeBackend):
        def prompt_tokens(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> list[int]:
            raise CheckpointError("The file is cut short: get it again.")

    here = studios.studio(tmp_path, backend=NoTokens())
    found = submission.findings(here, studios.task())
    (unknown,) = [f for f in found if f.code == "length_unknown"]
    assert unknown.severity == "warning"
    assert "cut short" in unknown.sentence
    assert submission.export(here, studios.task())


def test_the_bundle_is_the_set_and_the_same_bytes_each_time(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    data = submission.export(here, task)
    assert submission.export(here, task) == data
    assert bundle.unpack(data, here.settings.limits) == task
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert {"little/little.yaml", "little/test.jsonl", "little/dev.jsonl", "little/loader.py"} <= set(names)


def test_only_the_competition_asks_for_a_hundred(here: Studio) -> None:
    with pytest.raises(TaskError, match="100 to 15,000"):
        submission.export(here, studios.task(), "competition")
    assert submission.export(here, studios.task(count=100), "competition")


def test_an_answer_that_dev_shows_stops_the_export(here: Studio) -> None:
    task = studios.task()
    shown = task.model_copy(update={"dev": (task.questions[3].model_copy(update={"id": "x"}),)})
    with pytest.raises(TaskError, match="cannot be exported yet: Question 4: it stands in dev too"):
        submission.export(here, shown)
