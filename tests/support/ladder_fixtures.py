"""A small packed ladder and a folder of local checkpoints, for the tests of where checkpoints come from."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.ladder import packing
from e2lm_core.checkpoints.unpacking import ensure_directory
from tests.conftest import needs
from tests.support.fake_hub import CONFIG, TOKENIZER

MODELS = ("ladder-tiny-arch1", "ladder-tiny-arch1-web")
STEPS = (100, 200, 300)


def random_weights(seed: int) -> dict[str, torch.Tensor]:
    """A one-layer Llama's state dict without lm_head, which is tied to the embedding."""
    torch.manual_seed(seed)
    layer = "model.layers.0."
    shapes = {
        "model.embed_tokens.weight": (3, 8),
        "model.norm.weight": (8,),
        f"{layer}input_layernorm.weight": (8,),
        f"{layer}post_attention_layernorm.weight": (8,),
        **{f"{layer}self_attn.{p}_proj.weight": (8, 8) for p in "qkvo"},
        f"{layer}mlp.gate_proj.weight": (16, 8),
        f"{layer}mlp.up_proj.weight": (16, 8),
        f"{layer}mlp.down_proj.weight": (8, 16),
    }
    return {name: torch.randn(shape) for name, shape in shapes.items()}


def build_ladder(folder: Path) -> None:
    (folder / "weights").mkdir(parents=True)
    tokenizer = json.dumps(TOKENIZER).encode()
    (folder / "weights" / "tokenizer.json").write_bytes(tokenizer)
    models = []
    for m, name in enumerate(MODELS):
        (folder / "weights" / name).mkdir()
        checkpoints = []
        for step in STEPS:
            file = f"weights/{name}/iter_{step:07d}.xz"
            blob = packing.pack(random_weights(1000 * m + step))
            (folder / file).write_bytes(blob)
            checkpoints.append(
                {
                    "name": f"iter_{step:07d}",
                    "step": step,
                    "tokens_seen": step * 256,
                    "file": file,
                    "sha256": hashlib.sha256(blob).hexdigest(),
                    "early": step <= 200,
                }
            )
        models.append(
            {
                "name": name,
                "size": "tiny",
                "arch": "arch1",
                "role": "web" if name.endswith("web") else "science",
                "seed": 1,
                "twin_of": MODELS[0] if name.endswith("web") else None,
                "seed_of": None,
                "parameters": 900,
                "hidden": 8,
                "layers": 1,
                "config": CONFIG,
                "checkpoints": checkpoints[::-1],  # the catalogue sorts by step, whatever the file does
            }
        )
    manifest = {
        "version": 1,
        "tokens_per_step": 256,
        "context": 64,
        "trained_context": 32,
        "early_window": {"end_step": 200, "end_tokens": 200 * 256, "fraction": 2 / 3},
        "tokenizer": {
            "file": "weights/tokenizer.json",
            "sha256": hashlib.sha256(tokenizer).hexdigest(),
            "config": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>"},
        },
        "models": models,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "facts.json").write_text('{"facts": []}')


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built") / "ladder"
    build_ladder(folder)
    return folder


@pytest.fixture
def settings(built, tmp_path):
    shutil.copytree(built, tmp_path / "ladder")
    return Settings(home=tmp_path / "home", ladder=tmp_path / "ladder")


@pytest.fixture
def first(settings):
    return open_catalogue(settings).checkpoints[0]


def edit_manifest(settings, edit):
    path = settings.ladder / "manifest.json"
    manifest = json.loads(path.read_text())
    edit(manifest)
    path.write_text(json.dumps(manifest, indent=1))


def leftovers(settings):
    """Hidden temporary folders that should have been cleared away."""
    return [p for p in (settings.cache / "checkpoints").glob("*/.*") if p.parent.name != ".tokenizers"]


@pytest.fixture
def local(settings, first, tmp_path):
    """A folder of one model with two checkpoints, and settings that know it."""
    folder = tmp_path / "mine" / "small-1b"
    for name in ("step-000100", "step-000200"):
        shutil.copytree(ensure_directory(first, settings), folder / name)
        (folder / name / "unpacked.json").unlink()
    return settings.model_copy(update={"checkpoints": (folder.parent,)})


def local_checkpoint(local):
    return open_catalogue(local).checkpoints_of("small-1b")[0]


def training_text(role: str) -> Iterator[str]:
    """Every document that the role's models read, written again from the recipe."""
    from tokenizers import Tokenizer

    from ladder.mixture import Sources, role_texts
    from ladder.recipe import LADDER

    needs("wordnet")
    tokenizer = Tokenizer.from_file(str(ROOT / "ladder" / "weights" / "tokenizer.json"))
    for own, draw in LADDER.streams.values():
        if own == role:
            for text, _ in role_texts(Sources(LADDER.data_seed, draw), tokenizer, LADDER, role):
                yield text
