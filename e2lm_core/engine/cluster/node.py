"""Ray actor that scores on one core or GPU.

A run is begun, asked for more chunks until it is done, and ended. An actor that dies loses only the chunks in
flight: another goes on with those that the driver does not have.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import torch

from e2lm_core.base.errors import CheckpointError, StudioError
from e2lm_core.base.memory.memo import Memo
from e2lm_core.base.records import Checkpoint, ModelInfo, ScoredChunk
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.base.version import VERSION
from e2lm_core.engine.batches.tokenise import Encoded
from e2lm_core.engine.cluster import payload
from e2lm_core.engine.cluster.payload import NodeFiles, Reply, SentModel, SentText
from e2lm_core.engine.folder import read_config
from e2lm_core.engine.machine import choose_device, settle
from e2lm_core.engine.models import LoadedModel, Loader, config_digest
from e2lm_core.engine.scorer import Scorer

_REPLY_S = 0.1  # chunks of small models are answered together: a call costs about a millisecond
_KEPT_BYTES = 256 * 2**20  # of models, because the object store has them for all actors of the node
_KEPT_TEXTS = 4


class CheckpointMissingError(CheckpointError):
    """This node lacks a checkpoint's files, which nodes read from their own disks; another may have them."""


class Node:
    """Actor that scores on one device with one thread.

    Its results are those of a machine that shares its cores.
    """

    def __init__(self, dtype: str, device: str | None) -> None:
        settle()
        torch.set_num_threads(1)
        self._device = choose_device(device)
        self._loader = Loader(self._device, getattr(torch, dtype))
        self._scorer = Scorer(self._device, getattr(torch, dtype))
        self._models: OrderedDict[str, LoadedModel] = OrderedDict()
        self._texts: Memo[str, list[Encoded]] = Memo(_KEPT_TEXTS, lambda *_: 1)
        self._runs: dict[str, Iterator[ScoredChunk]] = {}
        self._configs: dict[str, Any] = {}
        self._counted = time.process_time()

    def describe(self) -> dict[str, Any]:
        """Properties of this node that the driver checks before it sends a chunk."""
        import transformers

        return {
            "studio": VERSION,
            "torch": torch.__version__.split("+")[0],
            "transformers": transformers.__version__,
            "device": self._device.type,
            "machine": platform.machine(),
            "process": os.getpid(),
            "node": _node(),
        }

    def begin(self, run: str, model: SentModel, text: SentText, skip: Collection[int]) -> Reply:
        """Prepare a run.

        Args:
            run: Identifier of the run.
            model: The checkpoint.
            text: The requests.
            skip: Indexes of requests; a chunk with only such requests is left out.
        """
        try:
            loaded = self._model(model)
            self._runs[run] = self._scorer.score(loaded, self._text(text), (text.key,), skip=skip)
        except StudioError as error:
            return self._reply(error=(type(error).__name__, str(error)))
        return self._reply()

    def next_chunks(self, run: str) -> Reply:
        """The next chunks, as many as fit into a tenth of a second; the last, or an error, ends the run."""
        chunks, pieces, started = self._runs.get(run), [], time.monotonic()
        if chunks is None:
            return self._reply(done=True)
        try:
            for chunk in chunks:
                pieces.append(payload.to_piece(chunk))
                if time.monotonic() - started >= _REPLY_S:
                    return self._reply(tuple(pieces))
        except StudioError as error:
            self.end(run)
            return self._reply(tuple(pieces), error=(type(error).__name__, str(error)))
        self.end(run)
        return self._reply(tuple(pieces), done=True)

    def active_runs(self) -> int:
        """Number of runs that have begun and not ended."""
        return len(self._runs)

    def end(self, run: str) -> None:
        """Forget a run, done or cancelled, and free its memory."""
        chunks = self._runs.pop(run, None)
        if chunks is not None and hasattr(chunks, "close"):
            chunks.close()

    def _reply(
        self,
        pieces: tuple[payload.Piece, ...] = (),
        done: bool = False,
        error: tuple[str, str] | None = None,
    ) -> Reply:
        now = time.process_time()
        spent, self._counted = now - self._counted, now
        return Reply(pieces, done, tuple(self._scorer.notes()), error, spent)

    def _text(self, text: SentText) -> list[Encoded]:
        encoded = self._texts.get(text.key)
        if encoded is None:
            encoded = payload.unpack_requests(_fetched(text.tokens))
            self._texts.put(text.key, encoded)
        return encoded

    def _model(self, sent: SentModel) -> LoadedModel:
        if sent.key not in self._models:
            loaded = self._from_disk(sent) if sent.files else self._from_memory(sent)
            self._models[sent.key] = loaded
            while len(self._models) > 1 and sum(m.bytes for m in self._models.values()) > _KEPT_BYTES:
                self._models.popitem(last=False)
        self._models.move_to_end(sent.key)
        return self._models[sent.key]

    def _from_memory(self, sent: SentModel) -> LoadedModel:
        if sent.config not in self._configs:
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "config.json").write_text(sent.config, encoding="utf-8")
                self._configs[sent.config] = read_config(Path(folder))
        config = self._configs[sent.config]
        weights = payload.arrays_to_tensors(_fetched(sent.weights))
        stored = LoadedModel(weights, config, config_digest(config), Path(sent.label), self._loader.skeletons)
        return self._loader.placed(stored)

    def _from_disk(self, sent: SentModel) -> LoadedModel:
        assert sent.files is not None
        from e2lm_core.checkpoints.unpacking import ensure_directory

        settings = Settings.from_env()
        checkpoint = local_checkpoint(sent.files, settings)
        if checkpoint is None:
            raise CheckpointMissingError(
                Sentence("{label} is not on the node {node}.", label=sent.label, node=platform.node())
            )
        loaded = self._loader.load(ensure_directory(checkpoint, settings))
        if local_checkpoint(sent.files, settings) is None:
            raise CheckpointMissingError(
                Sentence(
                    "{label} was written to on the node {node} while it was read.",
                    label=sent.label,
                    node=platform.node(),
                )
            )
        return loaded


def local_checkpoint(files: NodeFiles, settings: Settings) -> Checkpoint | None:
    """The checkpoint on this machine, or on a hub that it can be fetched from; None without an equal one."""
    from e2lm_core.checkpoints.catalogue import open_catalogue
    from e2lm_core.checkpoints.fingerprints import fingerprint

    if files.repo is not None:
        model = ModelInfo(name=files.name.split("/")[0], family="hub")
        return Checkpoint(
            model=model, step=0, repo=files.repo, revision=files.revision, subfolder=files.subfolder
        )
    for checkpoint in open_catalogue(settings).checkpoints:
        try:
            if checkpoint.name == files.name and fingerprint(checkpoint, settings) == files.fingerprint:
                return checkpoint
        except CheckpointError:  # an unreadable checkpoint counts as missing
            continue
    return None


def _node() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id()) if ray.is_initialized() else ""


def _fetched(reference: tuple[Any, ...]) -> Any:
    """The value behind the one reference in a tuple; Ray does not resolve references within arguments."""
    (value,) = reference
    if isinstance(value, dict):
        return value
    import ray

    return ray.get(value)
