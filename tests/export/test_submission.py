"""From a set to a bundle: what stops it, what warns, and the bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from safetensors.numpy import save_file

from e2lm_core.base.errors import CheckpointError, StudioError, TaskError
from e2lm_core.base.records import Checkpoint, ModelInfo, Request, TaskSet
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
    found = submission.check_findings(here, collection.open_set(here.settings, "little"))
    assert codes(found) == []
    strict = submission.check_findings(here, studios.task(), "competition")
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
    found = submission.check_findings(here, task)
    assert code in codes(found)
    assert "prompt" not in codes(found)
    assert any(f.sentence.startswith("Question 3") for f in found)
    with pytest.raises(TaskError, match="cannot be exported yet: Question 3"):
        submission.build_bundle(here, task)


def test_a_prompt_that_cannot_be_rendered_is_an_error(here: Studio) -> None:
    task = studios.task()
    config = task.config.model_copy(update={"doc_to_text": "{{ nothing }}"})
    (finding,) = submission.check_findings(here, task.model_copy(update={"config": config}))
    assert (finding.severity, finding.code) == ("error", "prompt")
    config = task.config.model_copy(update={"num_fewshot": 5})
    (shots,) = submission.check_findings(here, task.model_copy(update={"config": config}))
    assert "has 2 dev questions" in shots.sentence


# --- how long prompts may be ----------------------------------------------------------------------------


class Windows(FakeBackend):
    """The fake backend, whose larger models read more; a word of seven letters and a space is a token."""

    windows = MappingProxyType({"pythia-70m": 2_048, "tiny-1": 64})

    def window(self, checkpoint: Checkpoint) -> int:
        return self.windows.get(checkpoint.model.name, 1_024)


def words(count: int) -> str:
    return " ".join(["passage"] * count)


def with_models(tmp_path: Path, *names: str) -> Studio:
    """The studio with one checkpoint of each of these models beside the embedded ladder."""
    studio = studios.studio(tmp_path, backend=Windows())
    folder = tmp_path / "theirs"
    folder.mkdir()
    save_file({"weight": np.zeros(1, np.float32)}, folder / "model.safetensors")
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_text("{}")
    theirs = tuple(
        Checkpoint(model=ModelInfo(name=name, family=name.split("-")[0]), step=1, directory=folder)
        for name in names
    )
    catalogue = replace(studio.catalogue, checkpoints=(*studio.catalogue.checkpoints, *theirs))
    return replace(studio, catalogue=catalogue)


def ran_on(studio: Studio, *globs: str) -> None:
    studios.start_run(studio, "little", studio.catalogue.match_globs(globs))


def reading(passage_words: int) -> TaskSet:
    """As RACE's: a passage above each question."""
    task = studios.task()
    passage = words(passage_words)
    return task.model_copy(
        update={
            "questions": tuple(
                q.model_copy(update={"question": f"{passage}\n{q.question}"}) for q in task.questions
            )
        }
    )


def five_shot(words_each: int) -> TaskSet:
    """As MMLU's longest subject: five long examples above each question."""
    task = studios.task(dev=5)
    dev = tuple(q.model_copy(update={"question": words(words_each)}) for q in task.dev)
    return task.model_copy(update={"dev": dev, "config": task.config.model_copy(update={"num_fewshot": 5})})


@pytest.mark.parametrize("task", [reading(290), reading(1_500), five_shot(400)], ids=["race", "long", "mmlu"])
def test_what_is_too_long_for_the_embedded_models_alone_is_exported_with_a_warning(
    tmp_path: Path, task: TaskSet
) -> None:
    here = with_models(tmp_path, "pythia-70m")
    for globs in ((), ("ladder-*",)):  # before the first run, and after one on the embedded models
        if globs:
            ran_on(here, *globs)
        found = submission.check_findings(here, task)
        assert codes(found) == []
        assert submission.build_bundle(here, task, findings=found)
    long = [f for f in submission.check_findings(here, task) if f.code == "too_many_tokens"]
    assert len(long) == (0 if task == reading(290) else 6)
    for one in long:
        assert "(tokenizer of ladder-small-arch1), but at most 1,024 fit ladder-small-arch1;" in one.sentence


def test_a_choice_that_alone_is_longer_than_the_window_is_an_error_for_any_model(tmp_path: Path) -> None:
    here = with_models(tmp_path, "pythia-70m")
    for length, count in ((1_024, 0), (1_025, 1)):
        task = changed(2, choices=(words(length), "one", "two", "three"), answer=1)
        long = [f for f in submission.check_findings(here, task) if f.code == "too_long_choice"]
        assert len(long) == count
    (found,) = long
    assert (found.severity, found.question_id) == ("error", task.questions[2].id)
    assert found.sentence.startswith(
        "Question 3: its longest choice alone has 1,025 tokens (tokenizer of ladder-small-arch1), but "
        "ladder-small-arch1 reads at most 1,024, so every run on it fails; shorten the choice"
    )
    assert [
        f.code for f in submission.check_findings(here, task, tokens_of="pythia-70m") if f.severity == "error"
    ] == []
    away = changed(2, choices=(words(2_300), "one", "two", "three"), answer=1)
    (about,) = [
        f
        for f in submission.check_findings(here, away, tokens_of="datadecide")
        if f.code == "too_long_choice"
    ]
    assert "about 4,6" in about.sentence


