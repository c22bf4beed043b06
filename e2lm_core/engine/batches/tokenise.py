"""Tokenisation of requests, equal to lm-evaluation-harness 0.4.13.

- Whitespace at the end of the context moves to the start of the continuation.
- The joined string is encoded; the tokens after the first len(encode(context)) are the continuation.
- An empty context becomes the prefix token (BOS, else EOS), unless the continuation begins with it.
- Special tokens are added as the tokenizer does by itself, but not to a text that starts with BOS already.
- Input of the model: the last max_length + 1 tokens of context + continuation, less the very last.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base.errors import CheckpointError, LimitError, TaskError
from e2lm_core.base.records import Request
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import safejson
from e2lm_core.checkpoints.fingerprints import FileStamp, file_stamp, tokenizer_files
from e2lm_core.engine.batches.bpe_words import WordEncoder
from e2lm_core.engine.folder import first_line

Tokens = NDArray[np.int32]
_Text = tuple[str, bool]  # a text, and whether the tokenizer's own special tokens are added to it
# Keys of a model's configuration that decide which tokenizer transformers makes of the tokenizer's files.
_OF_CONFIG = ("model_type", "model_name", "tokenizer_class", "transformers_version")
_HALF = re.compile("[\ud800-\udfff]")
# The first requests of a list, and every 200th, are encoded both ways to confirm the encoding by words.
_CONFIRMED, _CONFIRMED_EVERY = 4, 200


class Encoded(NamedTuple):
    """A request as the model sees it: the hidden state at `first_scored` + i predicts targets[i].

    Attributes:
        inputs: Tokens [T] of context and continuation without the last, cut on the left to the window, int32.
        targets: Tokens [S] of the continuation, int32.
    """

    inputs: Tokens
    targets: Tokens

    @property
    def first_scored(self) -> int:
        """T − S: index in `inputs` of the hidden state that predicts the continuation's first token."""
        return len(self.inputs) - len(self.targets)


def tokenizer_digest(directory: Path) -> str:
    """SHA-256 over all files that define a tokenizer; with equal digests all encoded text is shared.

    It is cached as long as the files are the same, because an edit needs it of every checkpoint.

    Raises:
        CheckpointError: A file cannot be read.
    """
    files = [*tokenizer_files(directory), directory / "config.json"]
    try:
        return _digest(directory, tuple((file.name, file_stamp(file)) for file in files if file.is_file()))
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "The tokenizer in {directory} cannot be read ({strerror}): check its files.",
                directory=directory,
                strerror=error.strerror,
            )
        ) from error


@functools.lru_cache(maxsize=4_096)
def _digest(directory: Path, files: tuple[tuple[str, FileStamp], ...]) -> str:
    digest = hashlib.sha256()
    for name, _ in files:
        data = (directory / name).read_bytes()
        if name == "config.json":
            data = _of_config(data)
        digest.update(f"{name}:{len(data)}:".encode() + data)
    return digest.hexdigest()


def _of_config(data: bytes) -> bytes:
    """The part of a configuration that decides the tokenizer; the whole of it if it is not JSON."""
    try:
        config = safejson.loads(data.decode())
        return json.dumps([config.get(name) for name in _OF_CONFIG]).encode()
    except (ValueError, AttributeError):
        return data


