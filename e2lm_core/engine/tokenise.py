"""Requests as tokens, cut exactly as lm-evaluation-harness 0.4.13 cuts them (`TemplateLM._encode_pair`).

- Whitespace at the end of the context moves to the start of the continuation.
- The joined string is encoded; what follows the first len(encode(context)) tokens is the continuation.
- An empty context becomes the prefix token (BOS, else EOS), unless the continuation begins with it.
- Special tokens are added as the tokenizer does by itself, but not to a text that starts with BOS already.
- Input of the model: the last max_length + 1 tokens of context + continuation, less the very last.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError, LimitError, TaskError
from ..records import Request
from .words import WordEncoder

Tokens = NDArray[np.int32]
_Text = tuple[str, bool]  # a text, and whether the tokenizer's own special tokens are added to it
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
)
_CACHE_CHARACTERS = 64_000_000
_CONFIRMED, _CONFIRMED_EVERY = 4, 200  # texts of a batch that are encoded both ways


class Encoded(NamedTuple):
    """A request as the model sees it: hidden state `len(inputs) − len(targets) + i` predicts targets[i]."""

    inputs: Tokens
    targets: Tokens

    @property
    def first_scored(self) -> int:
        return len(self.inputs) - len(self.targets)


def tokenizer_digest(directory: Path) -> str:
    """sha256 over the tokenizer's files: checkpoints that share it share all encoded text."""
    digest = hashlib.sha256()
    for name in TOKENIZER_FILES:
        path = directory / name
        if path.is_file():
            data = path.read_bytes()
            digest.update(f"{name}:{len(data)}:".encode() + data)
    return digest.hexdigest()


class Encoder:
    """One tokenizer and what it has encoded so far. `directory` holds its files."""

    def __init__(self, directory: Path) -> None:
        from transformers import AutoTokenizer

        if not any((directory / name).is_file() for name in TOKENIZER_FILES):
            raise CheckpointError(
                f"{directory} holds no tokenizer: put its tokenizer.json beside the weights."
            )
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(
                str(directory), local_files_only=True, trust_remote_code=False
            )
        except Exception as error:  # transformers raises a dozen kinds for a broken file
            raise CheckpointError(
                f"The tokenizer in {directory} cannot be read: {_first_line(error)}."
            ) from error
        logging.getLogger("transformers.tokenization_utils_base").setLevel(logging.ERROR)
        bos, eos = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        self.prefix_token: int | None = bos if bos is not None else eos
        self._prefix_text = "" if self.prefix_token is None else str(self.tokenizer.decode(self.prefix_token))
        added = self.tokenizer.encode("")
        self.bos = f"prepend:{','.join(map(str, added))}" if added else "none"
        self._words = WordEncoder.of(self.tokenizer)
        self._around = self._special_around()
        self._known: dict[_Text, Tokens] = {}
        self._known_characters = 0

    def encode(self, requests: Sequence[Request], max_length: int) -> list[Encoded]:
        """One `Encoded` a request, in order.

        Raises `TaskError` for a continuation without a token of its own, `LimitError` for one that is
        longer than the window.
        """
        encoded = []
        for request, (context, continuation) in zip(requests, self._pairs(requests), strict=True):
            if not len(continuation):
                raise TaskError(
                    f"The continuation {_short(request.continuation)} adds no token of its own after "
                    f"{_short(request.context[-40:])}; begin it with a space, or end the prompt otherwise."
                )
            if len(continuation) > max_length:
                raise LimitError(
                    f"The continuation {_short(request.continuation)} is {len(continuation)} tokens long; "
                    f"this model's window holds {max_length}."
                )
            inputs = np.concatenate([context, continuation])[-(max_length + 1) :][:-1]
            encoded.append(Encoded(inputs, continuation))
        return encoded

    def lengths(self, requests: Sequence[Request]) -> list[int]:
        """Tokens of context + continuation, before any truncation."""
        return [len(context) + len(continuation) for context, continuation in self._pairs(requests)]

    def _pairs(self, requests: Sequence[Request]) -> list[tuple[Tokens, Tokens]]:
        """(context, continuation) tokens of each request, nothing cut off."""
        heads: list[_Text | None] = []
        wholes: list[_Text] = []
        for request in requests:
            whole = request.context + request.continuation
            if request.context:
                heads.append(self._text(request.context.rstrip()))
                wholes.append(self._text(whole))
            else:
                heads.append(None)
                wholes.append((whole, False))
        known = self._encoded([*(head for head in heads if head is not None), *wholes])
        pairs = []
        for request, head, whole_text in zip(requests, heads, wholes, strict=True):
            context = None if head is None else known[head]
            if context is None or not len(context):
                pairs.append(self._after_prefix_token(known[whole_text], request))
            else:
                pairs.append((context, known[whole_text][len(context) :]))
        return pairs

    def _after_prefix_token(self, continuation: Tokens, request: Request) -> tuple[Tokens, Tokens]:
        if self.prefix_token is None:
            raise TaskError(
                f"The continuation {_short(request.continuation)} has an empty prompt, and this tokenizer has "
                "neither a BOS nor an EOS token to stand for it; write something before the choices."
            )
        if len(continuation) and continuation[0] == self.prefix_token:
            return continuation[:1], continuation[1:]
        return np.array([self.prefix_token], dtype=np.int32), continuation

    def _text(self, text: str) -> _Text:
        return text, not (self.prefix_token is not None and text.startswith(self._prefix_text))

    def _encoded(self, texts: Sequence[_Text]) -> dict[_Text, Tokens]:
        wanted = dict.fromkeys(texts)
        if self._known_characters > _CACHE_CHARACTERS:
            self._known, self._known_characters = {}, 0
        missing = [key for key in wanted if key not in self._known]
        self._known_characters += sum(len(text) for text, _ in missing)
        for special in (True, False):
            batch = [text for text, adds in missing if adds is special]
            for text, tokens in zip(batch, self._tokens(batch, special), strict=True):
                self._known[text, special] = np.array(tokens, dtype=np.int32)
        return self._known

    def _tokens(self, texts: list[str], special: bool) -> list[list[int]]:
        """By words where that is known to be the same, which every so many texts are looked at to confirm."""
        if not texts:
            return []
        if self._words is None:
            return self._by_tokenizer(texts, special)
        before, after = self._around if special else ([], [])
        tokens = [[*before, *ids, *after] for ids in self._words.encode(texts)]
        looked_at = sorted({*range(min(len(texts), _CONFIRMED)), *range(0, len(texts), _CONFIRMED_EVERY)})
        if self._by_tokenizer([texts[i] for i in looked_at], special) != [tokens[i] for i in looked_at]:
            self._words, self._known = None, {}
            return self._by_tokenizer(texts, special)
        return tokens

    def _by_tokenizer(self, texts: list[str], special: bool) -> list[list[int]]:
        if not texts:
            return []
        encoded = self.tokenizer(
            texts, add_special_tokens=special, return_attention_mask=False, return_token_type_ids=False
        )
        return [list(ids) for ids in encoded["input_ids"]]

    def _special_around(self) -> tuple[list[int], list[int]]:
        """The special tokens that the tokenizer puts before and after a text."""
        bare, whole = self._by_tokenizer(["a"], False)[0], self._by_tokenizer(["a"], True)[0]
        for start in range(len(whole) - len(bare) + 1):
            if whole[start : start + len(bare)] == bare:
                return whole[:start], whole[start + len(bare) :]
        self._words = None
        return [], []


def _short(text: str, limit: int = 60) -> str:
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
