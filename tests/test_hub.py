import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakehub import FakeHub, Repo, checkpoint, git_sha1, sharded, small_files, under, weights
from huggingface_hub import constants

from e2lm_core import hub, hub_cache, hub_client
from e2lm_core.checkpoints import ensure_directory, fingerprint, open_catalogue, unpacked_directory
from e2lm_core.errors import Cancelled, CheckpointError, LimitError, StudioError
from e2lm_core.families import Choice, any_family, family
from e2lm_core.settings import Settings

E2LM, PYTHIA = family("e2lm"), family("pythia")
DENSE, SMALL = "tiiuae/dense-500m-arch1", "EleutherAI/pythia-14m"
STEPS = (2_000, 4_000, 6_000)


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # it reads it once, at import
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with FakeHub() as running:
        folders = {f"iter_{step:07d}": checkpoint(step) for step in STEPS}
        everything = {k: v for name, files in folders.items() for k, v in under(name, files).items()}
        running.repo(DENSE).commit("main", {"README.md": b"x", **everything})
        small = running.repo(SMALL)
        small.commit("main", checkpoint(0))
        for step in (0, 1, 512, 1_000):
            small.commit(f"step{step}", checkpoint(100 + step))
        yield running


@pytest.fixture
def settings(fake, tmp_path):
    return Settings(home=tmp_path / "home", ladder=tmp_path / "none", hub_endpoint=fake.endpoint)


@pytest.fixture
def first(settings):
    """The first of E2LM's checkpoints, added and not downloaded."""
    return hub.add(settings, E2LM, "dense-500m-arch1")[0]


def sentence(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert "Error" not in text
    return text


def weights_digest(seed: int) -> str:
    return hashlib.sha256(weights(seed)).hexdigest()


# --- listing and adding ---------------------------------------------------------------------------------


def test_listing_a_family_whose_checkpoints_are_folders(fake, settings):
    listed = hub.listing(settings, E2LM, "dense-500m-arch1")
    assert [c.place.name for c in listed.checkpoints] == [f"iter_{s:07d}" for s in STEPS]
    assert {c.commit for c in listed.checkpoints} == {fake.repos[DENSE].refs["main"]}
    assert listed.checkpoints[0].bytes == len(weights(2_000))


def test_listing_a_family_whose_checkpoints_are_branches(fake, settings):
    listed = hub.listing(settings, PYTHIA, "pythia-14m")
    assert [c.place.step for c in listed.checkpoints] == [0, 1, 512, 1_000]
    assert {c.place.name: c.commit for c in listed.checkpoints} == {
        name: commit for name, commit in fake.repos[SMALL].refs.items() if name != "main"
    }


def test_added_checkpoints_stand_in_the_catalogue(fake, settings):
    hub.add(settings, E2LM, "dense-500m-arch1")
    hub.add(settings, PYTHIA, "pythia-14m", Choice(names=("step512", "step1000")))
    catalogue = open_catalogue(settings)
    dense = catalogue.of("dense-500m-arch1")
    assert [c.name for c in dense] == [f"dense-500m-arch1/iter_{s:07d}" for s in STEPS]
    assert [(c.tokens_seen, c.early) for c in dense] == [
        (s, True) for s in (2_097_152_000, 4_194_304_000, 6_291_456_000)
    ]
    assert {(c.repo, c.revision) for c in dense} == {(DENSE, fake.repos[DENSE].refs["main"])}
    assert catalogue.model("dense-500m-arch1").arch == "arch1"
    pythia = catalogue.of("pythia-14m")
    assert [c.name for c in pythia] == ["pythia-14m/iter_0000512", "pythia-14m/iter_0001000"]
    assert pythia[0].revision == fake.repos[SMALL].refs["step512"]
    assert all(unpacked_directory(c, settings) is None for c in (*dense, *pythia))
    assert fake.fetched() == []


def test_fingerprint_is_the_commit_and_needs_no_download(fake, settings):
    dense = hub.add(settings, E2LM, "dense-500m-arch1")
    pythia = hub.add(settings, PYTHIA, "pythia-14m")
    commit = fake.repos[DENSE].refs["main"]
    assert fingerprint(dense[1], settings) == f"{DENSE}@{commit}/iter_0004000"
    assert fingerprint(pythia[0], settings) == f"{SMALL}@{fake.repos[SMALL].refs['step0']}/"
    assert len({fingerprint(c, settings) for c in (*dense, *pythia)}) == 7


def test_what_was_added_stays_at_its_commit(fake, settings):
    (old,) = hub.add(settings, PYTHIA, "pythia-14m", Choice(names=("step0",)))
    fake.repos[SMALL].commit("step0", checkpoint(999))
    hub.add(settings, PYTHIA, "pythia-14m")
    again = open_catalogue(settings).of("pythia-14m")
    assert [c.step for c in again] == [0, 1, 512, 1_000]
    assert again[0].revision == old.revision != fake.repos[SMALL].refs["step0"]


def test_any_repository_by_pattern(fake, settings):
    fake.repo("me/mine").commit("main", {**under("ckpt/5", checkpoint(5)), **under("ckpt/9", checkpoint(9))})
    mine = any_family("me/mine", "ckpt/{step}", "subfolder", tokens=100)
    found = hub.add(settings, mine, "mine")
    assert [(c.name, c.tokens_seen) for c in found] == [("mine/ckpt/5", 500), ("mine/ckpt/9", 900)]
    folder = ensure_directory(found[1], settings)
    assert (folder / "model.safetensors").read_bytes() == weights(9)


def test_repository_without_such_names(fake, settings):
    with pytest.raises(CheckpointError) as error:
        hub.listing(settings, any_family(SMALL, "epoch{step}"), "pythia-14m")
    assert "has no branch named like epoch{step}" in sentence(error)


def test_another_repository_of_the_same_name(fake, settings):
    fake.repo("me/pythia-14m").commit("step1", checkpoint(5))
    hub.add(settings, PYTHIA, "pythia-14m")
    fake.repo("me/pythia-14m").commit("main", checkpoint(5))
    with pytest.raises(CheckpointError) as error:
        hub.add(settings, any_family("me/pythia-14m", "step{step}"), "pythia-14m")
    assert f"already, of {SMALL}" in sentence(error)


def test_a_name_that_the_catalogue_has_already_is_a_problem(settings, first, tmp_path):
    local = tmp_path / "mine" / "dense-500m-arch1" / "iter_0000100"
    local.mkdir(parents=True)
    (local / "config.json").write_text("{}")
    catalogue = open_catalogue(settings.model_copy(update={"checkpoints": (tmp_path / "mine",)}))
    assert "of a hub is left out" in catalogue.problems[-1]
    assert len(catalogue.of("dense-500m-arch1")) == 1


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"version": 2, "added": []}', b"\xff"])
def test_families_file_that_cannot_be_read_is_a_problem_and_is_kept(settings, first, content):
    path = settings.home / "families.json"
    path.write_bytes(content)
    assert "not a list of added models" in open_catalogue(settings).problems[-1]
    with pytest.raises(CheckpointError, match="not a list of added models"):
        hub.add(settings, E2LM, "dense-500m-arch1")
    assert path.read_bytes() == content


