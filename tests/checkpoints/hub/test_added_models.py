"""Models of a hub: listed, added, pinned to a commit, removed; and the real client against the real files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import chain

import pytest

from e2lm_core.base.errors import CheckpointError
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.families import CheckpointChoice, custom_family
from e2lm_core.checkpoints.fingerprints import fingerprint
from e2lm_core.checkpoints.folders import SourceModels
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.unpacking import ensure_directory, unpacked_directory
from e2lm_core.commands.main import main
from tests.conftest import ROOT
from tests.support.fake_hub import checkpoint, sharded, under, weights
from tests.support.hub_fixtures import (
    DENSE,
    E2LM,
    MODEL,
    PYTHIA,
    SMALL,
    STEPS,
    fake,
    first,
    sentence,
    settings,
)

__all__ = ["fake", "first", "settings"]  # fixtures


def test_listing_a_family_whose_checkpoints_are_folders(fake, settings):
    listed = hub.list_remote(settings, E2LM, "dense-500m-arch1")
    assert [c.place.name for c in listed.checkpoints] == [f"iter_{s:07d}" for s in STEPS]
    assert {c.commit for c in listed.checkpoints} == {fake.repos[DENSE].refs["main"]}
    assert listed.checkpoints[0].bytes == len(weights(2_000))


def test_listing_a_family_whose_checkpoints_are_branches(fake, settings):
    listed = hub.list_remote(settings, PYTHIA, "pythia-14m")
    assert [c.place.step for c in listed.checkpoints] == [0, 1, 512, 1_000]
    assert {c.place.name: c.commit for c in listed.checkpoints} == {
        name: commit for name, commit in fake.repos[SMALL].refs.items() if name != "main"
    }


def test_added_checkpoints_stand_in_the_catalogue(fake, settings):
    hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    hub.add_checkpoints(settings, PYTHIA, "pythia-14m", CheckpointChoice(names=("step512", "step1000")))
    catalogue = open_catalogue(settings)
    dense = catalogue.checkpoints_of("dense-500m-arch1")
    assert [c.name for c in dense] == [f"dense-500m-arch1/iter_{s:07d}" for s in STEPS]
    assert [(c.tokens_seen, c.early) for c in dense] == [
        (s, True) for s in (2_097_152_000, 4_194_304_000, 6_291_456_000)
    ]
    assert {(c.repo, c.revision) for c in dense} == {(DENSE, fake.repos[DENSE].refs["main"])}
    assert catalogue.model("dense-500m-arch1").arch == "arch1"
    pythia = catalogue.checkpoints_of("pythia-14m")
    assert [c.name for c in pythia] == ["pythia-14m/iter_0000512", "pythia-14m/iter_0001000"]
    assert pythia[0].revision == fake.repos[SMALL].refs["step512"]
    assert all(unpacked_directory(c, settings) is None for c in (*dense, *pythia))
    assert fake.fetched() == []


def test_fingerprint_is_the_commit_and_needs_no_download(fake, settings):
    dense = hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    pythia = hub.add_checkpoints(settings, PYTHIA, "pythia-14m")
    commit = fake.repos[DENSE].refs["main"]
    assert fingerprint(dense[1], settings) == f"{DENSE}@{commit}/iter_0004000"
    assert fingerprint(pythia[0], settings) == f"{SMALL}@{fake.repos[SMALL].refs['step0']}/"
    assert len({fingerprint(c, settings) for c in (*dense, *pythia)}) == 7


def test_what_was_added_stays_at_its_commit(fake, settings):
    (old,) = hub.add_checkpoints(settings, PYTHIA, "pythia-14m", CheckpointChoice(names=("step0",)))
    fake.repos[SMALL].commit("step0", checkpoint(999))
    hub.add_checkpoints(settings, PYTHIA, "pythia-14m")
    again = open_catalogue(settings).checkpoints_of("pythia-14m")
    assert [c.step for c in again] == [0, 1, 512, 1_000]
    assert again[0].revision == old.revision != fake.repos[SMALL].refs["step0"]


def test_any_repository_by_pattern(fake, settings):
    fake.repo("me/mine").commit("main", {**under("ckpt/5", checkpoint(5)), **under("ckpt/9", checkpoint(9))})
    mine = custom_family("me/mine", "ckpt/{step}", "subfolder", tokens=100)
    found = hub.add_checkpoints(settings, mine, "mine")
    assert [(c.name, c.tokens_seen) for c in found] == [("mine/ckpt/5", 500), ("mine/ckpt/9", 900)]
    folder = ensure_directory(found[1], settings)
    assert (folder / "model.safetensors").read_bytes() == weights(9)


def test_repository_without_such_names(fake, settings):
    with pytest.raises(CheckpointError) as error:
        hub.list_remote(settings, custom_family(SMALL, "epoch{step}"), "pythia-14m")
    assert "has no branch named like epoch{step}" in sentence(error)


def test_another_repository_of_the_same_name(fake, settings):
    fake.repo("me/pythia-14m").commit("step1", checkpoint(5))
    hub.add_checkpoints(settings, PYTHIA, "pythia-14m")
    fake.repo("me/pythia-14m").commit("main", checkpoint(5))
    with pytest.raises(CheckpointError) as error:
        hub.add_checkpoints(settings, custom_family("me/pythia-14m", "step{step}"), "pythia-14m")
    assert f"already, of {SMALL}" in sentence(error)


def test_a_name_that_the_catalogue_has_already_is_a_problem(settings, first, tmp_path):
    local = tmp_path / "mine" / "dense-500m-arch1" / "iter_0000100"
    local.mkdir(parents=True)
    (local / "config.json").write_text("{}")
    catalogue = open_catalogue(settings.model_copy(update={"checkpoints": (tmp_path / "mine",)}))
    assert "of a hub is left out" in catalogue.problems[-1]
    assert len(catalogue.checkpoints_of("dense-500m-arch1")) == 1


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"version": 2, "added": []}', b"\xff"])
def test_families_file_that_cannot_be_read_is_a_problem_and_is_kept(settings, first, content):
    path = settings.home / "families.json"
    path.write_bytes(content)
    assert "not a list of added models" in open_catalogue(settings).problems[-1]
    with pytest.raises(CheckpointError, match="not a list of added models"):
        hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    assert path.read_bytes() == content


def test_removing(settings, fake):
    dense = hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    ensure_directory(dense[0], settings)
    assert hub.remove_checkpoints(settings, "dense-500m-arch1", (dense[0].name,)) > 1_000
    assert hub_cache.cache_usage(settings).used_bytes == 0
    assert [c.step for c in open_catalogue(settings).checkpoints_of("dense-500m-arch1")] == [4_000, 6_000]
    with pytest.raises(CheckpointError, match="is not a checkpoint of dense-500m-arch1 that was added"):
        hub.remove_checkpoints(settings, "dense-500m-arch1", (dense[0].name,))
    assert hub.remove_checkpoints(settings, "dense-500m-arch1") == 0
    assert open_catalogue(settings).models == ()
    with pytest.raises(CheckpointError, match="No model 'dense-500m-arch1' of a hub was added"):
        hub.remove_checkpoints(settings, "dense-500m-arch1")


@pytest.mark.slow
def test_scores_equal_those_of_the_same_weights_in_a_folder(fake, settings, first, tmp_path):
    from e2lm_core.base.records import Request
    from e2lm_core.engine.local import LocalBackend

    mine = tmp_path / "mine" / "dense" / "iter_0002000"
    mine.mkdir(parents=True)
    for name, content in checkpoint(2_000).items():
        (mine / name).write_bytes(content)
    (local,) = open_catalogue(
        settings.model_copy(update={"checkpoints": (tmp_path / "mine",)})
    ).checkpoints_of("dense")
    ensure_directory(first, settings)
    backend = LocalBackend(settings.model_copy(update={"device": "cpu"}))
    requests = [Request("a b", " a"), Request("b", " b a")]
    ours, theirs = (sorted(chain.from_iterable(backend.chunks(c, requests))) for c in (first, local))
    assert ours == theirs
    assert backend.scope(first).fingerprint == fingerprint(first, settings)


@pytest.mark.slow
def test_transformers_loads_sharded_weights(fake, settings):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    fake.repo(DENSE).commit("main", under("iter_0002000", sharded(1)))
    (only,) = hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    folder = ensure_directory(only, settings)
    _, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert AutoTokenizer.from_pretrained(folder)("a b")["input_ids"] == [1, 2]


_DOWNLOAD = """
import sys
from pathlib import Path
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.unpacking import ensure_directory
settings = Settings.from_env()
for checkpoint in open_catalogue(settings).checkpoints:
    assert (ensure_directory(checkpoint, settings) / "model.safetensors").is_file()
