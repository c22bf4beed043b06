import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import needs
from safetensors.torch import load_file, save_file

from e2lm_core import packing
from e2lm_core.checkpoints import ensure_directory, fingerprint, open_catalogue, unpacked_directory
from e2lm_core.errors import CheckpointError
from e2lm_core.local_checkpoints import step_of
from e2lm_core.settings import Settings

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 3,
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "tie_word_embeddings": True,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
TOKENIZER = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": {"type": "WhitespaceSplit"},
    "post_processor": None,
    "decoder": None,
    "model": {"type": "WordLevel", "vocab": {"<s>": 0, "a": 1, "b": 2}, "unk_token": "<s>"},
}
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


# --- the catalogue ----------------------------------------------------------------------------------


def test_catalogue_of_the_ladder(settings):
    catalogue = open_catalogue(settings)
    assert catalogue.problems == ()
    assert [m.name for m in catalogue.models] == list(MODELS)
    assert [c.step for c in catalogue.of(MODELS[1])] == list(STEPS)
    assert catalogue.of(catalogue.models[0])[0].name == "ladder-tiny-arch1/iter_0000100"
    assert [(c.tokens_seen, c.early) for c in catalogue.of(MODELS[0])] == [
        (25_600, True),
        (51_200, True),
        (76_800, False),
    ]
    web = catalogue.model(MODELS[1])
    assert (web.family, web.role, web.twin_of, web.counts_in_scores) == ("ladder", "web", MODELS[0], False)
    assert (catalogue.context, catalogue.trained_context, catalogue.early_window.end_step) == (64, 32, 200)
    assert catalogue.taught_file == settings.ladder / "facts.json"


def test_match(settings):
    catalogue = open_catalogue(settings)

    def names(*globs):
        return [c.name for c in catalogue.match(globs)]

    assert len(names()) == 6
    assert names("*/iter_0000300") == [f"{m}/iter_0000300" for m in MODELS]
    assert names("ladder-tiny-arch1") == [f"ladder-tiny-arch1/iter_{s:07d}" for s in STEPS]
    assert names("*-web/iter_*", "*-web") == [f"{MODELS[1]}/iter_{s:07d}" for s in STEPS]
    with pytest.raises(
        CheckpointError, match=r"No checkpoint matches 'ladder-big/\*' \(there is, for instance"
    ):
        names("*", "ladder-big/*")


def test_unknown_model_names_the_nearest(settings):
    with pytest.raises(CheckpointError, match=r"no model 'ladder-tiny'.*for instance, ladder-tiny-arch1"):
        open_catalogue(settings).of("ladder-tiny")


def test_missing_ladder_is_a_problem_not_an_error(tmp_path):
    catalogue = open_catalogue(Settings(home=tmp_path, ladder=tmp_path / "nowhere"))
    assert catalogue.checkpoints == ()
    assert "The embedded ladder is missing" in catalogue.problems[0]
    with pytest.raises(CheckpointError, match="there are no checkpoints"):
        catalogue.match(["*"])


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 2}', "\udcff"])
def test_manifest_that_is_something_else(settings, content):
    (settings.ladder / "manifest.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    (problem,) = open_catalogue(settings).problems
    assert "is not a ladder's manifest" in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("key", "value"), [("name", "../../outside"), ("name", ".hidden"), ("file", "../../outside.xz")]
)
def test_manifest_cannot_lead_outside(settings, key, value):
    edit_manifest(settings, lambda m: m["models"][0]["checkpoints"][0].update({key: value}))
    assert open_catalogue(settings).problems


def test_missing_packed_files_are_named(settings, first):
    first.packed.unlink()
    catalogue = open_catalogue(settings)
    assert "1 of 3 packed files of ladder-tiny-arch1 are missing" in catalogue.problems[0]
    assert len(catalogue.checkpoints) == 6


# --- unpacking --------------------------------------------------------------------------------------


def test_unpacked_folder_holds_the_weights(settings, first):
    assert unpacked_directory(first, settings) is None
    folder = ensure_directory(first, settings)
    assert folder == settings.cache / "checkpoints" / "ladder-tiny-arch1" / "iter_0000100"
    assert unpacked_directory(first, settings) == folder
    weights = load_file(folder / "model.safetensors")
    expected = packing.unpack(first.packed.read_bytes())
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert json.loads((folder / "config.json").read_text()) == CONFIG
    assert (folder / "tokenizer.json").read_bytes() == json.dumps(TOKENIZER).encode()
    assert leftovers(settings) == []


