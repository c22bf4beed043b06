"""A GGUF file as a checkpoint folder: transformers' own reading of the file is the oracle."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Request
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.folders import check_folder
from e2lm_core.checkpoints.packaged.gguf_folder import convert_gguf
from e2lm_core.engine.local import LocalBackend
from tests.support import gguf_files, tiny_models

TEXTS = [
    "iron and iron",
    " iron, 2024 and 12 m² of it",
    "Ein größeres\n\n Wort: it's 100 °C",
    "1945",
    "a  b<|im_end|>c",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The GGUF file and the folder that is made of it."""
    place = tmp_path_factory.mktemp("gguf")
    file = gguf_files.write(place / "tiny.gguf")
    (place / "folder").mkdir()
    convert_gguf(file, place / "folder")
    return file, place / "folder"


def test_the_engine_scores_it_as_transformers_scores_the_file(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    file, folder = made
    check_folder(folder)
    theirs = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    requests = [Request("Which is it? iron", text) for text in (" and", " iron", " 7 and iron", " b")]
    backend = LocalBackend(Settings(home=tmp_path, device="cpu"))
    found = dict(chain.from_iterable(backend.chunks(tiny_models.checkpoint(folder), requests)))
    for at, (context, continuation) in enumerate(requests):
        begun, tokens = (tokenizer(text)["input_ids"] for text in (context, context + continuation))
        with torch.no_grad():
            logits = theirs(torch.tensor([tokens])).logits[0, len(begun) - 1 : -1].log_softmax(-1)
        expected = float(logits.gather(1, torch.tensor(tokens[len(begun) :])[:, None]).sum())
        assert found[at].ll_nats == pytest.approx(expected, rel=2e-6, abs=1e-4)
        assert found[at].tokens == len(tokens) - len(begun)


def test_it_cuts_text_as_the_file_says(made: tuple[Path, Path]) -> None:
    file, folder = made
    ours = AutoTokenizer.from_pretrained(folder)
    theirs = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    for text in TEXTS:
        assert ours(text)["input_ids"] == theirs(text)["input_ids"], text
        assert ours.decode(ours(text)["input_ids"]) == text
    assert (ours.bos_token_id, ours.eos_token_id, ours.pad_token_id) == (1, 2, 2)
    assert ours.tokenize(" iron1945") == ["Ġiron", "1", "9", "4", "5"]


def test_the_bytes_follow_from_the_file_and_progress_is_told(made: tuple[Path, Path], tmp_path: Path) -> None:
    file, folder = made
    told: list[tuple[int, int]] = []
    convert_gguf(file, tmp_path, lambda done, total: told.append((done, total)))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"pre": "qwen2"}, "not a Llama with SmolLM2's tokenizer"), ({"architecture": "qwen2"}, "not a Llama")],
)
def test_another_kind_of_file_is_refused(changes: dict[str, str], why: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=why):
        convert_gguf(gguf_files.write(tmp_path / "other.gguf", **changes), tmp_path)


def test_what_is_no_such_file_is_refused(made: tuple[Path, Path], tmp_path: Path) -> None:
    for name, data in {"text": b"a text of some length", "cut": made[0].read_bytes()[:3_000]}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(CheckpointError, match="is not the GGUF file that is read here"):
            convert_gguf(tmp_path / name, tmp_path)
