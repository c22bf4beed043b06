"""Folders of checkpoints on this machine: what they hold, and whether one is whole."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest
import transformers

from e2lm_core.base.errors import CheckpointError
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.fingerprints import fingerprint
from e2lm_core.checkpoints.folders import adapter_sentence, folder_problem, step_of
from e2lm_core.checkpoints.unpacking import ensure_directory, unpacked_directory
from tests.support import tiny_models
from tests.support.ladder_fixtures import built, first, local, local_checkpoint, settings

__all__ = ["built", "first", "local", "settings"]  # fixtures


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("iter_0002000", 2000),
        ("step143000", 143000),
        ("step-001000-2BT", 1000),
        ("stage1-step1000-tokens3B", 1000),
        ("step0", 0),
        ("checkpoint-500", 500),
        ("global_step20", 20),
        ("main", None),
        ("instep5", None),
        ("model-7", None),
    ],
)
def test_step_of(name, step):
    assert step_of(name) == step


def test_local_model_in_a_folder_of_models_or_given_itself(local):
    for folder in (local.checkpoints[0], local.checkpoints[0] / "small-1b"):
        catalogue = open_catalogue(local.model_copy(update={"checkpoints": (folder,)}))
        assert catalogue.problems == ()
        found = catalogue.checkpoints_of("small-1b")
        assert [(c.name, c.step, c.tokens_seen, c.early) for c in found] == [
            ("small-1b/step-000100", 100, None, None),
            ("small-1b/step-000200", 200, None, None),
        ]
        assert ensure_directory(found[0], local) == found[0].directory == unpacked_directory(found[0], local)


def test_checkpoints_json_tells_tokens_and_the_model(local):
    notes = {
        "size": "1b",
        "arch": "arch2",
        "tokens_per_step": 10,
        "tokens_seen": {"step-000200": 2_001},
        "early_end_step": 100,
    }
    (local.checkpoints[0] / "small-1b" / "checkpoints.json").write_text(json.dumps(notes))
    found = open_catalogue(local).checkpoints_of("small-1b")
    assert [(c.tokens_seen, c.early) for c in found] == [(1_000, True), (2_001, False)]
    assert (found[0].model.size, found[0].model.arch, found[0].model.family) == ("1b", "arch2", "local")


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "neox"])
def test_parameters_are_counted_in_the_weights_unless_they_are_declared(settings, tmp_path, architecture):
    run = tmp_path / "runs" / "mine"
    tiny_models.make(run / "checkpoint-1", architecture)
    tiny_models.make(run / "checkpoint-2", architecture)
    model = transformers.AutoModelForCausalLM.from_pretrained(run / "checkpoint-2")
    there = settings.model_copy(update={"checkpoints": (tmp_path / "runs",)})

    def counted() -> int | None:
        return open_catalogue(there).model("mine").parameters

    assert counted() == model.num_parameters()
    model.save_pretrained(run / "checkpoint-2", max_shard_size="20KB")
    (run / "checkpoint-2" / "model.safetensors").unlink()
    assert len(list((run / "checkpoint-2").glob("model-*.safetensors"))) > 1
    (run / "checkpoint-1" / "model.safetensors").unlink()
    assert counted() == model.num_parameters()
    os.truncate(next((run / "checkpoint-2").glob("model-*.safetensors")), 5)
    assert counted() is None
    (run / "checkpoints.json").write_text('{"parameters": 7}')
    assert counted() == 7


@pytest.mark.parametrize(
    "shape", [["a" * 10_000, 10**9], [10**30], [-1], [1.5], [True], "abc", 5, None, [2] * 1_000, {}, [0]]
)
def test_a_header_whose_shapes_are_none_counts_nothing(local, shape):
    header = json.dumps({"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}).encode()
    for step in ("step-000100", "step-000200"):
        weights = local.checkpoints[0] / "small-1b" / step / "model.safetensors"
        weights.write_bytes(len(header).to_bytes(8, "little") + header + b"1234")
    expected = 1 if shape == {} else None  # a scalar
    assert open_catalogue(local).model("small-1b").parameters == expected


@pytest.mark.parametrize("content", ['{"tokens": 5}', '{"role": "cat"}', "{", '{"tokens_per_step": -1}'])
def test_checkpoints_json_that_cannot_be_used_is_a_problem(local, content):
    (local.checkpoints[0] / "small-1b" / "checkpoints.json").write_text(content)
    catalogue = open_catalogue(local)
    assert len(catalogue.problems) == 1
    assert "checkpoints.json" in catalogue.problems[0]
    assert len(catalogue.models) == 2  # the ladder is usable all the same


def test_folders_with_nothing_in_them_are_problems(settings, tmp_path):
    (tmp_path / "empty").mkdir()
    more = settings.model_copy(update={"checkpoints": (tmp_path / "empty", tmp_path / "gone")})
    empty, gone = open_catalogue(more).problems
    assert "holds no checkpoints" in empty
    assert "cannot be read" in gone


def test_two_of_one_name_or_step_are_problems(local, tmp_path):
    shutil.copytree(local.checkpoints[0], tmp_path / "again")
    both = local.model_copy(update={"checkpoints": (*local.checkpoints, tmp_path / "again")})
    assert "there is another of that name" in open_catalogue(both).problems[0]
    model = local.checkpoints[0] / "small-1b"
    shutil.copytree(model / "step-000100", model / "iter_0000100")
    assert "two checkpoints of step 100" in open_catalogue(local).problems[0]


def indexed(folder, index):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(index)


def other(folder, *names):
    (folder / "model.safetensors").unlink()
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (lambda f: (f / "model.safetensors").unlink(), "has no model.safetensors"),
        (lambda f: (f / "config.json").unlink(), "has no config.json"),
        (lambda f: [p.unlink() for p in f.glob("tokenizer*")], "has no tokenizer"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 7), "cut short or damaged"),
        (lambda f: (f / "model.safetensors").write_bytes(b""), "cut short or damaged"),
        (lambda f: os.truncate(f / "model.safetensors", 2_000), r"cut short or damaged \(2,000 bytes of"),
        (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), r"as \.bin"),
        (lambda f: indexed(f, '{"weight_map": {"a": "part-2.safetensors"}}'), "has no part-2.safetensors"),
        (lambda f: indexed(f, '{"weight_map": {"a": "../b.safetensors"}}'), "not an index of weights"),
        (lambda f: indexed(f, "[]"), "not an index of weights"),
        (lambda f: indexed(f, "{}"), "not an index of weights"),
        (
            lambda f: other(f, "pytorch_model_fsdp_0/__0_0.distcp", "training_args.bin"),
            r"\.distcp.*accelerate",
        ),
        (lambda f: other(f, "global_step5/mp_rank_00_model_states.pt", "zero_to_fp32.py"), "zero_to_fp32.py"),
        (lambda f: other(f, "adapter_model.safetensors", "adapter_config.json"), "adapter without its model"),
        (lambda f: other(f, "pytorch_model-00001-of-00002.bin", "training_args.bin"), r"as \.bin"),
        (lambda f: other(f, "training_args.bin", "optimizer.pt"), "wait where training is still"),
        (shutil.rmtree, "is missing"),
    ],
)
def test_local_checkpoint_with_a_part_missing_or_cut_short(local, harm, sentence):
    checkpoint = local_checkpoint(local)
    assert folder_problem(checkpoint.directory) is None
    harm(checkpoint.directory)
    with pytest.raises(CheckpointError, match=sentence):
        ensure_directory(checkpoint, local)
    assert re.search(sentence, folder_problem(checkpoint.directory))


def test_what_was_being_written_is_whole_once_it_is_there(local):
    folder = local_checkpoint(local).directory
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    assert "has no model.safetensors" in folder_problem(folder)
    (folder / "model.safetensors").write_bytes(data[:1_000])
    assert "cut short or damaged" in folder_problem(folder)
    (folder / "model.safetensors").write_bytes(data)
    assert folder_problem(folder) is None
    assert adapter_sentence(folder) is None
    (folder / "adapter_config.json").write_text("{}")
    assert "scored without it" in adapter_sentence(folder)


def test_fingerprint_of_a_folder_without_weights(local):
    checkpoint = local_checkpoint(local)
    (checkpoint.directory / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        fingerprint(checkpoint, local)