def test_unpacking_again_changes_nothing_and_the_tokenizer_is_stored_once(settings):
    one, other, *_ = open_catalogue(settings).checkpoints
    folder = ensure_directory(one, settings)
    before = (folder / "model.safetensors").stat()
    assert ensure_directory(one, settings) == folder
    assert (folder / "model.safetensors").stat() == before
    second = ensure_directory(other, settings)
    assert (second / "tokenizer.json").samefile(folder / "tokenizer.json")


@pytest.mark.parametrize("harm", [lambda b: b[:-10], lambda b: b[:100] + b"\0" + b[101:], lambda b: b""])
def test_truncated_or_altered_packed_file(settings, first, harm):
    first.packed.write_bytes(harm(first.packed.read_bytes()))
    with pytest.raises(CheckpointError, match="cut short or altered"):
        ensure_directory(first, settings)
    assert unpacked_directory(first, settings) is None
    assert leftovers(settings) == []


def test_missing_packed_file(settings, first):
    first.packed.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        ensure_directory(first, settings)


def test_file_that_the_manifest_blesses_but_is_no_checkpoint(settings, first):
    first.packed.write_bytes(b"something")
    digest = hashlib.sha256(b"something").hexdigest()
    edit_manifest(settings, lambda m: m["models"][0]["checkpoints"][-1].update({"sha256": digest}))
    with pytest.raises(CheckpointError, match="Not packed weights"):
        ensure_directory(first, settings)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "unpacked.json"])
def test_damaged_cache_is_made_again(settings, first, name):
    folder = ensure_directory(first, settings)
    (folder / name).write_bytes(b"{}")
    assert unpacked_directory(first, settings) is None
    ensure_directory(first, settings)
    assert len(load_file(folder / "model.safetensors")) == 11


def test_retrained_ladder_replaces_what_was_unpacked(settings, first):
    old_print, folder = fingerprint(first, settings), ensure_directory(first, settings)
    blob = packing.pack(random_weights(77))
    first.packed.write_bytes(blob)
    digest = hashlib.sha256(blob).hexdigest()
    edit_manifest(settings, lambda m: m["models"][0]["checkpoints"][-1].update({"sha256": digest}))
    assert fingerprint(first, settings) != old_print
    assert unpacked_directory(first, settings) is None
    ensure_directory(first, settings)
    expected = packing.unpack(blob)["model.norm.weight"]
    assert torch.equal(load_file(folder / "model.safetensors")["model.norm.weight"], expected)
    assert leftovers(settings) == []


def test_disk_that_cannot_be_written_is_one_sentence(settings, first):
    settings.cache.parent.mkdir(parents=True)
    settings.cache.write_text("a file where the folder should be")
    with pytest.raises(CheckpointError, match="cannot be unpacked into"):
        ensure_directory(first, settings)


_UNPACK = """
import sys
from pathlib import Path
from e2lm_core.checkpoints import ensure_directory, open_catalogue
from e2lm_core.settings import Settings
from safetensors.torch import load_file
settings = Settings(home=Path(sys.argv[1]), ladder=Path(sys.argv[2]))
for checkpoint in open_catalogue(settings).checkpoints:
    assert len(load_file(ensure_directory(checkpoint, settings) / "model.safetensors")) == 11
print("ok")
"""


@pytest.mark.slow
@pytest.mark.parametrize("stale", [False, True])
def test_two_processes_unpack_at_once(settings, stale):
    if stale:  # then both find something to replace
        for checkpoint in open_catalogue(settings).checkpoints:
            (ensure_directory(checkpoint, settings) / "unpacked.json").write_text("{}")
    command = [sys.executable, "-c", _UNPACK, str(settings.home), str(settings.ladder)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [p.communicate()[0] for p in processes] == ["ok\n", "ok\n"]
    assert leftovers(settings) == []


# --- fingerprints -----------------------------------------------------------------------------------


def test_packed_fingerprints_differ_and_need_no_weights(settings):
    checkpoints = open_catalogue(settings).checkpoints
    prints = {fingerprint(c, settings) for c in checkpoints}
    assert len(prints) == 6
    for checkpoint in checkpoints:
        checkpoint.packed.unlink()
    assert {fingerprint(c, settings) for c in checkpoints} == prints


@pytest.mark.parametrize(
    "edit",
    [
        lambda m: m["models"][0]["checkpoints"][-1].update({"sha256": "0" * 64}),
        lambda m: m["models"][0].update({"config": {**CONFIG, "rms_norm_eps": 1e-5}}),
        lambda m: m["tokenizer"].update({"sha256": "0" * 64}),
        lambda m: m["tokenizer"].update({"config": {}}),
    ],
)
def test_packed_fingerprint_follows_weights_config_and_tokenizer(settings, first, edit):
    before = fingerprint(first, settings)
    edit_manifest(settings, edit)
    assert fingerprint(first, settings) != before


def test_packed_fingerprint_ignores_what_changes_no_number(settings, first):
    before = fingerprint(first, settings)
    edit_manifest(settings, lambda m: m["models"][0].update({"size": "huge", "seed": 9}))
    assert fingerprint(first, settings) == before


@pytest.fixture
def local(settings, first, tmp_path):
    """A folder of one model with two checkpoints, and settings that know it."""
    folder = tmp_path / "mine" / "small-1b"
    for name in ("step-000100", "step-000200"):
        shutil.copytree(ensure_directory(first, settings), folder / name)
        (folder / name / "unpacked.json").unlink()
    return settings.model_copy(update={"checkpoints": (folder.parent,)})


def local_checkpoint(local):
    return open_catalogue(local).of("small-1b")[0]


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]
)
def test_folder_fingerprint_follows_each_file(local, name):
    checkpoint = local_checkpoint(local)
    before = fingerprint(checkpoint, local)
    assert before.startswith("folder:")
    path = checkpoint.directory / name
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + b" ")
    assert fingerprint(checkpoint, local) != before
    path.write_bytes(content)
    assert fingerprint(checkpoint, local) == before