def test_removing(settings, fake):
    dense = hub.add(settings, E2LM, "dense-500m-arch1")
    ensure_directory(dense[0], settings)
    assert hub.remove(settings, "dense-500m-arch1", (dense[0].name,)) > 1_000
    assert hub.usage(settings).used_bytes == 0
    assert [c.step for c in open_catalogue(settings).of("dense-500m-arch1")] == [4_000, 6_000]
    with pytest.raises(CheckpointError, match="is not a checkpoint of dense-500m-arch1 that was added"):
        hub.remove(settings, "dense-500m-arch1", (dense[0].name,))
    assert hub.remove(settings, "dense-500m-arch1") == 0
    assert open_catalogue(settings).models == ()
    with pytest.raises(CheckpointError, match="No model 'dense-500m-arch1' of a hub was added"):
        hub.remove(settings, "dense-500m-arch1")


# --- downloading ----------------------------------------------------------------------------------------


def test_download_holds_safetensors_configuration_and_tokenizer_only(fake, settings, first):
    seen = []
    folder = hub.download(first, settings, seen.append)
    wanted = {*small_files(), "model.safetensors"}
    assert {p.name for p in folder.iterdir()} == {*wanted, "downloaded.json"}
    for name in wanted:
        assert (folder / name).read_bytes() == checkpoint(2_000)[name]
    assert fake.fetched() == [f"/storage/{weights_digest(2_000)}"]
    assert (
        folder == first.directory == unpacked_directory(first, settings) == ensure_directory(first, settings)
    )
    total = sum(len(checkpoint(2_000)[name]) for name in wanted)
    assert seen[-1].done_bytes == seen[-1].total_bytes == total
    assert [p.done_bytes for p in seen] == sorted(p.done_bytes for p in seen)
    hub.verify(first, settings)


