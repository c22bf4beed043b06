"""What a result is kept under: each part of the key, changed alone, computes again, and nothing else does."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.records import LETTERS_CHOICE, Checkpoint, ModelInfo, Question, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.fingerprints import fingerprint
from e2lm_core.runs import evaluate
from e2lm_core.runs.studio import Studio, open_studio
from tests.support import studios, tiny_models

SET = studios.task(count=5)
EVERY = len(SET.questions)
Change = Callable[[TaskSet], TaskSet]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A real model that has computed the set."""
    folder = tmp_path_factory.mktemp("keys")
    ladder = studios.real_ladder(folder / "ladder", steps=(100,), models=("ladder-small-arch1",))
    studio = open_studio(studios.settings(folder, ladder=ladder))
    assert evaluate.evaluate(studio, SET, studio.catalogue.checkpoints).computed == EVERY
    return studio


def computed(studio: Studio, task: TaskSet = SET) -> int:
    return evaluate.evaluate(studio, task, studio.catalogue.checkpoints).computed


def config(**changes: Any) -> Change:
    return lambda task: task.model_copy(update={"config": task.config.model_copy(update=changes)})


def first(change: Callable[[Question], dict[str, Any]]) -> Change:
    def of(task: TaskSet) -> TaskSet:
        question, *others = task.questions
        changed = question.model_copy(update=change(question))
        return task.model_copy(update={"questions": (changed, *others)})

    return of


def every(change: Callable[[Question], dict[str, Any]]) -> Change:
    return lambda task: task.model_copy(
        update={"questions": tuple(q.model_copy(update=change(q)) for q in task.questions)}
    )


def turned(question: Question) -> dict[str, Any]:
    last = len(question.choices) - 1
    return {"choices": question.choices[::-1], "answer": last - question.answer}


@pytest.mark.parametrize(
    ("change", "questions"),
    [
        pytest.param(config(doc_to_text="Q: {{question}}\nAnswer:"), EVERY, id="template"),
        pytest.param(config(doc_to_choice=LETTERS_CHOICE), EVERY, id="choices' template"),
        pytest.param(config(target_delimiter="  "), EVERY, id="delimiter"),
        pytest.param(config(num_fewshot=1), EVERY, id="few-shot"),
        pytest.param(config(description="Answer well.\n\n"), EVERY, id="description"),
        pytest.param(first(lambda q: {"choices": (*q.choices[:3], "a hundred")}), 1, id="a choice"),
        pytest.param(first(lambda q: {"choices": (*q.choices, "ninety")}), 1, id="one choice more"),
        pytest.param(first(lambda q: {"question": q.question.replace("twice", "twice ")}), 1, id="a space"),
        pytest.param(first(lambda q: {"question": q.question + " "}), 1, id="a space at the end"),
        pytest.param(first(lambda q: {"choices": (q.choices[0] + " ", *q.choices[1:])}), 1, id="in a choice"),
        pytest.param(first(lambda q: {"question": q.question.upper()}), 1, id="capitals"),
    ],
)
def test_what_a_model_reads_computes_again(here: Studio, change: Change, questions: int) -> None:
    assert computed(here, change(SET)) == questions
    assert computed(here, change(SET)) == 0
    assert computed(here, SET) == 0


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(every(lambda q: {"note": "look again"}), id="note"),
        pytest.param(every(lambda q: {"source": "a book", "license": "CC0-1.0"}), id="source and license"),
        pytest.param(every(lambda q: {"id": f"renamed-{q.id}"}), id="id"),
        pytest.param(every(lambda q: {"subject": "physics", "group": "g"}), id="subject and group"),
        pytest.param(every(lambda q: {"extra": {"column": 1}}), id="unknown column"),
        pytest.param(every(lambda q: {"answer": (q.answer + 1) % 4}), id="the right answer"),
        pytest.param(every(turned), id="order of choices"),
        pytest.param(
            lambda task: task.model_copy(update={"questions": task.questions[::-1]}), id="order of questions"
        ),
        pytest.param(lambda task: task.model_copy(update={"questions": task.questions[1:]}), id="one less"),
        pytest.param(
            lambda task: task.model_copy(update={"dev": (), "readme": "Read."}), id="unused examples"
        ),
        pytest.param(config(task="another_name", metadata={"version": 2.0}), id="name and metadata"),
    ],
)
def test_everything_else_computes_nothing(here: Studio, change: Change) -> None:
    changed = change(SET)
    assert changed != SET
    assert computed(here, changed) == 0


def test_an_example_counts_where_the_prompt_holds_it(here: Studio) -> None:
    shot = config(num_fewshot=1)(SET)
    computed(here, shot)
    other = shot.model_copy(update={"dev": (studios.question(2000, id="other"), *shot.dev[1:])})
    assert computed(here, other) == EVERY
    unused = shot.model_copy(update={"dev": (shot.dev[0], studios.question(3000, id="other"))})
    assert computed(here, unused) == 0


def test_another_dtype_computes_again(here: Studio) -> None:
    half = open_studio(here.settings.model_copy(update={"dtype": "bfloat16"}))
    assert computed(half) == EVERY
    assert computed(half) == 0
    assert computed(open_studio(here.settings)) == 0


def test_a_checkpoint_retrained_in_its_folder_computes_again_and_a_moved_one_does_not(tmp_path: Path) -> None:
    def studio(family: str = "family") -> Studio:
        settings = studios.settings(tmp_path, ladder=tmp_path / "none")
        return open_studio(settings.model_copy(update={"checkpoints": (tmp_path / family,)}))

    folder = tmp_path / "family" / "iter_0000100"
    tiny_models.make(folder)
    assert computed(studio()) == EVERY
    assert computed(studio()) == 0
    open_before = studio()
    tiny_models.make(folder, seed=1)
    assert computed(open_before) == EVERY  # by a process that had it open
    assert computed(studio()) == 0
    times = (folder / "model.safetensors").stat()
    shutil.copytree(tmp_path / "family", tmp_path / "moved")
    assert computed(studio("moved")) == 0
    tiny_models.make(folder, seed=2)
    os.utime(folder / "model.safetensors", ns=(times.st_atime_ns, times.st_mtime_ns))  # same size and date
    assert computed(studio()) == EVERY
    tiny_models.make(folder, seed=1)
    assert computed(studio()) == 0  # trained back


def test_each_part_of_a_hubs_address_is_a_key_and_its_place_in_the_curve_is_not(tmp_path: Path) -> None:
    sha = hashlib.sha1(b"commit").hexdigest()

    def key(**changes: Any) -> str:
        fields: dict[str, Any] = {
            "model": ModelInfo(name="m", family="f"),
            "step": 100,
            "repo": "owner/name",
            "revision": sha,
            "subfolder": "iter_0000100",
        }
        return fingerprint(Checkpoint(**{**fields, **changes}), Settings(home=tmp_path))

    parts = [
        {"repo": "owner/other"},
        {"revision": sha[::-1]},
        {"subfolder": "iter_0000200"},
        {"subfolder": None},
    ]
    assert len({key(), *(key(**part) for part in parts)}) == 1 + len(parts)
    renamed = {"model": ModelInfo(name="renamed", family="g"), "step": 200, "tokens_seen": 9, "early": True}
    assert key(**renamed) == key()
