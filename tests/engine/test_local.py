from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import threading
import time
import weakref
from itertools import chain
from pathlib import Path

import pytest

from e2lm_core.base.errors import CheckpointError, StudioError
from e2lm_core.base.records import Checkpoint, ModelInfo, Request
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.engine import local as local_backend
from e2lm_core.engine.batches import tokenise
from e2lm_core.engine.local import LocalBackend
from tests.conftest import needs
from tests.support import tiny_models

REQUESTS = [Request(f"Question {n}: What is iron?\nAnswer:", c) for n in range(20) for c in (" Fe", " air")]


def local(home: Path, **options: object) -> LocalBackend:
    return LocalBackend(Settings(home=home, device="cpu", **options))  # type: ignore[arg-type]


def test_the_scope_holds_what_changes_numbers(tmp_path: Path) -> None:
    backend = local(tmp_path)
    scopes = [
        backend.scope(tiny_models.checkpoint(folder))
        for folder in (
            tiny_models.make(tmp_path / "a"),
            tiny_models.make(tmp_path / "b", seed=1),
            tiny_models.make(tmp_path / "c", window=128),
            tiny_models.make(tmp_path / "d", adds_bos=True),
        )
    ]
    assert len({s.fingerprint for s in scopes}) == 4
    assert [s.max_length for s in scopes] == [256, 256, 128, 256]
    assert [s.bos for s in scopes] == ["none", "none", "none", "prepend:0"]
    assert backend.window(tiny_models.checkpoint(tmp_path / "c")) == 128


