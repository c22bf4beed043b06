"""Log-likelihoods equal those of the installed lm-evaluation-harness, on the cases where tools differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.parity import cases as parity_cases
from benchmarks.parity import parity
from benchmarks.parity.parity import harness_model, harness_scores
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Request
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.unpacking import ensure_directory
from e2lm_core.engine.local import LocalBackend
from e2lm_core.sets.folder.files import read_task
from e2lm_core.sets.prompts.render import render_set
from tests.conftest import needs
from tests.support import tiny_models

pytest.importorskip("lm_eval")
pytestmark = pytest.mark.slow


def assert_equal(ours: Sequence[float], theirs: Sequence[float]) -> None:
    for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert abs(a - b) <= parity.bound(b), (index, a, b)


def make(name: str, folder: Path) -> tuple[Path, dict[str, list[Request]]]:
    architecture, options = parity.TINY[name]
    made = tiny_models.make(folder, architecture, **options)
    return made, parity_cases.tiny_cases(parity.counter(made), options.get("has_bos", True))


def test_the_bound_is_the_one_that_is_promised() -> None:
    assert parity.bound(0.0) == 1e-4
    assert parity.bound(-1_000.0) == pytest.approx(2.1e-3)


@pytest.mark.parametrize("name", parity.TINY)
def test_equals_the_harness_in_every_case(name: str, tmp_path: Path) -> None:
    folder, cases = make(name, tmp_path / "m")
    rows = parity.compare(name, folder, tmp_path, cases, batch=1)
    assert [row.case for row in rows] == list(cases)
    assert all(row.share <= 1 for row in rows), [row for row in rows if not row.share <= 1]


@pytest.mark.parametrize("name", parity.TINY)
def test_only_a_sliding_window_goes_on_from_a_state(name: str, tmp_path: Path) -> None:
    folder, cases = make(name, tmp_path / "m")
    notes = parity.ours(folder, [r for case in cases.values() for r in case], tmp_path)[1]
    assert any("from the state" in note for note in notes) is (name == "mistral, sliding"), notes
    assert not any("plain batches" in note for note in notes), notes


def test_the_cases_are_what_their_names_say(tmp_path: Path) -> None:
    for name in parity.TINY:
        folder, cases = make(name, tmp_path / name)
        count = parity.counter(folder)
        assert {count(r) for r in cases["choices of one token"]} == {1}
        assert {count(r) for r in cases["choices of forty tokens"]} == {40}
        assert {r.context for r in cases["empty context"]} == {""}
        texts = [r.continuation for r in cases["a choice a prefix of another"]]
        assert sum(b.startswith(a) for a in texts for b in texts if a != b) >= 2 * len(texts)
        assert any(len(r.context) > 256 * 8 for r in cases["over the window"])


def test_the_table_shows_the_harness_against_itself(tmp_path: Path) -> None:
    folder, cases = make("llama", tmp_path / "m")
    some = {name: cases[name] for name in ("cloze 5-shot", "over the window")}
    rows = parity.compare("llama", folder, tmp_path, some)
    assert all(0 <= row.batches <= 1e-3 and row.share <= 1 for row in rows)
    assert any(row.batches > 0 for row in rows)


# --- whatever is drawn --------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "iron",
        " ",
        "  ",
        "\n",
        "Question:",
        "é",
        "e\u0301",
        "🐋",
        "👩🏽‍🔬",
        "s",
        "'re",
        "木",
        "<|eos|>",
        "12",
        "\t",
        " the",
        "\u00a0",
        "\r\n",
        "…",
    ]
)
TEXT = st.lists(PIECES, max_size=12).map("".join)
PROMPTS = st.lists(
    st.tuples(TEXT, st.lists(TEXT.filter(str.strip), min_size=1, max_size=4)), min_size=1, max_size=4
)


def with_prefixes(choices: list[str]) -> list[str]:
    """Each choice and what is left of it without its last character: one a prefix of the other."""
    cut = [choice[:-1] for choice in choices]
    return [*choices, *(text for text in cut if text.strip())]


@pytest.fixture(scope="module", params=["llama", "llama, adds BOS", "neox, adds BOS", "olmo2"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[LocalBackend, Any, Path]:
    architecture, options = parity.TINY[request.param]
    folder = tiny_models.make(tmp_path_factory.mktemp("m") / "m", architecture, window=32, **options)
    return LocalBackend(Settings(home=folder.parent, device="cpu")), harness_model(folder), folder


@settings(max_examples=20, deadline=None)
@given(prompts=PROMPTS)
def test_equals_the_harness_on_whatever_is_drawn(
    pair: tuple[LocalBackend, Any, Path], prompts: list[tuple[str, list[str]]]
) -> None:
    backend, model, folder = pair
    checkpoint = parity.checkpoint_of(folder)
    requests, expected = [], []
    for request in (
        Request(context, choice) for context, choices in prompts for choice in with_prefixes(choices)
    ):
        try:
            expected += harness_scores(model, [request])
        except (AssertionError, IndexError):  # how the harness refuses an empty or an over-long continuation
            if request.context and not request.context.strip():
                continue  # blank prompts are taken as empty ones, where the harness stops
            with pytest.raises(StudioError):
                list(chain.from_iterable(backend.chunks(checkpoint, [request])))
        else:
            requests.append(request)
    results = dict(chain.from_iterable(backend.chunks(checkpoint, requests)))
    assert_equal([results[i].ll_nats for i in range(len(requests))], expected)


# --- trained models -----------------------------------------------------------------------------------


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
        checkpoints = catalogue.checkpoints_of(model)
        for checkpoint in (checkpoints[len(checkpoints) // 2], checkpoints[-1]):
            results = dict(chain.from_iterable(backend.chunks(checkpoint, requests)))
            folder = ensure_directory(checkpoint, own)
            theirs = harness_scores(harness_model(folder), requests)
            assert_equal([results[i].ll_nats for i in range(len(requests))], theirs)
    assert backend.notes() == []