def test_download_on_first_use_and_never_again(fake, settings, first):
    folder = ensure_directory(first, settings)
    asked = len(fake.seen)
    assert ensure_directory(first, settings) == folder
    assert len(fake.seen) == asked


def test_branches(fake, settings):
    for c in hub.add(settings, PYTHIA, "pythia-14m", Choice(names=("step1", "step512"))):
        assert (ensure_directory(c, settings) / "model.safetensors").read_bytes() == weights(100 + c.step)


def test_configuration_and_tokenizer_of_the_whole_repository(fake, settings):
    fake.repo(DENSE).commit("main", {**small_files(), "iter_0002000/model.safetensors": weights(1)})
    (only,) = hub.add(settings, E2LM, "dense-500m-arch1")
    folder = ensure_directory(only, settings)
    assert (folder / "tokenizer.json").read_bytes() == small_files()["tokenizer.json"]


def test_sharded_weights(fake, settings):
    fake.repo(DENSE).commit("main", under("iter_0002000", {**sharded(1), "other.safetensors": b"unwanted"}))
    (only,) = hub.add(settings, E2LM, "dense-500m-arch1")
    folder = ensure_directory(only, settings)
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert sorted(p.name for p in folder.glob("*.safetensors")) == shards
    assert len(fake.fetched()) == 2


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (b'{"weight_map": {"a": "model-00003-of-00003.safetensors"}}', "which its index names"),
        (b'{"weight_map": {"a": "../../outside.safetensors"}}', "not a file of weights"),
        (b'{"weight_map": {"a": "pytorch_model.bin"}}', "not a file of weights"),
        (b"[]", "is not an index of weights"),
    ],
)
def test_index_that_cannot_be_followed(fake, settings, index, said):
    fake.repo(DENSE).commit(
        "main", under("iter_0002000", {**sharded(1), "model.safetensors.index.json": index})
    )
    (only,) = hub.add(settings, E2LM, "dense-500m-arch1")
    with pytest.raises(CheckpointError) as error:
        ensure_directory(only, settings)
    assert said in sentence(error)


def test_connection_that_breaks_is_taken_up_again(fake, settings, first, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 500)
    fake.instead("/storage/", cut_at=1_000, times=1)
    folder = ensure_directory(first, settings)
    assert (folder / "model.safetensors").read_bytes() == weights(2_000)
    ranges = [h.get("Range") for m, p, h in fake.seen if m == "GET" and p.startswith("/storage/")]
    assert ranges == [None, "bytes=1000-"]


def test_cancelled_download_goes_on_where_it_stopped(fake, settings, first, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 500)
    reached = []
    with pytest.raises(Cancelled) as error:
        hub.download(
            first, settings, reached.append, lambda: bool(reached) and reached[-1].done_bytes > 2_000
        )
    assert "what is here is kept" in sentence(error)
    assert unpacked_directory(first, settings) is None
    assert 500 < hub.usage(settings).partial_bytes < len(weights(2_000)) + 2_000
    hub.download(first, settings)
    hub.verify(first, settings)
    last = [h.get("Range") for m, p, h in fake.seen if m == "GET" and p.startswith("/storage/")][-1]
    assert int(last.removeprefix("bytes=").rstrip("-")) >= 500
    assert hub.usage(settings).partial_bytes == 0


def test_truncated_file(fake, settings, first):
    fake.instead("/storage/", short_at=1_000, times=1)
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "ended too early" in sentence(error)
    assert unpacked_directory(first, settings) is None
    hub.verify(first.model_copy(update={"directory": ensure_directory(first, settings)}), settings)


def test_file_that_stays_truncated(fake, settings, first):
    fake.instead("/storage/", short_at=1_000)
    for _ in range(2):
        with pytest.raises(CheckpointError) as error:
            ensure_directory(first, settings)
        assert "iter_0002000/model.safetensors" in sentence(error)
    assert "only a part" in str(error.value)


@pytest.mark.parametrize("what", ["/storage/", "tokenizer.json"])
def test_altered_bytes_are_not_taken(fake, settings, first, what):
    if what == "/storage/":
        fake.instead(what, flip=True, times=1)
    else:
        commit = fake.repos[DENSE].commits[fake.repos[DENSE].refs["main"]]
        good = commit[f"iter_0002000/{what}"]
        fake.repos[DENSE].commits[fake.repos[DENSE].refs["main"]] = _Altered(commit, f"iter_0002000/{what}")
        assert git_sha1(good) != git_sha1(good + b" ")
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "lists" in sentence(error)
    fake.repos[DENSE].commits = {k: dict(v) for k, v in fake.repos[DENSE].commits.items()}
    ensure_directory(first, settings)
    hub.verify(first, settings)


