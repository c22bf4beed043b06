"""One checkpoint of a run: what cannot be used is left out, what is written to meanwhile is begun again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from safetensors.torch import load_file, save_file

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint, Loglikelihood, ScoredChunk
from e2lm_core.engine import scorer
from e2lm_core.engine.local import LocalBackend
from e2lm_core.runs import evaluate, worker
from e2lm_core.runs.messages import run_status
from e2lm_core.runs.store import checkpoint_run
from e2lm_core.runs.store.requests import RequestIndex
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection
from e2lm_core.sets.prompts.render import render_set
from tests.support import studios, tiny_models

STEPS = (50, 100, 150)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training run of three checkpoints, and other weights of the same size."""
    folder = tmp_path_factory.mktemp("made")
    for step in STEPS:
        tiny_models.make(folder / "runs" / "mixed" / f"checkpoint-{step}", seed=step)
    tiny_models.make(folder / "other", seed=7)
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path) -> Studio:
    shutil.copytree(made / "runs", tmp_path / "runs")
    return opened(tmp_path, "home")


def slow(value: str) -> ParameterSet:
    return pytest.param(value, marks=pytest.mark.slow)


def opened(folder: Path, home: str) -> Studio:
    """A studio whose only models are those of the run."""
    settings = studios.settings(folder / home, ladder=folder / "none").model_copy(
        update={"checkpoints": (folder / "runs",)}
    )
    studios.write_example(settings)
    return open_studio(settings)


def run(studio: Studio) -> evaluate.RunResult:
    return evaluate.evaluate(studio, studios.task(), studio.catalogue.checkpoints)


def folder_of(studio: Studio, step: int = 100) -> Path:
    return next(c.directory for c in studio.catalogue.checkpoints if c.step == step)


def stored(studio: Studio) -> dict[int, dict[bytes, Loglikelihood]]:
    """What is kept of each checkpoint under the fingerprint that its files have now."""
    keys = RequestIndex(render_set(studios.task())).texts
    return {
        c.step: studio.store.get(studio.backend.scope(c), keys)
        for c in studio.catalogue.checkpoints
        if studio.checkpoint_problem(c) is None
    }


def set_weights(folder: Path, value: float) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][0] = value
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


# --- what cannot be used --------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverged_checkpoint_is_a_gap_and_no_end(here: Studio, value: float) -> None:
    set_weights(folder_of(here), value)
    result = run(here)
    assert result.computed == 2 * 6
    assert list(result.left_out) == ["mixed/checkpoint-100"]
    said = result.left_out["mixed/checkpoint-100"]
    assert said == (
        "Step 100 of mixed gives log-likelihoods that are not numbers in float32: it is a gap in the curve."
    )
    assert [len(found) for found in stored(here).values()] == [24, 24]
    assert [c.step for c in here.local_checkpoints] == [50, 150]
    assert here.unusable_notes == (f"1 checkpoint of mixed left out (checkpoint-100). {said}",)

    again = open_studio(here.settings)  # and it stays known
    again.backend.chunks = pytest.fail
    second = run(again)
    assert (second.computed, second.reused) == (0, 2 * 6)
    assert list(second.left_out.values()) == [said]

    set_weights(folder_of(here), 1.0)  # trained again
    assert run(here).computed == 6
    assert [len(found) for found in stored(here).values()] == [24, 24, 24]


def test_in_another_dtype_it_is_tried_again(here: Studio) -> None:
    set_weights(folder_of(here), float("nan"))
    run(here)
    half = open_studio(here.settings.model_copy(update={"dtype": "bfloat16"}))
    assert [c.step for c in half.local_checkpoints] == list(STEPS)
    assert "E2LM_DTYPE=float32 may score it" in run(half).left_out["mixed/checkpoint-100"]


def other(folder: Path, *names: str) -> None:
    (folder / "model.safetensors").unlink()
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")


