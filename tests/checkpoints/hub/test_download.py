"""Downloads from a hub: what is fetched, checked, resumed and put in place."""

from __future__ import annotations

import pytest
from huggingface_hub import constants

from e2lm_core.base.errors import Cancelled, CheckpointError
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.families import CheckpointChoice, custom_family
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub import download as hub_download
from e2lm_core.checkpoints.hub import retries
from e2lm_core.checkpoints.hub.client import NoConnectionError
from e2lm_core.checkpoints.unpacking import ensure_directory, unpacked_directory
from e2lm_core.commands import progress
from e2lm_core.commands.main import main
from tests.support.fake_hub import Repo, checkpoint, git_sha1, sha256, sharded, small_files, under, weights
from tests.support.hub_fixtures import (
    DENSE,
    E2LM,
    PYTHIA,
    SMALL,
    fake,
    first,
    sentence,
    settings,
    weights_digest,
)

__all__ = ["fake", "first", "settings"]  # fixtures


def test_download_holds_safetensors_configuration_and_tokenizer_only(fake, settings, first):
    seen = []
    folder = hub_download.download(first, settings, seen.append)
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
    hub_cache.verify(first, settings)


def test_download_on_first_use_and_never_again(fake, settings, first):
    folder = ensure_directory(first, settings)
    asked = len(fake.seen)
    assert ensure_directory(first, settings) == folder
    assert len(fake.seen) == asked


def test_branches(fake, settings):
    for c in hub.add_checkpoints(
        settings, PYTHIA, "pythia-14m", CheckpointChoice(names=("step1", "step512"))
    ):
        assert (ensure_directory(c, settings) / "model.safetensors").read_bytes() == weights(100 + c.step)


def test_branches_of_pickles_alone_are_said_before_any_download(fake, settings):
    small = fake.repos[SMALL]
    for step in (512, 1_000):
        old = {n: b for n, b in checkpoint(step).items() if not n.endswith(".safetensors")}
        small.commit(f"step{step}", old | {"pytorch_model.bin": b"x"})
    with pytest.raises(CheckpointError) as error:
        hub.add_checkpoints(
            settings, PYTHIA, "pythia-14m"
        )  # the last of them is looked at as well as the first
    assert "only as pytorch_model.bin" in sentence(error)
    small.commit("step1000", checkpoint(1_000))
    added = hub.add_checkpoints(settings, PYTHIA, "pythia-14m")
    looked = []
    refused = hub_download.refuse_pickles(added, settings, looked.append)
    assert list(refused) == ["pythia-14m/iter_0000512"]
    assert "only as pytorch_model.bin, which can run code" in next(iter(refused.values()))
    assert looked == [c.name for c in added]
    assert fake.fetched() == []


def test_configuration_and_tokenizer_of_the_whole_repository(fake, settings):
    fake.repo(DENSE).commit("main", {**small_files(), "iter_0002000/model.safetensors": weights(1)})
    (only,) = hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    folder = ensure_directory(only, settings)
    assert (folder / "tokenizer.json").read_bytes() == small_files()["tokenizer.json"]


def test_sharded_weights(fake, settings):
    fake.repo(DENSE).commit("main", under("iter_0002000", {**sharded(1), "other.safetensors": b"unwanted"}))
    (only,) = hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
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
    (only,) = hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
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
        hub_download.download(
            first, settings, reached.append, lambda: bool(reached) and reached[-1].done_bytes > 2_000
        )
    assert "what is here is kept" in sentence(error)
    assert unpacked_directory(first, settings) is None
    assert 500 < hub_cache.cache_usage(settings).partial_bytes < len(weights(2_000)) + 2_000
    hub_download.download(first, settings)
    hub_cache.verify(first, settings)
    last = [h.get("Range") for m, p, h in fake.seen if m == "GET" and p.startswith("/storage/")][-1]
    assert int(last.removeprefix("bytes=").rstrip("-")) >= 500
    assert hub_cache.cache_usage(settings).partial_bytes == 0


def test_truncated_file(fake, settings, first):
    fake.instead("/storage/", short_at=1_000, times=1)
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "ended too early" in sentence(error)
    assert unpacked_directory(first, settings) is None
    hub_cache.verify(first.model_copy(update={"directory": ensure_directory(first, settings)}), settings)


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
    hub_cache.verify(first, settings)


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
        hub.add_checkpoints(settings, *wanted)
    assert said in sentence(error)
    assert open_catalogue(settings).models == ()


def test_weights_that_are_no_safetensors_are_not_put_in_place(fake, settings):
    files = under("iter_0002000", {**small_files(), "model.safetensors": b"\xff" * 700})
    fake.repo(DENSE).commit("main", files)
    (only,) = hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    with pytest.raises(CheckpointError, match="cut short or damaged"):
        ensure_directory(only, settings)
    assert unpacked_directory(only, settings) is None


