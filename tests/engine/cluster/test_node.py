"""What computes on a node, in this process: begun, asked for more and ended, with the bytes of this machine's backend."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from e2lm_core.base.records import Request
from e2lm_core.base.settings import Settings
from e2lm_core.engine.cluster import node as nodes
from e2lm_core.engine.cluster import payload
from e2lm_core.engine.local import LocalBackend
from e2lm_core.engine.models import Loader, config_digest
from tests.support import tiny_models

REQUESTS = [
    Request(f"Question {n}: What is iron?\nAnswer:", c) for n in range(40) for c in (" Fe", " air", " two")
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.make(tmp_path_factory.mktemp("node") / "iter_0000007")


def sent(folder: Path) -> tuple[payload.SentModel, payload.SentText]:
    loader = Loader(torch.device("cpu"), torch.float32)
    stored = loader.stored(folder)
    config = payload.without_paths((folder / "config.json").read_text())
    weights = (payload.tensors_to_arrays(stored.weights),)
    model = payload.SentModel("key", folder.name, config_digest(stored.config), config, weights)
    backend = LocalBackend(Settings(home=folder.parent, device="cpu"))
    arrays = payload.pack_requests(backend.encoded(stored, REQUESTS)[0])
    return model, payload.SentText(payload.key_of(arrays), (arrays,))


def answers(node: nodes.Node, run: str) -> list[payload.Piece]:
    pieces: list[payload.Piece] = []
    while True:
        reply = node.next_chunks(run)
        assert reply.error is None
        pieces += reply.pieces
        if reply.done:
            return pieces


def test_a_node_gives_the_bytes_of_this_machine(folder: Path) -> None:
    torch_threads = torch.get_num_threads()
    node = nodes.Node("float32", "cpu")
    model, text = sent(folder)
    assert node.begin("run", model, text, ()).error is None
    pieces = answers(node, "run")
    local = LocalBackend(Settings(home=folder.parent, device="cpu", threads=1))
    expected = list(local.chunks(tiny_models.checkpoint(folder), REQUESTS))
    assert [payload.from_piece(one) for one in pieces] == expected
    assert [one.tokens for one in pieces] == [chunk.tokens for chunk in expected]
    # What the driver has is left out, whole chunks at a time, and the rest is the same.
    node.begin("again", model, text, {index for index, _ in expected[0]})
    assert [payload.from_piece(one) for one in answers(node, "again")] == expected[1:]
    assert node.next_chunks("again").done
    torch.set_num_threads(torch_threads)


def test_what_goes_wrong_is_answered_in_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2LM_HOME", str(folder.parent / "home"))
    node = nodes.Node("float32", "cpu")
    model, text = sent(folder)
    broken = payload.SentModel("b", "iter_1", "x", '{"model_type": "nothing of the kind"}', model.weights)
    reply = node.begin("run", broken, text, ())
    assert reply.error is not None
    assert reply.error[0] == "CheckpointError"
    files = payload.NodeFiles("tiny/iter_0000007", "folder:0", None, None, None)
    reply = node.begin("run", payload.SentModel("c", "iter_7", "x", "{}", files=files), text, ())
    assert reply.error is not None
    assert reply.error[0] == "CheckpointMissingError"


def test_a_node_reads_its_own_files_only_where_they_are_the_same(folder: Path, tmp_path: Path) -> None:
    family = tmp_path / "family"
    tiny_models.make(family / "iter_0000007")
    settings = Settings(home=tmp_path / "home", checkpoints=(family,), ladder=tmp_path / "none")
    fingerprint = LocalBackend(settings).scope(tiny_models.checkpoint(family / "iter_0000007")).fingerprint
    files = payload.NodeFiles("family/iter_0000007", fingerprint, None, None, None)
    found = nodes.local_checkpoint(files, settings)
    assert found is not None
    assert found.directory == family / "iter_0000007"
    other = payload.NodeFiles("family/iter_0000007", "folder:1", None, None, None)
    assert nodes.local_checkpoint(other, settings) is None
    hub = nodes.local_checkpoint(payload.NodeFiles("m/sub", "o/r@c/sub", "o/r", "c", "sub"), settings)
    assert hub is not None
    assert (hub.name, hub.repo, hub.revision) == ("m/sub", "o/r", "c")
