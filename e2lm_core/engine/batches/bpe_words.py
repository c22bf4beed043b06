"""Byte-level BPE with a cache of words.

    encode(a + b) = encode(a) + encode(b)    if a ends in a visible ASCII character and b is a space
                                             followed by one

holds for tokenizers that first cut a text by a pattern without a match that runs from a visible character
into a space, as the patterns of GPT-2, Llama 3 and Qwen do, and then merge bytes only inside each piece.
`WordEncoder.of` makes an encoder only for tokenizers built of parts known to be so, and those are compared
with the tokenizer's own encoding again and again while they are used. The patterns are those of tiktoken's
`gpt2` and `cl100k_base`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

_BLOCK = 256  # texts with words in memory at the same time
_CUT = re.compile(r"(?<=[!-~])(?= [!-~])")
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{%s}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_PATTERNS = {_GPT2, _CL100K % "1,3", (_CL100K % "1").replace("{1}", "")}


class WordEncoder:
    """Encoder of texts without special tokens that caches the tokens of each word."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._known: dict[str, list[int]] = {}

    @classmethod
    def for_tokenizer(cls, tokenizer: Any) -> WordEncoder | None:
        """An encoder for a transformers tokenizer; None if words cannot be encoded on their own."""
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            return None
        parts = json.loads(backend.to_str())
        model = parts["model"]
        plain_model = (
            model.get("type") == "BPE"
            and not model.get("dropout")
            and not model.get("continuing_subword_prefix")
            and not model.get("end_of_word_suffix")
        )
        alone = (
            plain_model
            and _normalizes_locally(parts.get("normalizer"))
            and _cuts_before_spaces(parts.get("pre_tokenizer"))
            and all(_stays_in_a_word(token) for token in parts.get("added_tokens", ()))
        )
        return cls(backend) if alone else None

    def encode(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Yield the tokens of each text; the new words in a block of texts are encoded together."""
        known = self._known
        for start in range(0, len(texts), _BLOCK):
            block = [_CUT.split(text) for text in texts[start : start + _BLOCK]]
            if new := list(dict.fromkeys(word for words in block for word in words if word not in known)):
                encodings = self._backend.encode_batch(new, add_special_tokens=False)
                known.update((word, encoding.ids) for word, encoding in zip(new, encodings, strict=True))
            for words in block:
                yield [token for word in words for token in known[word]]

    def after(self, pairs: Sequence[tuple[str, str]]) -> Iterator[list[int]]:
        """Yield encode(whole)[len(encode(context)):] for each pair (context, whole).

        Args:
            pairs: Pairs of texts; each whole begins with its context.
        """
        starts = [_last_cut(context) for context, _ in pairs]
        heads = self.encode([context[start:] for (context, _), start in zip(pairs, starts, strict=True)])
        wholes = self.encode([whole[start:] for (_, whole), start in zip(pairs, starts, strict=True)])
        for head, whole in zip(heads, wholes, strict=True):
            yield whole[len(head) :]


def _last_cut(text: str) -> int:
    """Start of the last word of a text; a cut inside a text is also one in every longer text."""
    place = len(text) - 1
    while (place := text.rfind(" ", 1, place)) > 0:
        if _CUT.match(text, place):
            return place
    return 0


def _normalizes_locally(normalizer: dict[str, Any] | None) -> bool:
    return normalizer is None or normalizer["type"] == "NFC"


def _cuts_before_spaces(part: dict[str, Any] | None) -> bool:
    if part is None:
        return False
    parts = part["pretokenizers"] if part["type"] == "Sequence" else [part]
    return all(map(_keeps_words_apart, parts)) and any(map(_cuts_by_pattern, parts))


def _keeps_words_apart(part: dict[str, Any]) -> bool:
    """Whether a word encoded alone meets this part as it would in a text."""
    if part["type"] == "ByteLevel":
        return not part["add_prefix_space"]
    return part["type"] in ("Digits", "Punctuation") or _cuts_by_pattern(part)


def _cuts_by_pattern(part: dict[str, Any]) -> bool:
    if part["type"] == "ByteLevel":
        return bool(part.get("use_regex", True))
    return (
        part["type"] == "Split"
        and part["pattern"].get("Regex") in _PATTERNS
        and part["behavior"] == "Isolated"
        and not part["invert"]
    )


def _stays_in_a_word(token: dict[str, Any]) -> bool:
    """Whether an added token can neither lie across a cut nor take whitespace from beyond one."""
    content = token["content"]
    blank_or_whole = content.isspace() or not re.search(r"\s", content)
    return blank_or_whole and not token["lstrip"] and not token["rstrip"]