# --- many at once, as the command does ----------------------------------------------------------------------------


def fill(fake, letter: str) -> None:
    """The repository as it is at first, with the same commits."""
    repo = fake.repo(f"x/{letter}")
    repo.commits.clear()
    repo.commit("main", {"README.md": b"x"})
    repo.commit("step1", checkpoint(ord(letter)))


@pytest.fixture
def three(fake, settings, monkeypatch) -> list[str]:
    """Three checkpoints of three repositories, added; the command finds them by the environment."""
    monkeypatch.setattr(retries.time, "sleep", lambda _: None)
    names = []
    for letter in "abc":
        fill(fake, letter)
        chosen = custom_family(f"x/{letter}", "step{step}")
        names += [c.name for c in hub.add_checkpoints(settings, chosen, letter)]
    monkeypatch.setenv("E2LM_HOME", str(settings.home))
    monkeypatch.setenv("E2LM_LADDER", str(settings.ladder))
    monkeypatch.setenv("E2LM_HUB_ENDPOINT", fake.endpoint)
    return names


def downloaded(settings) -> list[str]:
    added = [c for c in open_catalogue(settings).checkpoints if c.repo]
    return [c.model.name for c in added if hub_cache.find_snapshot(c, settings)]


@pytest.fixture
def run_download(three, capsys, monkeypatch):
    """The command on the three: its exit status, and the lines of its stderr."""
    monkeypatch.setattr(progress, "QUIET_S", 3_600.0)

    def run() -> tuple[int, list[str]]:
        with pytest.raises(SystemExit) as end:
            main(["hub", "download", *three])
        return end.value.code, capsys.readouterr().err.strip().splitlines()

    return run


WRONG = {
    "gated": "x/b is gated: accept its terms",
    "missing": "The hub no longer has x/b at",
    "away": "at the moment (503)",
    "storage away": "at the moment (503)",
    "storage refuses": "refuses the link that the hub gave (403)",
    "altered": "is not what the hub lists",
    "disabled": "x/b is disabled on the hub",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_after_one_that_fails_the_others_are_downloaded(fake, settings, run_download, wrong):
    if wrong == "gated":
        fake.repos["x/b"].gated_for = "hf_" + "secret"
    elif wrong == "missing":
        fake.repos["x/b"].commits.clear()
    elif wrong == "away":
        fake.instead("x/b", status=503)
    elif wrong == "disabled":
        fake.instead("x/b", status=403, headers={"X-Error-Message": "Access to this resource is disabled."})
    else:
        answer = {"flip": True} if wrong == "altered" else {"status": 503 if wrong == "storage away" else 403}
        fake.instead(f"/storage/{sha256(weights(ord('b')))}", **answer)
    status, said = run_download()
    assert downloaded(settings) == ["a", "c"]
    assert status == 2
    last = said[-1]
    assert last.startswith("1 of 3 checkpoints are left out (b/iter_0000001): ")
    assert WRONG[wrong] in last
    # What was in the way is gone: the same command does what is left.
    fake.answers.clear()
    fake.repos["x/b"].gated_for = None
    fill(fake, "b")
    assert run_download()[0] == 0
    assert downloaded(settings) == ["a", "b", "c"]


def test_two_that_fail_for_different_reasons_are_both_named(fake, settings, run_download):
    fake.repos["x/a"].commits.clear()
    fake.repos["x/b"].gated_for = "hf_" + "secret"
    *said, last = run_download()[1]
    assert downloaded(settings) == ["c"]
    assert last.startswith(
        "2 of 3 checkpoints are left out (a/iter_0000001 and b/iter_0000001), for several reasons; a/iter_0000001: "
        "The hub no longer has x/a at "
    )
    assert any(line.startswith("a/iter_0000001: The hub no longer has x/a") for line in said)
    assert any(line.startswith("b/iter_0000001: x/b is gated") for line in said)


def test_without_a_connection_no_further_one_is_tried(three, run_download, monkeypatch):
    """The listing is there, and then nothing answers: two are tried, and the third is named with them."""
    tried = []

    def away(checkpoint, *_):
        tried.append(checkpoint.name)
        raise NoConnectionError("It cannot be reached.")

    monkeypatch.setattr(hub_download, "download", away)
    last = run_download()[1][-1]
    assert tried == three[:2]
    assert last.startswith("3 of 3 checkpoints are left out (")


def test_a_full_disk_ends_the_others_too(run_download, monkeypatch):
    def full(checkpoint, *_):
        raise hub_download.DiskFull("The disk is full.")

    monkeypatch.setattr(hub_download, "download", full)
    assert run_download()[1][-1].startswith("3 of 3 checkpoints are left out (")