print("ok")
"""


@pytest.mark.slow
def test_two_processes_download_at_once(fake, settings, first):
    env = {
        **os.environ,
        "HF_HUB_OFFLINE": "0",
        "TRANSFORMERS_OFFLINE": "0",
        "E2LM_HOME": str(settings.home),
        "E2LM_LADDER": str(settings.ladder),
        "E2LM_HUB_ENDPOINT": fake.endpoint,
    }
    command = [sys.executable, "-c", _DOWNLOAD]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) for _ in range(2)]
    assert [p.communicate()[0] for p in processes] == ["ok\n", "ok\n"]
    assert len(fake.fetched()) == len(set(fake.fetched())) == 3
    assert json.loads((settings.home / "families.json").read_text())["version"] == 1


def test_the_stamp_changes_with_what_is_added(fake, settings):
    assert hub.change_stamp(settings) is None
    hub.add_checkpoints(settings, E2LM, MODEL)
    first = hub.change_stamp(settings)
    hub.remove_checkpoints(settings, MODEL, (f"{MODEL}/iter_0002000",))
    assert hub.change_stamp(settings) != first is not None


def test_the_documents_example_runs(fake, settings, monkeypatch, capsys):
    text = (ROOT / "docs" / "checkpoints.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    repo = fake.repo("EleutherAI/pythia-70m")
    for step in (0, 1_000, 2_000, 3_000, 143_000):
        repo.commit(f"step{step}", checkpoint(step))
    repo.commit("main", checkpoint(143_000))
    monkeypatch.setenv("E2LM_HOME", str(settings.home))
    monkeypatch.setenv("E2LM_HUB_ENDPOINT", fake.endpoint)
    names: dict[str, object] = {}
    exec(example, names)
    # Four lie below 20 billion tokens, and each second of them is taken.
    assert [c.step for c in names["added"]] == [1_000, 3_000]
    assert "pythia-70m" in capsys.readouterr().out
    assert hub.added_models(settings) == SourceModels()
    assert hub_cache.list_cached(settings) == ()


@pytest.mark.parametrize(
    ("rule", "tokens"), [((), None), (("--tokens-per-step", "2097152"), 2_097_152 * 2_000)]
)
def test_the_command_adds_folders_and_tokens_of_any_repository(
    fake, settings, monkeypatch, capsys, rule, tokens
):
    for name, value in (
        ("HOME", settings.home),
        ("LADDER", settings.ladder),
        ("HUB_ENDPOINT", fake.endpoint),
    ):
        monkeypatch.setenv(f"E2LM_{name}", str(value))
    words = ["hub", "add", "any", "mine", "--repo", DENSE, "--pattern", "iter_{step:07}", "--folders", *rule]
    with pytest.raises(SystemExit) as end:
        main([*words, "--json"])
    assert end.value.code in (None, 0)
    rows = json.loads(capsys.readouterr().out)["checkpoints"]
    assert [row["name"] for row in rows] == [f"mine/iter_{step:07d}" for step in STEPS]
    assert rows[0]["tokens_seen"] == tokens


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("any", "mine", "--repo", "a/b", "--pattern", "step{step}", "--tokens-per-step", "many"),
            "is no whole number",
        ),
        (("e2lm", MODEL, "--folders"), "tells where its checkpoints lie"),
    ],
)
def test_what_the_command_cannot_add_is_a_sentence(fake, settings, capsys, words, says):
    with pytest.raises(SystemExit) as end:
        main(["hub", "add", *words])
    assert end.value.code == 2
    assert says in capsys.readouterr().err
