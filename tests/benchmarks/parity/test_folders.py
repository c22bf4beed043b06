"""Each kind of tokenizer and each shape of folder once; all of them together are tried by `make proof`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.parity import folders

# Each tokenizer, shape and order occurs, the shapes that change more than once.
SHORT = [
    ("WordPiece", "one file", "AB"),
    ("unigram", "parts", "BA"),
    ("byte-level", "both", "AB"),
    ("byte-level in two files", "links", "ABA"),
    ("with BOS", "moved", "ABA"),
    ("with EOS", "overwritten while running", "AB"),
    ("prefix space", "moved", "BA"),
    ("WordPiece", "overwritten while running", "ABA"),
]


def test_the_short_form_has_all_of_the_long_one() -> None:
    tokenizers, shapes, orders = (set(names) for names in zip(*SHORT, strict=True))
    assert (tokenizers, shapes, orders) == (set(folders.TOKENIZERS), set(folders.SHAPES), set(folders.ORDERS))


@pytest.mark.parametrize("tokenizer", folders.TOKENIZERS)
def test_two_tokenizers_of_the_same_files_cut_text_otherwise(tokenizer: str, tmp_path: Path) -> None:
    from e2lm_core.base.records import Request
    from e2lm_core.engine.batches.tokenise import Encoder

    asked, tokens, names = [Request("What is twice the number 7?", " 14")], [], []
    for other in (False, True):
        folder = tmp_path / str(other)
        folder.mkdir()
        folders.TOKENIZERS[tokenizer](folder, other)
        (folder / "config.json").write_text('{"model_type": "llama"}')
        (encoded,) = Encoder(folder).encode(asked, 256)
        tokens.append([*encoded.inputs.tolist(), *encoded.targets.tolist()])
        names.append({path.name for path in folder.iterdir()})
    assert tokens[0] != tokens[1]
    assert len(set(tokens[0])) > 8  # not all of it unknown
    assert names[0] == names[1]


@pytest.mark.slow
@pytest.mark.parametrize(("tokenizer", "shape", "order"), SHORT)
def test_a_result_is_that_of_the_files_it_is_kept_under(
    tmp_path: Path, tokenizer: str, shape: str, order: str
) -> None:
    assert folders.case(tmp_path, tokenizer, shape, order) == []