class _Altered(dict):
    """A commit that lists one content of a path and serves another, until it is copied."""

    def __init__(self, files, path):
        super().__init__(files)
        self._path = path

    def __getitem__(self, path):
        content = super().__getitem__(path)
        return content[:-1] + b" " if path == self._path else content


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"pytorch_model.bin": b"x"}, "only as pytorch_model.bin, which can run code"),
        ({}, "has no model.safetensors"),
        ({"model.safetensors": b"x", "config.json": None}, "has no config.json"),
        ({"model.safetensors": b"x", "tokenizer.json": None, "tokenizer_config.json": None}, "no tokenizer"),
    ],
)
@pytest.mark.parametrize("style", ["folder", "branch"])
def test_what_is_no_checkpoint_is_refused_when_it_is_added(fake, settings, files, said, style):
    held = {k: v for k, v in {**small_files(), **files}.items() if v is not None}
    if style == "folder":
        fake.repo(DENSE).commit("main", under("iter_0002000", held))
        wanted = (E2LM, "dense-500m-arch1")
    else:
        fake.repos[SMALL] = Repo()
        fake.repo(SMALL).commit("main", {})
        fake.repo(SMALL).commit("step1", held)
        wanted = (PYTHIA, "pythia-14m")
    with pytest.raises(CheckpointError) as error:
        hub.add(settings, *wanted)
    assert said in sentence(error)
    assert open_catalogue(settings).models == ()


def test_weights_that_are_no_safetensors_are_not_put_in_place(fake, settings):
    files = under("iter_0002000", {**small_files(), "model.safetensors": b"\xff" * 700})
    fake.repo(DENSE).commit("main", files)
    (only,) = hub.add(settings, E2LM, "dense-500m-arch1")
    with pytest.raises(CheckpointError, match="cut short or damaged"):
        ensure_directory(only, settings)
    assert unpacked_directory(only, settings) is None


# --- what a hub refuses ---------------------------------------------------------------------------------


def test_vanished_revision(fake, settings, first):
    fake.repos[DENSE].commits.clear()
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert f"no longer has {DENSE} at {first.revision}" in sentence(error)


def test_vanished_file(fake, settings, first):
    fake.instead("model.safetensors", status=404, headers={"X-Error-Code": "EntryNotFound"})
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "no longer has iter_0002000/model.safetensors" in sentence(error)


@pytest.mark.parametrize("model", ["dense-1b-arch1", "dense-3b-arch2"])
def test_repository_that_is_not_there(fake, settings, model):
    with pytest.raises(CheckpointError) as error:
        hub.listing(settings, E2LM, model)
    assert "without a token (401): set HF_TOKEN" in sentence(error)


def test_private_repository_and_its_token(fake, settings, monkeypatch, caplog, capfd):
    fake.repos[DENSE].token = "hf_" + "secret"
    with pytest.raises(CheckpointError) as error:
        hub.add(settings, E2LM, "dense-500m-arch1")
    assert "set HF_TOKEN" in sentence(error)
    monkeypatch.setenv("HF_TOKEN", "hf_wrongtoken")
    with pytest.raises(CheckpointError) as error:
        hub.add(settings, E2LM, "dense-500m-arch1")
    assert "refuses" in sentence(error)
    assert "hf_wrongtoken" not in sentence(error)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "secret")
    first = hub.add(settings, E2LM, "dense-500m-arch1")[0]
    ensure_directory(first, settings)
    stored = [h for _, p, h in fake.seen if p.startswith("/storage/")]
    assert stored
    assert not any("Authorization" in headers or "authorization" in headers for headers in stored)
    written = [p for p in settings.home.rglob("*") if p.is_file()]
    assert not any(b"hf_secret" in p.read_bytes() for p in written)
    assert "hf_" not in caplog.text + "".join(capfd.readouterr())


def test_token_file_is_not_read(fake, settings, monkeypatch, tmp_path):
    (tmp_path / "token").write_text("hf_fromfile")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    ensure_directory(hub.add(settings, E2LM, "dense-500m-arch1")[0], settings)
    assert not any("hf_fromfile" in str(headers) for _, _, headers in fake.seen)