class Encoder:
    """One tokenizer, shared by all checkpoints with the same tokenizer files.

    Args:
        directory: Folder of the files.

    Raises:
        CheckpointError: There is no tokenizer, or it cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        from transformers import AutoTokenizer

        if not tokenizer_files(directory):
            raise CheckpointError(
                Sentence(
                    "{directory} holds no tokenizer: put its tokenizer.json beside the weights.",
                    directory=directory,
                )
            )
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(
                str(directory), local_files_only=True, trust_remote_code=False
            )
        except Exception as error:  # transformers raises a dozen kinds for a broken file
            raise CheckpointError(
                Sentence(
                    "The tokenizer in {directory} cannot be read: {reason}.",
                    directory=directory,
                    reason=first_line(error),
                )
            ) from error
        logging.getLogger("transformers.tokenization_utils_base").setLevel(logging.ERROR)
        bos, eos = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        self.prefix_token: int | None = bos if bos is not None else eos
        self._prefix_text = "" if self.prefix_token is None else str(self.tokenizer.decode(self.prefix_token))
        added = self.tokenizer.encode("")
        self.bos = f"prepend:{','.join(map(str, added))}" if added else "none"
        self._words, self._before = _words_of(self.tokenizer)

    def encode(self, requests: Sequence[Request], max_length: int) -> list[Encoded]:
        """Encode requests as lm-evaluation-harness does.

        It follows `TemplateLM._encode_pair` and `HFLM._loglikelihood_tokens`.

        Args:
            requests: The requests.
            max_length: Largest number of input tokens.

        Returns:
            One `Encoded` per request, in order.

        Raises:
            TaskError: A continuation has no token of its own, an empty prompt has no prefix token, or a text
                has a lone surrogate.
            LimitError: A continuation is longer than `max_length`.
        """
        encoded = []
        for request, (context, continuation) in zip(requests, self._pairs(requests), strict=True):
            if not len(continuation):
                refusal = TaskError(
                    Sentence(
                        "The continuation {continuation} adds no token of its own after {context}; begin it with a "
                        "space, or end the prompt otherwise.",
                        continuation=_short(request.continuation),
                        context=_short(request.context[-40:]),
                    )
                )
                refusal.request = request
                raise refusal
            if len(continuation) > max_length:
                too_long = LimitError(
                    Sentence(
                        "The continuation {continuation} is {length} tokens long; this model's window holds "
                        "{max_length}. Shorten it, or run models that read more.",
                        continuation=_short(request.continuation),
                        length=len(continuation),
                        max_length=max_length,
                    )
                )
                too_long.request = request
                raise too_long
            inputs = np.concatenate([context, continuation])[-(max_length + 1) :][:-1]
            encoded.append(Encoded(inputs, continuation))
        return encoded

    def lengths(self, requests: Sequence[Request]) -> list[int]:
        """Tokens of context + continuation of each request, before any truncation.

        Raises:
            TaskError: An empty prompt has no prefix token, or a text has a lone surrogate.
        """
        return [len(context) + len(continuation) for context, continuation in self._pairs(requests)]

    def _pairs(self, requests: Sequence[Request]) -> list[tuple[Tokens, Tokens]]:
        """(context, continuation) tokens of each request, without truncation.

        Requests are encoded by words if that gives the same, which some of them confirm. Raises `TaskError`
        for text that no tokenizer accepts.
        """
        try:
            return self._cut(requests)
        except (TypeError, UnicodeEncodeError) as error:  # the library's errors for text that is not UTF-8
            half = next((r for r in requests if _HALF.search("".join(r))), None)
            if half is None:
                raise
            raise TaskError(
                Sentence(
                    "The text before {continuation}, or that text, holds a half character (a lone surrogate), which "
                    "no model reads; retype it.",
                    continuation=_short(half.continuation),
                )
            ) from error

    def _cut(self, requests: Sequence[Request]) -> list[tuple[Tokens, Tokens]]:
        if self._words is not None:
            pairs = self._pairs_by_words(requests, self._words)
            looked_at = sorted(
                {*range(min(len(requests), _CONFIRMED)), *range(0, len(requests), _CONFIRMED_EVERY)}
            )
            confirmed = self._pairs_by_tokenizer([requests[i] for i in looked_at])
            if all(
                np.array_equal(ours, theirs)
                for i, pair in zip(looked_at, confirmed, strict=True)
                for ours, theirs in zip(pairs[i], pair, strict=True)
            ):
                return pairs
            self._words = None
        return self._pairs_by_tokenizer(requests)

    def _pairs_by_words(self, requests: Sequence[Request], words: WordEncoder) -> list[tuple[Tokens, Tokens]]:
        texts = [(r.context.rstrip(), r.context + r.continuation) for r in requests]
        special = [self._adds_special(whole) for _, whole in texts]
        alone = [
            bool(context) and self._adds_special(context) == adds
            for (context, _), adds in zip(texts, special, strict=True)
        ]
        known = [pair for pair, by_words in zip(texts, alone, strict=True) if by_words]
        contexts = list(dict.fromkeys(context for context, _ in known))
        heads = {
            context: np.array(
                [*(self._before if self._adds_special(context) else []), *tokens], dtype=np.int32
            )
            for context, tokens in zip(contexts, words.encode(contexts), strict=True)
        }
        tails = words.after(known)
        return [
            (heads[context], np.array(next(tails), dtype=np.int32))
            if by_words
            else self._pairs_by_tokenizer([request])[0]
            for request, (context, _), by_words in zip(requests, texts, alone, strict=True)
        ]

    def _pairs_by_tokenizer(self, requests: Sequence[Request]) -> list[tuple[Tokens, Tokens]]:
        heads: list[_Text | None] = []
        wholes: list[_Text] = []
        for request in requests:
            whole = request.context + request.continuation
            if request.context:
                context = request.context.rstrip()
                heads.append((context, self._adds_special(context)))
                wholes.append((whole, self._adds_special(whole)))
            else:
                heads.append(None)
                wholes.append((whole, False))
        known = self._encoded([*(head for head in heads if head is not None), *wholes])
        pairs = []
        for request, head, whole_text in zip(requests, heads, wholes, strict=True):
            context_tokens = None if head is None else known[head]
            if context_tokens is None or not len(context_tokens):
                pairs.append(self._after_prefix_token(known[whole_text], request))
            else:
                pairs.append((context_tokens, known[whole_text][len(context_tokens) :]))
        return pairs

    def _after_prefix_token(self, continuation: Tokens, request: Request) -> tuple[Tokens, Tokens]:
        if self.prefix_token is None:
            raise TaskError(
                Sentence(
                    "The continuation {continuation} has an empty prompt, and this tokenizer has neither a BOS nor "
                    "an EOS token to stand for it; write something before the choices.",
                    continuation=_short(request.continuation),
                )
            )
        if len(continuation) and continuation[0] == self.prefix_token:
            return continuation[:1], continuation[1:]
        return np.array([self.prefix_token], dtype=np.int32), continuation

    def _adds_special(self, text: str) -> bool:
        """Whether special tokens are added: always, unless a text begins with the prefix token's own text."""
        return self.prefix_token is None or not text.startswith(self._prefix_text)

    def _encoded(self, texts: Sequence[_Text]) -> dict[_Text, Tokens]:
        encoded: dict[_Text, Tokens] = {}
        for special in (True, False):
            batch = list(dict.fromkeys(text for text, adds in texts if adds is special))
            if batch:
                ids = self.tokenizer(
                    batch,
                    add_special_tokens=special,
                    return_attention_mask=False,
                    return_token_type_ids=False,
                )["input_ids"]
                encoded |= {
                    (text, special): np.array(tokens, dtype=np.int32)
                    for text, tokens in zip(batch, ids, strict=True)
                }
        return encoded


def _words_of(tokenizer: Any) -> tuple[WordEncoder | None, list[int]]:
    """A word encoder and the special tokens put before a text; None if some are put after it."""
    encoder = WordEncoder.for_tokenizer(tokenizer)
    bare, whole = tokenizer.encode("a", add_special_tokens=False), tokenizer.encode("a")
    before = len(whole) - len(bare)
    return (encoder, whole[:before]) if whole[before:] == bare else (None, [])


def _short(text: str, limit: int = 60) -> str:
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")
