"""Index of the training text's 13-grams.

    key(gram) = first 8 bytes of blake2b(gram in UTF-8), big-endian

With n grams stored, another gram is taken for one of them with probability n / 2^64, which never happens
here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.sentences import Sentence

_ITEM = np.dtype(">u8")


class TrainingNgrams:
    """13-grams of the training text; `gram in ngrams` for grams of `sets.checks.text.ngrams`.

    Attributes:
        keys: Keys [N] uint64 of the grams, ascending.
    """

    def __init__(self, keys: np.ndarray) -> None:
        self.keys = keys

    def __contains__(self, gram: object) -> bool:
        if not isinstance(gram, str):
            return False
        wanted = np.uint64(key(gram))
        at = int(np.searchsorted(self.keys, wanted))
        return at < len(self.keys) and bool(self.keys[at] == wanted)

    def __len__(self) -> int:
        return len(self.keys)


def key(gram: str) -> int:
    """First 8 bytes of blake2b(gram in UTF-8), as a big-endian integer."""
    return int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=8).digest(), "big")


def pack(grams: Iterable[str]) -> bytes:
    """Bytes of the index, eight for each gram; the same grams in any order give the same bytes."""
    return np.unique(np.fromiter((key(gram) for gram in grams), dtype=np.uint64)).astype(_ITEM).tobytes()


@lru_cache(maxsize=2)
def read(path: Path) -> TrainingNgrams:
    """The 13-grams of an index file.

    Raises:
        CheckpointError: The file cannot be read, or is truncated.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "{name} cannot be read ({strerror}): fetch the ladder again.",
                name=path.name,
                strerror=error.strerror,
            )
        ) from error
    if len(data) % _ITEM.itemsize:
        raise CheckpointError(Sentence("{name} is cut short: fetch the ladder again.", name=path.name))
    return TrainingNgrams(np.frombuffer(data, dtype=_ITEM).astype(np.uint64))