def own_code(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text("open('was_run', 'w')")


QUICK = ("no tokenizer", "own code", "being written")
KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no tokenizer": (lambda f: [p.unlink() for p in f.glob("tokenizer*")], "has no tokenizer"),
    "a broken tokenizer": (lambda f: (f / "tokenizer.json").write_text("{"), "cannot be read"),
    "pickles": (lambda f: other(f, "pytorch_model.bin"), "holds its weights as .bin"),
    "DCP": (lambda f: other(f, "pytorch_model_fsdp_0/__0_0.distcp"), "distributed checkpoint"),
    "DeepSpeed": (lambda f: other(f, "global_step100/mp_rank_00_model_states.pt"), "DeepSpeed's parts"),
    "own code": (own_code, "is not a configuration"),
    "a window of one": (
        lambda f: (f / "config.json").write_text(
            (f / "config.json")
            .read_text()
            .replace('"max_position_embeddings": 256', '"max_position_embeddings": 1')
        ),
        "window of 1 token",
    ),
    "cut": (lambda f: os.truncate(f / "model.safetensors", 5_000), "cut short or damaged"),
    "being written": (lambda f: other(f), "wait where training is still writing"),
}


@pytest.mark.parametrize("kind", [kind if kind in QUICK else slow(kind) for kind in KINDS])
def test_one_that_cannot_be_used_is_left_out_until_it_can(here: Studio, made: Path, kind: str) -> None:
    harm, sentence = KINDS[kind]
    folder = folder_of(here)
    harm(folder)
    assert [c.step for c in here.local_checkpoints] == [50, 150]
    (said,) = here.unusable_notes
    assert said.startswith("1 checkpoint of mixed left out (checkpoint-100). ")
    assert sentence in said
    result = run(here)
    assert (result.computed, list(result.left_out)) == (12, ["mixed/checkpoint-100"])
    assert sentence in result.left_out["mixed/checkpoint-100"]
    assert studios.state_of_set(here, "little", studios.task()).kind == "up to date"
    shutil.rmtree(folder)
    shutil.copytree(made / "runs" / "mixed" / "checkpoint-100", folder)
    assert [c.step for c in here.local_checkpoints] == list(STEPS)
    assert run(here).computed == 6


def test_a_run_of_nothing_else_says_why(here: Studio) -> None:
    os.truncate(folder_of(here) / "model.safetensors", 5_000)
    with pytest.raises(CheckpointError, match="cut short or damaged"):
        evaluate.evaluate(here, studios.task(), [c for c in here.catalogue.checkpoints if c.step == 100])


def test_a_queued_run_is_done_without_it_and_says_so(here: Studio) -> None:
    collection.copy_set(here.settings, "little", "mine")
    number = studios.start_run(here, "mine", here.catalogue.checkpoints)
    set_weights(folder_of(here), float("nan"))
    worker.run_worker(here, once=True)
    job = here.jobs.get(number)
    assert (job.state, job.error) == ("done", None)
    assert run_status.engine_notes(job) == [
        "Step 100 of mixed gives log-likelihoods that are not numbers in float32: it is a gap in the curve."
    ]
    assert {row.name: row.done for row in job.progress} == {
        "mixed/checkpoint-50": 6,
        "mixed/checkpoint-100": 0,
        "mixed/checkpoint-150": 6,
    }


# --- what is written to meanwhile -----------------------------------------------------------------------


def in_place(path: Path, data: bytes) -> None:
    """Written over, its size and times kept as `rsync -t --inplace` keeps them."""
    before = path.stat()
    with path.open("r+b") as file:
        file.write(data)
        file.truncate(len(data))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path: Path, data: bytes) -> None:
    path.with_suffix(".new").write_bytes(data)
    path.with_suffix(".new").replace(path)


def changed(made: Path, name: str, old: bytes) -> bytes:
    """Other content of the file, of the same size and with other log-likelihoods."""
    if name == "model.safetensors":
        return (made / "other" / name).read_bytes()
    if name == "config.json":
        return old.replace(b'"rms_norm_eps": 1e-06', b'"rms_norm_eps": 1e-01')
    text = json.loads(old)
    vocabulary = text["model"]["vocab"]
    vocabulary["W"], vocabulary["2"] = vocabulary["2"], vocabulary["W"]
    return json.dumps(text, indent=2, ensure_ascii=False).encode()


