from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.errors import CheckpointError, LimitError, TaskError
from e2lm_core.base.records import Request
from e2lm_core.engine.batches.tokenise import Encoder, tokenizer_digest
from tests.support import tiny_models


def encoder(folder: Path, **options: bool) -> Encoder:
    tiny_models.tokenizer(**options).save_pretrained(folder)
    return Encoder(folder)


def test_inputs_leave_out_the_last_token_and_targets_are_the_continuation(tmp_path: Path) -> None:
    e = encoder(tmp_path)
    (item,) = e.encode([Request("Question:", " What is")], max_length=50)
    whole = e.tokenizer.encode("Question: What is")
    context = e.tokenizer.encode("Question:")
    assert item.inputs.tolist() == whole[:-1]
    assert item.targets.tolist() == whole[len(context) :]
    assert item.first_scored == len(context) - 1


def test_trailing_spaces_move_to_the_continuation(tmp_path: Path) -> None:
    e = encoder(tmp_path)
    a, b = e.encode([Request("Answer: ", "iron"), Request("Answer:", " iron")], max_length=50)
    assert a.inputs.tolist() == b.inputs.tolist()
    assert a.targets.tolist() == b.targets.tolist()


def test_an_empty_context_is_the_prefix_token_once(tmp_path: Path) -> None:
    e = encoder(tmp_path)
    a, b = e.encode([Request("", "ab"), Request("", "<|bos|>ab")], max_length=50)
    assert a.inputs[0] == e.prefix_token == 0
    assert a.inputs.tolist() == b.inputs.tolist()


def test_the_left_is_cut_to_the_window(tmp_path: Path) -> None:
    e = encoder(tmp_path)
    long = Request("oxygen from the air " * 30, " iron")
    (item,) = e.encode([long], max_length=20)
    assert len(item.inputs) == 20
    assert item.inputs.tolist() == e.tokenizer.encode(long.context + " iron")[-21:-1]
    assert e.lengths([long])[0] > 100


def test_bos_is_said_and_not_added_twice(tmp_path: Path) -> None:
    e = encoder(tmp_path, adds_bos=True)
    assert e.bos == "prepend:0"
    (item,) = e.encode([Request("<|bos|>Question", " one")], max_length=50)
    assert item.inputs.tolist().count(0) == 1
    assert encoder(tmp_path / "b").bos == "none"


def test_refusals_are_sentences(tmp_path: Path) -> None:
    e = encoder(tmp_path)
    with pytest.raises(TaskError, match="adds no token of its own"):
        e.encode([Request("Question", "")], max_length=50)
    long = Request("Question:", " six legs; a spider has eight")
    with pytest.raises(LimitError, match="window holds 3") as refused:
        e.encode([Request("Question:", " x"), long], max_length=3)
    assert refused.value.request == long
    for half in (Request("What \ud800?", " x"), Request("What?", " \udfff")):
        for way in (e.lengths, lambda some: e.encode(some, max_length=50)):
            with pytest.raises(TaskError, match="holds a half character"):
                way([Request("What?", " x"), half])
    with pytest.raises(CheckpointError, match="holds no tokenizer"):
        Encoder(tmp_path / "nothing")
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        Encoder(tmp_path)


def test_the_digest_is_of_the_tokenizer_alone(tmp_path: Path) -> None:
    tiny_models.tokenizer().save_pretrained(tmp_path)
    before = tokenizer_digest(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"x")
    assert tokenizer_digest(tmp_path) == before
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert tokenizer_digest(tmp_path) != before


def test_the_digest_follows_every_file_that_makes_a_tokenizer(tmp_path: Path) -> None:
    """And of the configuration what decides which class transformers makes of them, nothing of the model's size."""
    (tmp_path / "vocab.txt").write_text("a\nb\n")
    (tmp_path / "config.json").write_text('{"model_type": "bert", "hidden_size": 8}')
    digests = [tokenizer_digest(tmp_path)]
    for name, text in (
        ("vocab.txt", "b\na\n"),
        ("spiece.model", "x"),
        ("tekken.json", "x"),
        ("config.json", '{"model_type": "roberta", "hidden_size": 8}'),
    ):
        (tmp_path / name).write_text(text)
        digests.append(tokenizer_digest(tmp_path))
    assert len(set(digests)) == 5
    (tmp_path / "config.json").write_text('{"model_type": "roberta", "hidden_size": 16}')
    assert tokenizer_digest(tmp_path) == digests[-1]


def test_tokens_are_kept_small(tmp_path: Path) -> None:
    (item,) = encoder(tmp_path).encode([Request("Question:", " iron")], max_length=50)
    assert item.inputs.dtype == item.targets.dtype == np.int32