def test_retrained_in_place_with_the_same_size_and_time_is_noticed(local):
    checkpoint = local_checkpoint(local)
    path = checkpoint.directory / "model.safetensors"
    os.utime(path, (1_000_000, 1_000_000))
    before = fingerprint(checkpoint, local)
    weights = load_file(path)
    weights["model.norm.weight"] += 1
    save_file(weights, path, metadata={"format": "pt"})
    os.utime(path, (1_000_000, 1_000_000))
    assert fingerprint(checkpoint, local) != before


def test_folder_is_hashed_once(local, monkeypatch):
    import e2lm_core.fingerprints as module

    checkpoint = local_checkpoint(local)
    monkeypatch.setattr(module, "_SETTLED_S", -1.0)  # else files as young as these are hashed each time
    before = fingerprint(checkpoint, local)
    hashed = []
    monkeypatch.setattr(module, "file_sha256", lambda path: hashed.append(path) or "0")
    assert fingerprint(checkpoint, local) == before
    assert hashed == []


def test_fingerprint_does_not_depend_on_the_place(local, tmp_path):
    checkpoint = local_checkpoint(local)
    moved = tmp_path / "elsewhere"
    shutil.copytree(checkpoint.directory, moved)
    elsewhere = checkpoint.model_copy(update={"directory": moved})
    assert fingerprint(elsewhere, local) == fingerprint(checkpoint, local)


# --- local folders ----------------------------------------------------------------------------------


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
        found = catalogue.of("small-1b")
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
    found = open_catalogue(local).of("small-1b")
    assert [(c.tokens_seen, c.early) for c in found] == [(1_000, True), (2_001, False)]
    assert (found[0].model.size, found[0].model.arch, found[0].model.family) == ("1b", "arch2", "local")


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
        (
            lambda f: (f / "model.safetensors.index.json").write_text(
                '{"weight_map": {"a": "part-2.safetensors"}}'
            ),
            "has no part-2.safetensors",
        ),
        (lambda f: (f / "model.safetensors.index.json").write_text("[]"), "not an index of weights"),
        (shutil.rmtree, "is missing"),
    ],
)
def test_local_checkpoint_with_a_part_missing_or_cut_short(local, harm, sentence):
    checkpoint = local_checkpoint(local)
    harm(checkpoint.directory)
    with pytest.raises(CheckpointError, match=sentence):
        ensure_directory(checkpoint, local)


def test_fingerprint_of_a_folder_without_weights(local):
    checkpoint = local_checkpoint(local)
    (checkpoint.directory / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        fingerprint(checkpoint, local)


# --- the real thing ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_transformers_loads_the_folder_with_its_tied_head(settings, first):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = ensure_directory(first, settings)
    model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    embedding = packing.unpack(first.packed.read_bytes())["model.embed_tokens.weight"]
    assert torch.equal(model.lm_head.weight, embedding)
    assert AutoTokenizer.from_pretrained(folder)("a b")["input_ids"] == [1, 2]


@pytest.mark.slow
def test_the_embedded_ladder_unpacks_and_loads(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    settings = Settings(home=tmp_path, ladder=Settings.from_env().ladder)
    needs("ladder")
    catalogue = open_catalogue(settings)
    assert catalogue.problems == ()
    for model in catalogue.models:
        last = catalogue.of(model)[-1]
        folder = ensure_directory(last, settings)
        loaded = AutoModelForCausalLM.from_pretrained(folder)
        assert sum(p.numel() for p in loaded.parameters()) == model.parameters
        assert AutoTokenizer.from_pretrained(folder)("A question?")["input_ids"]
