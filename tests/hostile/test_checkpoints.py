"""Checkpoints, ladders and lists of models that somebody else made: nothing is run, and why not is one sentence."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from e2lm_core.checkpoints.folders import check_folder, read_folder
from e2lm_core.checkpoints.hub import added_models
from e2lm_core.checkpoints.ladder import manifest, training_facts
from e2lm_core.imported import saved_imports
from e2lm_core.sets.collection import find_set
from tests.hostile.ground import Ground, check_sentence
from tests.support import studios

DEEP = "[" * 100_000
DIGITS = "9" * 400
HEADER = len(DEEP).to_bytes(8, "little") + DEEP.encode()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support import tiny_models

    return tiny_models.make(tmp_path_factory.mktemp("whole") / "model" / "iter_0000100")


# name: the file of a checkpoint, and what stands in it
FOLDERS = {
    "a header 100,000 deep": ("model.safetensors", HEADER),
    "a header of 400 digits": (
        "model.safetensors",
        (len(DIGITS) + 40).to_bytes(8, "little")
        + b'{"a":{"data_offsets":[0,'
        + DIGITS.encode()
        + b"]}}"
        + b" " * 40,
    ),
    "a header as long as it can say": ("model.safetensors", b"\xff" * 8 + b"{}"),
    "a header of numbers": ("model.safetensors", (7).to_bytes(8, "little") + b"[1,2,3]"),
    "an empty file": ("model.safetensors", b""),
    "a pickle": ("model.safetensors", b"\x80\x04cos\nsystem\n(S'touch canary2'\ntR."),
    "an index 100,000 deep": ("model.safetensors.index.json", DEEP.encode()),
    "an index of numbers": ("model.safetensors.index.json", b'{"weight_map": {"a": 1, "b": 2}}'),
    "an index of lists": ("model.safetensors.index.json", b'{"weight_map": {"a": ["x"]}}'),
    "an index of both": (
        "model.safetensors.index.json",
        b'{"weight_map": {"a": 1, "b": "model.safetensors"}}',
    ),
    "an index that leads out": ("model.safetensors.index.json", b'{"weight_map": {"a": "../../canary"}}'),
    "an index of a list": ("model.safetensors.index.json", b"[1]"),
    "an index in UTF-16": ("model.safetensors.index.json", '{"weight_map": {}}'.encode("utf-16")),
}
NOTES = {
    "100,000 deep": DEEP,
    "400 digits of tokens": '{"tokens_per_step": ' + DIGITS + "}",
    "400 digits of parameters": '{"parameters": ' + DIGITS + "}",
    "400 digits of a seed": '{"seed": ' + DIGITS + "}",
    "400 digits at a step": '{"tokens_seen": {"iter_0000100": ' + DIGITS + "}}",
    "5,000 digits": '{"seed": ' + "9" * 5_000 + "}",
    "half a character": '{"size": "\\ud800"}',
    "200,000 characters": '{"role": "' + "x" * 200_000 + '"}',
    "an unknown key of 9,000 characters": '{"' + "x" * 9_000 + '": 1}',
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_a_checkpoint(ground: Ground, whole: Path, name: str) -> None:
    file, content = FOLDERS[name]
    folder = ground.folder / "model" / "iter_0000100"
    shutil.copytree(whole, folder)
    (folder / "model.safetensors").unlink()  # beside it an index is not looked at
    (folder / file).write_bytes(content)
    said = ground.refused(lambda: check_folder(folder))
    assert str(folder)[:20] in said or "…" in said

    def read() -> None:
        from e2lm_core.engine.folder import read_weights

        read_weights(folder)

    ground.refused(read)


CONFIGURATIONS = {
    "100,000 layers": {"num_hidden_layers": 100_000},
    "400 digits of layers": {"num_hidden_layers": int(DIGITS)},
    "layers as text": {"num_hidden_layers": "many"},
    "no layers": {"num_hidden_layers": -1},
    "heads that do not divide": {"num_attention_heads": 7},
    "code of its own": {"auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}},
    "an unknown kind": {"model_type": "x" * 9_000},
    "a kind of control characters": {"model_type": "\x1b[31m"},
    "another shape": {"hidden_size": 24},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration(ground: Ground, whole: Path, name: str) -> None:
    import torch

    from e2lm_core.engine.models import Loader

    folder = ground.folder / "model" / "iter_0000100"
    shutil.copytree(whole, folder)
    (folder / "evil.py").write_text(f"open({str(ground.folder / 'canary2')!r}, 'w')\n")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | CONFIGURATIONS[name]))
    ground.tried(lambda: Loader(torch.device("cpu"), torch.float32).load(folder))


@pytest.mark.slow
def test_a_tokenizer_of_more_tokens_than_the_model(ground: Ground, whole: Path) -> None:
    from e2lm_core.base.records import Checkpoint, ModelInfo, Request
    from e2lm_core.engine.local import LocalBackend

    folder = ground.folder / "model" / "iter_0000100"
    shutil.copytree(whole, folder)
    text = json.loads((folder / "tokenizer.json").read_text())
    text["added_tokens"].append(text["added_tokens"][0] | {"id": 999_999, "content": "zzz"})
    (folder / "tokenizer.json").write_text(json.dumps(text))
    backend = LocalBackend(studios.settings(ground.folder))
    model = ModelInfo(name="model", family="local")
    checkpoint = Checkpoint(model=model, step=100, directory=folder)
    requests = [Request("Why zzz?", " one"), Request("Why?", " two")]
    said = ground.tried(lambda: list(backend.chunks(checkpoint, requests)))
    assert said is not None
    assert "The tokenizer in" in said


@pytest.mark.parametrize("name", NOTES)
def test_notes_beside_checkpoints(ground: Ground, name: str) -> None:
    folder = ground.folder / "model" / "iter_0000100"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (ground.folder / "model" / "checkpoints.json").write_text(NOTES[name])
    found: list = []
    ground.tried(lambda: found.append(read_folder(ground.folder)))
    [problem] = found[0].problems
    check_sentence(problem)


@pytest.mark.parametrize(
    "text", [DEEP, DIGITS, "9" * 5_000, '"\\ud800"', "{}", "[[]]", "\x00", '{"added": 1}']
)
def test_our_own_files_that_were_altered(ground: Ground, text: str) -> None:
    settings = studios.settings(ground.folder)
    settings.home.mkdir(parents=True, exist_ok=True)
    for path, read in (
        (settings.ladder / "manifest.json", lambda: manifest.read_manifest(settings.ladder)),
        (
            settings.ladder / "facts.json",
            lambda: training_facts.TrainingFacts.from_file(settings.ladder / "facts.json"),
        ),
        (saved_imports.imports_folder(settings) / "x.json", lambda: saved_imports.open_saved(settings, "x")),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        ground.refused(read)
        path.unlink()
    (settings.home / "families.json").write_text(text)
    found: list = []
    ground.tried(lambda: found.append(added_models.added_models(settings)))
    assert len(found[0].problems) == (text != "{}")  # which is a list of none
    for problem in found[0].problems:
        check_sentence(problem)


def packed_with(header: object) -> bytes:
    """Packed weights whose sum is right and whose header is another's."""
    from e2lm_core.checkpoints.ladder import packing

    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = text + b"\0" * 64
    head = packing._HEAD.pack(packing.MAGIC, packing.VERSION, len(text), hashlib.sha256(body).digest())
    return head + body


