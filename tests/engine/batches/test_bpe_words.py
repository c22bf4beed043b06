from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers

from e2lm_core.base.records import Request
from e2lm_core.engine.batches import bpe_words
from e2lm_core.engine.batches.bpe_words import WordEncoder
from e2lm_core.engine.batches.tokenise import Encoder
from tests.support import tiny_models

Sequence, Digits, ByteLevel, Split = (
    pre_tokenizers.Sequence,
    pre_tokenizers.Digits,
    pre_tokenizers.ByteLevel,
    pre_tokenizers.Split,
)


def with_parts(change: Callable[[Tokenizer], Any]) -> Any:
    tokenizer = tiny_models.tokenizer()
    change(tokenizer.backend_tokenizer)
    return tokenizer


def cut_by(pattern: str) -> Callable[[Tokenizer], None]:
    def change(inner: Tokenizer) -> None:
        inner.pre_tokenizer = Sequence(
            [Split(Regex(pattern), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
        )

    return change


def smollm(inner: Tokenizer) -> None:
    inner.pre_tokenizer = Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])


def neox(inner: Tokenizer) -> None:
    inner.normalizer = normalizers.NFC()
    inner.add_tokens([AddedToken("  ", normalized=True), AddedToken("   ", normalized=True)])


TAKEN = {"gpt2": lambda _: None, "smollm": smollm, "neox": neox} | {
    f"pattern {i}": cut_by(pattern) for i, pattern in enumerate(sorted(bpe_words._PATTERNS))
}
TOKENIZERS = {name: with_parts(change) for name, change in TAKEN.items()}
PIECE = st.one_of(
    st.sampled_from(
        [" ", "  ", "\n", "\n\n", "\t", "'re", "'s", "a", "The", "12", ".", "?!", "é", "e\u0301"]
    ),
    st.sampled_from(["木", "🐋", "\u00a0", "\u2003", "<|bos|>", "<|eos|>", "\r\n", "Question:", "\u0301"]),
    st.text(max_size=4),
)


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from(sorted(TAKEN)), pieces=st.lists(PIECE, max_size=15))
def test_equals_the_tokenizer(name: str, pieces: list[str]) -> None:
    text = "".join(pieces).encode("utf-8", "ignore").decode()
    tokenizer = TOKENIZERS[name]
    encoder = WordEncoder.for_tokenizer(tokenizer)
    assert encoder is not None
    whole = tokenizer.encode(text, add_special_tokens=False)
    assert list(encoder.encode([text])) == [whole]
    for end in range(len(text)):
        context = tokenizer.encode(text[:end], add_special_tokens=False)
        assert list(encoder.after([(text[:end], text)])) == [whole[len(context) :]]


def lower(inner: Tokenizer) -> None:
    inner.normalizer = normalizers.Lowercase()


def prefixed(inner: Tokenizer) -> None:
    inner.pre_tokenizer = ByteLevel(add_prefix_space=True)


def metaspace(inner: Tokenizer) -> None:
    inner.pre_tokenizer = pre_tokenizers.Metaspace()


def uncut(inner: Tokenizer) -> None:
    inner.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)


def greedy_token(inner: Tokenizer) -> None:
    inner.add_special_tokens([AddedToken("<mask>", lstrip=True)])


def spaced_token(inner: Tokenizer) -> None:
    inner.add_tokens(["the end"])


@pytest.mark.parametrize("change", [lower, prefixed, metaspace, uncut, greedy_token, spaced_token])
def test_other_tokenizers_are_left_to_themselves(change: Callable[[Tokenizer], None]) -> None:
    assert WordEncoder.for_tokenizer(with_parts(change)) is None


def test_a_wrong_word_is_noticed_and_words_are_given_up(tmp_path: Path) -> None:
    tiny_models.tokenizer().save_pretrained(tmp_path)
    encoder = Encoder(tmp_path)
    assert encoder._words is not None
    encoder._words._known[" iron"] = [7]
    (item,) = encoder.encode([Request("Question: What is", " iron")], max_length=64)
    assert item.inputs.tolist() == encoder.tokenizer.encode("Question: What is iron")[:-1]
    assert encoder._words is None
