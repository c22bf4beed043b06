"""Log-likelihoods equal those of the installed lm-evaluation-harness, on the cases where tools differ."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tiny_models
from conftest import needs
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.backends.local import LocalBackend
from e2lm_core.checkpoints import ensure_directory, open_catalogue
from e2lm_core.errors import StudioError
from e2lm_core.prompts import render_set
from e2lm_core.records import Request
from e2lm_core.settings import Settings
from e2lm_core.taskfiles import read_task

pytest.importorskip("lm_eval")
pytestmark = pytest.mark.slow


def harness_model(folder: Path, batch_size: int = 1) -> Any:
    from lm_eval.models.huggingface import HFLM

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    return HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=batch_size)


def harness(folder: Path, requests: Sequence[Request]) -> list[float]:
    return harness_scores(harness_model(folder), requests)


def harness_scores(model: Any, requests: Sequence[Request]) -> list[float]:
    from lm_eval.api.instance import Instance

    instances = [
        Instance(request_type="loglikelihood", doc={}, arguments=tuple(request), idx=i)
        for i, request in enumerate(requests)
    ]
    return [ll for ll, _ in model.loglikelihood(instances, disable_tqdm=True)]


def ours(folder: Path, requests: Sequence[Request], home: Path, plainly: bool = False) -> list[float]:
    backend = LocalBackend(Settings(home=home, device="cpu"))
    results = dict(backend.loglikelihood(tiny_models.checkpoint(folder), requests))
    assert sorted(results) == list(range(len(requests)))
    assert bool(backend.notes()) is plainly, backend.notes()
    return [results[i].ll_nats for i in range(len(requests))]


def assert_equal(ours: Sequence[float], theirs: Sequence[float]) -> None:
    for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert abs(a - b) <= 1e-4 + 2e-6 * abs(b), (index, a, b)


SHOTS = [
    "Question: What is the chemical symbol of iron?\nAnswer: Fe\n\n",
    "Question: How many legs has an insect?\nAnswer: six legs\n\n",
    "Question: Which planet is the largest?\nAnswer: Jupiter\n\n",
    "Question: What boils at one hundred degrees?\nAnswer: Water\n\n",
    "Question: What pumps blood?\nAnswer: the heart\n\n",
]
QUESTIONS = {
    "Question: What takes in oxygen?\nAnswer:": [" lungs", " lungs and blood", " the heart", " a gas giant"],
    "Question: Which is the largest planet?\nAnswer:": [" Jupiter", " Jupiter, a gas giant", " iron", " Fe"],
    "Question: What takes in blood?\nAnswer:": [
        " lungs",
        " A",
        " B",
        " six legs; a spider has eight of them",
    ],
}


def multiple_choice(shots: int) -> list[Request]:
    return [Request("".join(SHOTS[:shots]) + q, c) for q, choices in QUESTIONS.items() for c in choices]


LETTERS = [Request("Which?\nA. iron\nB. water\nC. air\nD. blood\nAnswer:", f" {letter}") for letter in "ABCD"]
ODD = [
    Request("", " iron"),
    Request("", "Jupiter is a planet"),
    Request("", "<|bos|>a text that begins with the prefix token"),
    Request("Answer: ", "iron"),
    Request("Answer:  \n ", "iron"),
    Request("Answer:\n\n", " iron"),
    Request("Answer:", "iron"),
    Request("Answer: Jup", "iter"),
    Request("<|bos|>Question", " one"),
    Request("Frage: Wie heißt das größte Tier? 🐋\nAntwort:", " Blauwal 🐳🐳"),
    Request("質問：最大の惑星は？", "木星"),
    Request("e\u0301 and \u00e9", " \u0301"),
    Request(" leading", " and  double  spaces "),
    Request("The same", " text"),
    Request("The same", " text"),
]
LONG = [
    Request("oxygen from the air and " * n, c)
    for n in (20, 60, 200)
    for c in (" iron", " lungs take in oxygen")
]
LONG.append(Request("Question: long?\nAnswer:", " six legs and" * 30))

CASES = {
    "0-shot": multiple_choice(0),
    "1-shot": multiple_choice(1),
    "5-shot": multiple_choice(5),
    "letters": LETTERS,
    "odd": ODD,
    "over the window": LONG,
}


@pytest.mark.parametrize("architecture", ["llama", "neox"])
@pytest.mark.parametrize("adds_bos", [False, True], ids=["plain", "adds_bos"])
def test_equals_the_harness(architecture: str, adds_bos: bool, tmp_path: Path) -> None:
    folder = tiny_models.make(tmp_path / "m", architecture, adds_bos=adds_bos)
    requests = [request for case in CASES.values() for request in case]
    assert_equal(ours(folder, requests, tmp_path), harness(folder, requests))


@pytest.mark.parametrize("architecture", ["olmo2", "gpt2", "mistral"])
def test_equals_the_harness_on_other_architectures(architecture: str, tmp_path: Path) -> None:
    folder = tiny_models.make(tmp_path / "m", architecture, has_bos=False)
    requests = [r for case in CASES.values() for r in case if not r.continuation.startswith("<|bos|>")]
    assert_equal(
        ours(folder, requests, tmp_path, plainly=architecture == "mistral"), harness(folder, requests)
    )


PIECES = st.sampled_from(
    ["iron", " ", "\n", "Question:", "é", "🐋", "s", "'re", "木", "<|eos|>", "12", "\t", " the"]
)
TEXT = st.lists(PIECES, max_size=12).map("".join)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalBackend, Any, Path]:
    folder = tiny_models.make(tmp_path_factory.mktemp("m") / "m", "llama", window=32)
    return LocalBackend(Settings(home=folder.parent, device="cpu")), harness_model(folder), folder


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.tuples(TEXT, TEXT.filter(str.strip)), min_size=1, max_size=6))
def test_equals_the_harness_on_whatever_is_drawn(
    pair: tuple[LocalBackend, Any, Path], texts: list[tuple[str, str]]
) -> None:
    backend, model, folder = pair
    requests, expected = [], []
    for request in (Request(*text) for text in texts):
        try:
            expected += harness_scores(model, [request])
        except (AssertionError, IndexError):  # how the harness refuses an empty or an over-long continuation
            if request.context and not request.context.strip():
                continue  # blank prompts are taken as empty ones, where the harness stops
            with pytest.raises(StudioError):
                list(backend.loglikelihood(tiny_models.checkpoint(folder), [request]))
        else:
            requests.append(request)
    results = dict(backend.loglikelihood(tiny_models.checkpoint(folder), requests))
    assert_equal([results[i].ll_nats for i in range(len(requests))], expected)


@pytest.mark.parametrize("shots", [0, 5])
@pytest.mark.parametrize("name", ["ladder_science", "ladder_general"])
def test_equals_the_harness_on_the_ladder(name: str, shots: int, tmp_path: Path) -> None:
    own = Settings(home=tmp_path, device="cpu")
    catalogue = open_catalogue(own)
    needs("ladder")
    task = read_task(own.tasks / name, own.limits).task
    some = task.model_copy(update={"questions": task.questions[:: max(1, len(task.questions) // 12)]})
    docs = render_set(some, shots)
    requests = [Request(doc.context, c) for doc in docs for c in doc.continuations]
    backend = LocalBackend(own)
    for model in catalogue.models[:: max(1, len(catalogue.models) // 3)][:3]:
        checkpoints = catalogue.of(model)
        for checkpoint in (checkpoints[len(checkpoints) // 2], checkpoints[-1]):
            results = dict(backend.loglikelihood(checkpoint, requests))
            folder = ensure_directory(checkpoint, own)
            assert_equal([results[i].ll_nats for i in range(len(requests))], harness(folder, requests))
    assert backend.notes() == []