@pytest.mark.parametrize("write", [in_place, pytest.param(replaced, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["model.safetensors", *map(slow, ("config.json", "tokenizer.json"))])
@pytest.mark.parametrize("when", ["before it is read", "after a chunk", "and back"])
def test_nothing_is_kept_under_the_name_of_what_it_was_not_computed_from(
    here: Studio,
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Path, bytes], None],
    name: str,
    when: str,
) -> None:
    monkeypatch.setattr(evaluate, "COMMIT_EVERY_S", 0.0)
    monkeypatch.setattr(scorer, "batch_tokens", lambda *_: 64)
    monkeypatch.setattr(scorer, "STACKED_TOKENS", 0)
    path = folder_of(here) / name
    old = path.read_bytes()
    new = changed(made, name, old)
    assert new != old
    chunks, left = LocalBackend.chunks, ["once"]

    def written(
        self: LocalBackend, checkpoint: Checkpoint, *rest: object, **more: object
    ) -> Iterator[ScoredChunk]:
        now = checkpoint.step == 100 and left
        if now and when != "after a chunk":
            write(path, new)
        for number, chunk in enumerate(chunks(self, checkpoint, *rest, **more)):
            yield chunk
            if now and number == 1 and when == "after a chunk" and left:
                write(path, new)
                left.pop()
            if now and number == 1 and when == "and back" and left:
                write(path, old)
                left.pop()
        if now and left:
            left.pop()

    monkeypatch.setattr(LocalBackend, "chunks", written)
    result = run(here)
    monkeypatch.undo()
    assert result.left_out == {}
    fresh = opened(tmp_path, "fresh")
    run(fresh)
    expected = stored(fresh)
    assert all(len(found) == 24 for found in expected.values())
    assert_equal(stored(here), expected)
    in_place(path, old)  # what was kept under the first name, if anything, is of the first files
    shutil.rmtree(fresh.settings.home)
    fresh = opened(tmp_path, "fresh")
    run(fresh)
    found = stored(here)[100]
    expected = stored(fresh)[100]
    assert_equal({100: found}, {100: {key: expected[key] for key in found}})


def assert_equal(
    found: dict[int, dict[bytes, Loglikelihood]], expected: dict[int, dict[bytes, Loglikelihood]]
) -> None:
    for step, results in expected.items():
        assert found[step].keys() == results.keys()
        for key, (ll, tokens) in results.items():
            assert abs(found[step][key].ll_nats - ll) <= 1e-4 + 2e-6 * abs(ll)
            assert found[step][key].tokens == tokens


def test_what_is_written_to_all_the_time_is_left_out(here: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = LocalBackend.chunks

    def written(
        self: LocalBackend, checkpoint: Checkpoint, *rest: object, **more: object
    ) -> Iterator[ScoredChunk]:
        for chunk in chunks(self, checkpoint, *rest, **more):
            if checkpoint.step == 100:
                (checkpoint.directory / "model.safetensors").touch()
            yield chunk

    monkeypatch.setattr(scorer, "STACKED_TOKENS", 0)
    monkeypatch.setattr(LocalBackend, "chunks", written)
    result = run(here)
    assert result.computed == 12
    assert "model.safetensors in " in result.left_out["mixed/checkpoint-100"]
    assert "changed while it was scored" in result.left_out["mixed/checkpoint-100"]
    monkeypatch.undo()
    assert run(here).computed == 6
    assert checkpoint_run.MAX_BEGINNINGS == 3


def test_what_is_cut_while_it_is_scored_ends_no_process(here: Studio) -> None:
    """A file that was mapped would end it, by a signal."""
    path = folder_of(here) / "model.safetensors"
    checkpoint = next(c for c in here.catalogue.checkpoints if c.step == 100)
    model = here.backend.read(checkpoint)
    os.truncate(path, 100)
    assert sum(float(tensor.sum()) for tensor in model.weights.values()) != 0
    assert run(here).computed == 12