def test_a_model_that_the_set_was_run_on_and_that_reads_less_stops_the_export(tmp_path: Path) -> None:
    here = with_models(tmp_path, "pythia-70m", "tiny-1")
    task = reading(1_500)
    ran_on(here, "pythia-70m/*")
    assert codes(submission.check_findings(here, task)) == []
    assert "too_many_tokens" not in {
        f.code for f in submission.check_findings(here, task)
    }  # the ladder was not run
    ran_on(here, "tiny-1/*", "pythia-70m/*")
    found = submission.check_findings(here, task)
    assert codes(found) == ["too_many_tokens"] * 6
    assert found[0].sentence.startswith("Question 1: its prompt and longest choice have 1,5")
    assert (
        "tokens (tokenizer of tiny-1), but at most 64 fit tiny-1; shorten the question" in found[0].sentence
    )
    with pytest.raises(TaskError, match=r"cannot be exported yet: Question 1: .* fit tiny-1"):
        submission.build_bundle(here, task)


def test_models_that_read_alike_are_one_finding(tmp_path: Path) -> None:
    here = with_models(tmp_path, "one-1", "two-1", "three-1")
    ran_on(here, "one-1/*", "two-1/*", "three-1/*")
    found = submission.check_findings(here, reading(1_500))
    assert codes(found) == ["too_many_tokens"] * 6
    assert "fit one-1 and 2 other models" in found[0].sentence


def test_a_named_model_or_family_is_counted_in_its_tokens(tmp_path: Path) -> None:
    here = with_models(tmp_path, "pythia-70m")
    ran_on(here, "ladder-*")
    task = reading(1_500)
    assert codes(submission.check_findings(here, task, tokens_of="pythia-70m")) == []
    assert codes(submission.check_findings(here, task, tokens_of="pythia")) == []
    assert (
        codes(submission.check_findings(here, task, tokens_of="ladder-small-arch1"))
        == ["too_many_tokens"] * 6
    )
    away = submission.check_findings(here, task, tokens_of="datadecide")
    assert codes(away) == ["too_many_tokens"] * 6
    assert "about 3,0" in away[0].sentence
    assert "estimated from its bytes, as the tokenizer is not here), but at most 2,048 fit datadecide" in (
        away[0].sentence
    )
    with pytest.raises(
        StudioError, match=r"'gpt-9': use a model on this computer .* families datadecide, e2lm"
    ):
        submission.check_findings(here, task, tokens_of="gpt-9")


def test_the_competition_counts_its_own_tokens_and_says_where_it_estimates_them(tmp_path: Path) -> None:
    task = reading(1_500)
    away = with_models(tmp_path / "away", "pythia-70m")
    long = [f for f in submission.check_findings(away, task, "competition") if f.code == "too_many_tokens"]
    (first, *_) = [f for f in long if f.severity == "error"]
    assert "about 3,0" in first.sentence
    assert "(estimated from its bytes, as the tokenizer is not here)" in first.sentence
    assert "but at most 2,048 fit the competition's models" in first.sentence
    here = with_models(tmp_path / "here", "dense-500m-arch1")
    own = submission.check_findings(here, task, "competition")
    assert codes(own) == ["competition_size"]  # 1,500 of its tokens
    longer = submission.check_findings(here, reading(2_100), "competition")
    assert "2,1" in longer[1].sentence
    assert "(tokenizer of the competition's models)" in longer[1].sentence
    short = submission.check_findings(away, reading(290), "competition")
    assert codes(short) == ["competition_size"]


def test_half_a_character_in_the_prompt_is_an_error_of_the_set(here: Studio) -> None:
    task = studios.task()
    config = task.config.model_copy(update={"description": "half \ud83c"})
    (finding,) = submission.check_findings(here, task.model_copy(update={"config": config}))
    assert (finding.severity, finding.code) == ("error", "prompt")
    assert "half a character" in finding.sentence or "half character" in finding.sentence


def test_the_embedded_models_warn_beyond_what_they_were_trained_on(here: Studio) -> None:
    longer_than_trained = changed(0, question=" ".join(["word"] * 200))
    (warning,) = [
        f for f in submission.check_findings(here, longer_than_trained) if f.code == "beyond_training"
    ]
    assert warning.sentence.startswith("1 of 6 prompts are longer than the 128 tokens")


def test_a_ladder_that_cannot_be_read_does_not_stop_the_other_checks(tmp_path: Path) -> None:
    class NoTokens(FakeBackend):
        def prompt_tokens(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> list[int]:
            raise CheckpointError("The file is cut short: get it again.")

    here = studios.studio(tmp_path, backend=NoTokens())
    found = submission.check_findings(here, changed(0, question=words(100)))
    (unknown,) = [f for f in found if f.code == "length_unknown"]
    assert unknown.severity == "warning"
    assert "cut short" in unknown.sentence
    assert submission.build_bundle(here, changed(0, question=words(100)))


def test_the_bundle_is_the_set_and_the_same_bytes_each_time(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    data = submission.build_bundle(here, task)
    assert submission.build_bundle(here, task) == data
    assert bundle.unpack(data, here.settings.limits) == task
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert {"little/little.yaml", "little/test.jsonl", "little/dev.jsonl", "little/loader.py"} <= set(names)


def test_only_the_competition_asks_for_a_hundred(here: Studio) -> None:
    with pytest.raises(TaskError, match="100 to 15,000"):
        submission.build_bundle(here, studios.task(), "competition")
    assert submission.build_bundle(here, studios.task(count=100), "competition")


def test_an_answer_that_dev_shows_stops_the_export(here: Studio) -> None:
    task = studios.task()
    shown = task.model_copy(update={"dev": (task.questions[3].model_copy(update={"id": "x"}),)})
    with pytest.raises(TaskError, match="cannot be exported yet: Question 4 is also an example question"):
        submission.build_bundle(here, shown)