def test_gated_repository(fake, settings):
    fake.instead("/api/models/", status=403, headers={"X-Error-Code": "GatedRepo"})
    with pytest.raises(CheckpointError) as error:
        hub.listing(settings, E2LM, "dense-500m-arch1")
    assert "is gated: accept its terms" in sentence(error)


@pytest.mark.parametrize("path", ["/api/models/", "/resolve/"])
@pytest.mark.parametrize(
    ("headers", "when"),
    [
        ({"Retry-After": "120"}, "in 120 seconds"),
        ({"RateLimit": '"api";r=0;t=55'}, "in 55 seconds"),
        ({}, "in some minutes"),
    ],
)
def test_a_long_pause_is_named(fake, settings, first, path, headers, when):
    fake.instead(path, status=429, headers=headers)
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert f"(429): try again {when}" in sentence(error)


def test_a_short_pause_is_waited_for(fake, settings, first, monkeypatch):
    pauses = []
    monkeypatch.setattr(hub_client.time, "sleep", pauses.append)
    fake.instead("/api/models/", status=429, headers={"Retry-After": "2"}, times=2)
    ensure_directory(first, settings)
    assert pauses == [2, 2]


def test_hub_out_of_order(fake, settings, first):
    fake.instead("/api/models/", status=503)
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "at the moment (503): try again later" in sentence(error)


def test_address_that_is_no_hub(fake, settings, monkeypatch):
    monkeypatch.setattr(Repo, "refs", {}, raising=False)
    fake.repos[DENSE].refs = {"main": "short"}
    fake.repos[DENSE].commits["short"] = {}
    with pytest.raises(CheckpointError) as error:
        hub.listing(settings, E2LM, "dense-500m-arch1")
    assert "as a hub does: check E2LM_HUB_ENDPOINT" in sentence(error)


# --- offline --------------------------------------------------------------------------------------------


def test_offline_offers_what_is_here(fake, settings, monkeypatch):
    one, other, _ = hub.add(settings, E2LM, "dense-500m-arch1")
    with_nothing = pytest.raises(hub.HubUnreachable)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with with_nothing as error:
        ensure_directory(one, settings)
    assert "HF_HUB_OFFLINE is set" in sentence(error)
    assert "no checkpoint of a hub is downloaded yet" in sentence(error)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    folder = ensure_directory(one, settings)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert ensure_directory(one, settings) == folder
    with pytest.raises(hub.HubUnreachable) as error:
        ensure_directory(other, settings)
    assert "1 downloaded can be used without it (dense-500m-arch1/iter_0002000)" in sentence(error)
    with pytest.raises(hub.HubUnreachable):
        hub.listing(settings, E2LM, "dense-500m-arch1")
    assert len(open_catalogue(settings).of("dense-500m-arch1")) == 3


def test_no_connection(fake, settings, first):
    away = settings.model_copy(update={"hub_endpoint": "http://127.0.0.1:9"})
    with pytest.raises(hub.HubUnreachable) as error:
        ensure_directory(first, away)
    assert "cannot be reached at http://127.0.0.1:9" in sentence(error)


# --- room, checking and evicting ------------------------------------------------------------------------


def test_quota(fake, settings, first):
    tight = settings.model_copy(update={"hub_quota_bytes": 6_000})
    second = open_catalogue(settings).checkpoints[1]
    ensure_directory(first, tight)
    with pytest.raises(LimitError) as error:
        ensure_directory(second, tight)
    assert "0.0 MB allowed: evict some, or raise E2LM_HUB_QUOTA_GB" in sentence(error)
    assert hub.usage(tight).used_bytes < 6_000
    hub.evict(first, tight)
    ensure_directory(second, tight)


def test_disk_without_room(fake, settings, first, monkeypatch):
    from e2lm_core import hub_download

    monkeypatch.setattr(hub_download.shutil, "disk_usage", lambda _: type("Disk", (), {"free": 10**6}))
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "the disk has 1.0 MB free" in sentence(error)


def test_home_that_cannot_be_written(fake, settings, first):
    settings.cache.mkdir(parents=True, exist_ok=True)
    (settings.cache / "hub").write_text("a file where the folder should be")
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "cannot be written" in sentence(error)


def test_what_is_cached_and_evicted(fake, settings, first):
    ensure_directory(first, settings)
    (held,) = hub.cached(settings)
    assert (held.name, held.repo, held.revision) == (first.name, DENSE, first.revision)
    assert held.bytes == sum(
        len(v) for k, v in checkpoint(2_000).items() if k not in ("README.md", "pytorch_model.bin")
    )
    assert hub.evict(first, settings) >= held.bytes
    assert hub.cached(settings) == ()
    assert unpacked_directory(first, settings) is None
    assert hub.evict(first, settings) == 0
    assert first.name in [c.name for c in open_catalogue(settings).checkpoints]