def test_scopes_are_known_without_torch_the_second_time(tmp_path: Path) -> None:
    folder = tiny_models.make(tmp_path / "m")
    expected = local(tmp_path).scope(tiny_models.checkpoint(folder))
    code = (
        "import sys; from pathlib import Path\n"
        "from e2lm_core.engine.local import LocalBackend\n"
        "from e2lm_core.base.records import Checkpoint, ModelInfo\n"
        "from e2lm_core.base.settings import Settings\n"
        f"c = Checkpoint(model=ModelInfo(name='tiny', family='x'), step=1, directory=Path({str(folder)!r}))\n"
        f"print(LocalBackend(Settings(home=Path({str(tmp_path)!r}))).scope(c).model_dump_json())\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected.model_dump_json()


@pytest.mark.parametrize(
    ("asked", "cores", "at_once", "for_each"),
    [(1, 8, 1, 1), (2, 8, 2, 1), (5, 8, 2, 2), (None, 1, 1, 1), (None, 2, 2, 1), (None, 8, 2, 4)],
)
def test_threads_are_shared_by_what_is_computed_at_once(
    tmp_path: Path, monkeypatch, asked: int | None, cores: int, at_once: int, for_each: int
) -> None:
    import torch

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    before = torch.get_num_threads()
    try:
        backend = local(tmp_path, threads=asked)
        assert backend.scorer is not None
        assert (backend.at_once, torch.get_num_threads()) == (at_once, for_each)
    finally:
        torch.set_num_threads(before)


def test_what_is_forgotten_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a hub as well, of which a rolling run lets one after the other go."""
    backend = local(tmp_path)
    folders = [tiny_models.make(tmp_path / str(s), seed=s) for s in range(2)]
    checkpoints = [
        Checkpoint(model=ModelInfo(name=f.name, family="x"), step=1, repo="a/b", revision=f.name)
        for f in folders
    ]
    monkeypatch.setattr(local_backend, "ensure_directory", lambda c, _: tmp_path / c.revision)

    first = [dict(chain.from_iterable(backend.chunks(c, REQUESTS))) for c in checkpoints]
    models = [weakref.ref(backend.read(checkpoint)) for checkpoint in checkpoints]

    def held() -> list[bool]:
        gc.collect()
        return [model() is not None for model in models]

    assert held() == [True, True]
    backend.forget(checkpoints[1])
    assert held() == [True, False]
    backend.forget(checkpoints[0])
    assert held() == [False, False]
    assert [dict(chain.from_iterable(backend.chunks(c, REQUESTS))) for c in checkpoints] == first


def test_an_adapter_beside_a_model_is_said_with_what_is_scored(tmp_path: Path) -> None:
    backend = local(tmp_path)
    folder = tiny_models.make(tmp_path / "m")
    (folder / "adapter_config.json").write_text("{}")
    list(backend.chunks(tiny_models.checkpoint(folder), REQUESTS))
    (note,) = backend.notes()
    assert "holds an adapter beside a whole model: the model is scored without it" in note


def test_two_threads_and_reading_ahead(tmp_path: Path) -> None:
    backend = local(tmp_path)
    checkpoints = [tiny_models.checkpoint(tiny_models.make(tmp_path / str(s), seed=s), s) for s in range(3)]
    expected = [dict(chain.from_iterable(backend.chunks(c, REQUESTS))) for c in checkpoints]
    fresh, results = local(tmp_path), {}
    fresh.prefetch(checkpoints[0])
    fresh.prefetch(Checkpoint(model=ModelInfo(name="none", family="x"), step=1))  # a hint never raises

    def work(index: int) -> None:
        results[index] = dict(chain.from_iterable(fresh.chunks(checkpoints[index % 3], REQUESTS)))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(results[i] == expected[i % 3] for i in range(6))


def test_what_is_in_memory_is_not_read_ahead(tmp_path: Path, monkeypatch) -> None:
    backend, asked = local(tmp_path), []
    monkeypatch.setattr(backend, "_read_ahead", asked.append)
    checkpoint = tiny_models.checkpoint(tiny_models.make(tmp_path / "m"))
    backend.prefetch(checkpoint)
    model = backend.read(checkpoint)
    backend.prefetch(checkpoint)
    backend._reader.shutdown()
    assert asked == [checkpoint]
    assert model is backend.read(checkpoint)


def test_refusals(tmp_path: Path) -> None:
    nowhere = Checkpoint(model=ModelInfo(name="none", family="x"), step=1)
    gone = tiny_models.checkpoint(tmp_path / "gone")
    for checkpoint in (nowhere, gone):
        with pytest.raises(CheckpointError):
            local(tmp_path).scope(checkpoint)
        with pytest.raises(CheckpointError):
            list(chain.from_iterable(local(tmp_path).chunks(checkpoint, REQUESTS)))
    folder = tiny_models.make(tmp_path / "m")
    backend = LocalBackend(Settings(home=tmp_path, device="cuda:77"))
    with pytest.raises(StudioError, match="E2LM_DEVICE"):
        list(chain.from_iterable(backend.chunks(tiny_models.checkpoint(folder), REQUESTS)))
    assert list(chain.from_iterable(local(tmp_path).chunks(gone, []))) == []


def test_prompt_tokens_are_counted_before_truncation(tmp_path: Path) -> None:
    checkpoint = tiny_models.checkpoint(tiny_models.make(tmp_path / "m", window=64))
    (tokens,) = local(tmp_path).prompt_tokens(checkpoint, [Request("oxygen " * 200, " iron")])
    assert tokens > 200


def test_the_embedded_ladder_is_scored(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, device="cpu")
    catalogue = open_catalogue(settings)
    needs("ladder")
    backend = LocalBackend(settings)
    for checkpoint in (catalogue.checkpoints[0], catalogue.checkpoints[-1]):
        scope = backend.scope(checkpoint)
        results = dict(chain.from_iterable(backend.chunks(checkpoint, REQUESTS)))
        assert len(results) == len(REQUESTS)
        assert scope.max_length == catalogue.context
    assert backend.notes() == []


def test_what_was_unpacked_and_read_is_used_whatever_becomes_of_its_folder(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, device="cpu")
    needs("ladder")
    checkpoint = open_catalogue(settings).checkpoints[0]
    backend = LocalBackend(settings)
    results = dict(chain.from_iterable(backend.chunks(checkpoint, REQUESTS)))
    model = backend.read(checkpoint)
    shutil.rmtree(model.directory)
    assert backend.read(checkpoint) is model
    assert dict(chain.from_iterable(backend.chunks(checkpoint, REQUESTS))) == results
    anew = LocalBackend(settings)
    assert dict(chain.from_iterable(anew.chunks(checkpoint, REQUESTS))) == results
    assert anew.read(checkpoint).directory.is_dir()


def test_who_read_at_once_share_one_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("ladder")
    made = []

    class Slow(tokenise.Encoder):
        def __init__(self, directory: Path) -> None:
            made.append(directory)
            time.sleep(0.1)
            super().__init__(directory)

    settings = Settings(home=tmp_path, device="cpu")
    first, second = open_catalogue(settings).checkpoints[:2]
    for one in (first, second):
        LocalBackend(settings).read(one)  # unpacked, and its traits known, from here on
    monkeypatch.setattr(tokenise, "Encoder", Slow)
    backend = LocalBackend(settings)
    threads = [threading.Thread(target=backend.read, args=(one,)) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert backend._encoder_of(backend.read(first)) is backend._encoder_of(backend.read(second))