@pytest.mark.slow
@pytest.mark.parametrize(
    "header",
    [
        DEEP.encode(),
        b"\xff\xfe",
        {},
        {"tensors": 1},
        {"tensors": [{"name": "a", "shape": [10**400], "kind": "rows"}]},
        {"tensors": [{"name": "a", "shape": [2**40, 2**40], "kind": "rows"}]},
        {"tensors": [{"name": "a", "shape": [-1, 4], "kind": "rows"}]},
        {"tensors": [{"name": "a", "shape": ["x"], "kind": "rows"}]},
        {"tensors": [{"name": "a", "shape": None, "kind": "rows"}]},
        {"tensors": [{"name": "a", "shape": [4], "kind": "float"}]},
        {"tensors": ["a"]},
        [1],
    ],
    ids=lambda header: str(header)[:50],
)
def test_packed_weights(ground: Ground, header: object) -> None:
    from e2lm_core.checkpoints.ladder.packing import unpack

    ground.refused(lambda: unpack(packed_with(header)))


PLACES: dict[str, Callable[[Path], str]] = {
    "~somebody": lambda folder: "~nosuchuser/x",
    "a nil": lambda folder: "a\0b",
    "half a character": lambda folder: "a\ud800",
    "a pipe": lambda folder: str(folder / "pipe"),
    "a device": lambda folder: "/dev/zero",
    "a link to itself": lambda folder: str(folder / "loop"),
    "9,000 characters": lambda folder: "x" * 9_000,
    "control characters": lambda folder: "\x1b[31m\r\n",
    "up and up": lambda folder: "../" * 200 + "etc",
}


@pytest.mark.parametrize("name", PLACES)
def test_a_set_by_a_path(ground: Ground, name: str) -> None:
    settings = studios.settings(ground.folder)
    os.mkfifo(ground.folder / "pipe")
    (ground.folder / "loop").symlink_to(ground.folder / "loop")
    ground.refused(lambda: find_set(settings, PLACES[name](ground.folder)))