def test_what_is_being_downloaded_is_not_evicted(fake, settings, first):
    refused = []

    def evict(progress):
        with pytest.raises(CheckpointError) as error:
            hub.evict(first, settings)
        refused.append(sentence(error))

    hub.download(first, settings, evict)
    assert f"{first.name} is being downloaded" in refused[0]
    hub.verify(first, settings)


def test_waiting_for_another_download_can_be_stopped(fake, settings, first):
    with hub_cache.locked(first, settings), pytest.raises(Cancelled):
        hub.download(first, settings, cancelled=lambda: True)


def test_verify_reads_the_bytes(fake, settings, first):
    with pytest.raises(CheckpointError, match="not on this machine: download it first"):
        hub.verify(first, settings)
    folder = ensure_directory(first, settings)
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    assert unpacked_directory(first, settings) == folder
    with pytest.raises(CheckpointError) as error:
        hub.verify(first, settings)
    assert "model.safetensors of dense-500m-arch1/iter_0002000 is no longer what the hub gave" in sentence(
        error
    )


@pytest.mark.parametrize("name", ["model.safetensors", "downloaded.json"])
def test_damaged_download_is_made_again(fake, settings, first, name):
    folder = ensure_directory(first, settings)
    (folder / name).write_bytes(b"{}")
    assert unpacked_directory(first, settings) is None
    assert ensure_directory(first, settings) == folder
    hub.verify(first, settings)


@pytest.mark.parametrize("subfolder", ["../../../outside", "..", ".", "/etc", "a/../../../../b"])
def test_a_hub_s_names_cannot_lead_outside(settings, first, subfolder):
    strange = first.model_copy(update={"subfolder": subfolder})
    folder = hub_cache.snapshot_folder(strange, settings)
    root = settings.cache / "hub" / "whole"
    assert root in Path(os.path.normpath(folder)).parents
    assert len(folder.relative_to(root).parts) == 4


# --- settings -------------------------------------------------------------------------------------------


def test_settings_from_the_environment():
    env = {"E2LM_HUB_ENDPOINT": "https://hub.example/", "E2LM_HUB_QUOTA_GB": "1.5"}
    settings = Settings.from_env(env)
    assert (settings.hub_endpoint, settings.hub_quota_bytes) == ("https://hub.example", 1_500_000_000)
    assert Settings.from_env({}).hub_quota_bytes == 20 * 10**9
    for bad in (
        {"E2LM_HUB_ENDPOINT": "hub.example"},
        {"E2LM_HUB_QUOTA_GB": "-1"},
        {"E2LM_HUB_QUOTA_GB": "0"},
    ):
        with pytest.raises(StudioError, match=next(iter(bad))):
            Settings.from_env(bad)


# --- the real thing -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_scores_equal_those_of_the_same_weights_in_a_folder(fake, settings, first, tmp_path):
    from e2lm_core.backends.local import LocalBackend
    from e2lm_core.records import Request

    mine = tmp_path / "mine" / "dense" / "iter_0002000"
    mine.mkdir(parents=True)
    for name, content in checkpoint(2_000).items():
        (mine / name).write_bytes(content)
    (local,) = open_catalogue(settings.model_copy(update={"checkpoints": (tmp_path / "mine",)})).of("dense")
    ensure_directory(first, settings)
    backend = LocalBackend(settings.model_copy(update={"device": "cpu"}))
    requests = [Request("a b", " a"), Request("b", " b a")]
    ours, theirs = (sorted(backend.loglikelihood(c, requests)) for c in (first, local))
    assert ours == theirs
    assert backend.scope(first).fingerprint == fingerprint(first, settings)


@pytest.mark.slow
def test_transformers_loads_sharded_weights(fake, settings):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    fake.repo(DENSE).commit("main", under("iter_0002000", sharded(1)))
    (only,) = hub.add(settings, E2LM, "dense-500m-arch1")
    folder = ensure_directory(only, settings)
    _, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert AutoTokenizer.from_pretrained(folder)("a b")["input_ids"] == [1, 2]


_DOWNLOAD = """
import sys
from pathlib import Path
from e2lm_core.checkpoints import ensure_directory, open_catalogue
from e2lm_core.settings import Settings
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
