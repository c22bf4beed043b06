"""Ray backend: distributes checkpoints and streams chunks back.

This process finds out a checkpoint's identity, its tokens and its window; nodes get weights and token
numbers. Only this process has the store. Chunks are pulled, at most `_AHEAD` calls at a time, so that a slow
driver is not flooded, a run is cancelled by not asking again, and another actor computes chunks that a dead
one had not delivered.
Tested in tests/engine/cluster/test_ray.py.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2lm_core.base import errors, formatting, processes
from e2lm_core.base.errors import Cancelled, CheckpointError, StudioError
from e2lm_core.base.memory.memo import Memo
from e2lm_core.base.records import Checkpoint, Request, Scope, ScoredChunk
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.fingerprints import checkpoint_state
from e2lm_core.checkpoints.folders import loaded_files
from e2lm_core.checkpoints.unpacking import ensure_directory
from e2lm_core.engine.backend import one_after_the_other
from e2lm_core.engine.cluster import connection
from e2lm_core.engine.cluster.pool import Member, NoCapacityError, Pool
from e2lm_core.engine.local import LocalBackend

if TYPE_CHECKING:
    from e2lm_core.engine.cluster.payload import Reply, SentModel, SentText
    from e2lm_core.engine.models import LoadedModel, Loader

NODE_FILES_FROM = 10**9  # bytes of weights: for more, nodes read their own disks
MAX_DEATHS = 10  # of actors at one checkpoint, without a chunk in between
_AHEAD = 2
_START_S = 20.0  # a run's wait for the first actor, before a checkpoint's time begins
_ASK_S = 0.2  # interval at which a wait checks whether the run was cancelled
_KEPT_BYTES = 10**9  # of weights in the object store that no run uses
_KEPT_TEXTS = 4


class RayBackend:
    """Backend on the cluster of RAY_ADDRESS, else on one started on this machine when first needed.

    It is safe to share between threads.

    Raises:
        StudioError: Ray is not installed or, on first use, the cluster does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        connection.import_ray()
        self.settings = settings
        self._here = LocalBackend(settings)
        self._lock = threading.RLock()
        self._pool: Pool | None = None
        self._loader: Loader | None = None
        self._models: OrderedDict[str, tuple[SentModel, int]] = OrderedDict()
        self._reading: dict[str, threading.Lock] = {}
        self._texts: Memo[tuple[object, ...], SentText] = Memo(_KEPT_TEXTS, lambda *_: 1)
        self._said: set[str] = set()
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch")

    @property
    def pool(self) -> Pool:
        """The pool of actors; the cluster is joined, or started, on first use.

        Raises:
            StudioError: Ray is not installed, or the cluster does not answer or start.
        """
        with self._lock:
            if self._pool is None:
                self._pool = Pool(self.settings)
                atexit.register(self._pool.close)  # before Ray's own end, which was registered earlier
            pool = self._pool
        pool.open()
        return pool

    @property
    def at_once(self) -> int:
        """Number of actors now, at least one; the cluster may grow and shrink."""
        pool = self.pool
        if not len(pool):
            pool.wait_for_one(_START_S)
        return max(1, len(pool))

    def close(self) -> None:
        """Release the actors."""
        if self._pool is not None:
            self._pool.close()

    # --- without the cluster -------------------------------------------------------------------------------

    def scope(self, checkpoint: Checkpoint) -> Scope:
        """The part of a result's key that is about the model; it does not tell where a result was computed.

        Raises:
            CheckpointError: The checkpoint is not on this machine or incomplete.
        """
        return self._here.scope(checkpoint)

    def window(self, checkpoint: Checkpoint) -> int:
        """The model's longest input, in tokens, as of `LocalBackend.window`."""
        return self._here.window(checkpoint)

    def prompt_tokens(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> list[int]:
        """Tokens of context + continuation of each request, as of `LocalBackend.prompt_tokens`."""
        return self._here.prompt_tokens(checkpoint, requests)

    def notes(self) -> list[str]:
        """Sentences of the actors for a run's record, and one with the number of actors and machines."""
        with self._lock:
            return sorted(self._said)

    def prefetch(self, checkpoint: Checkpoint) -> None:
        """Begin to put the weights into the object store; an error shows when they are used."""
        self._reader.submit(self._put_ahead, checkpoint)

    def forget(self, checkpoint: Checkpoint) -> None:
        """Do nothing, because weights in the object store hold no file open."""

    def _put_ahead(self, checkpoint: Checkpoint) -> None:
        with contextlib.suppress(Exception):
            if self._pool is not None:  # without a cluster there is no object store
                self._sent(checkpoint)

    # --- computing ----------------------------------------------------------------------------------------

    def chunks(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[ScoredChunk]:
        """Yield the results of each chunk, computed by any free actor; if one dies, another goes on.

        Arguments are those of `Backend.chunks`.

        Raises:
            StudioError: Actors die of this checkpoint again and again, or the cluster gives none.
            CheckpointError: The checkpoint cannot be read or scored, or no node has its files.
            Cancelled: `cancelled` returned true.
            TaskError: A request cannot be scored.
            LimitError: A request is too long for the model's window or the memory.
        """
        if not requests:
            return
        stop = cancelled or (lambda: False)
        _ = self.at_once  # the cluster is started before weights are put into its memory
        stored, model = self._sent(checkpoint)
        text = self._text(stored, requests)
        done, deaths, absent = set(skip), 0, set[str]()
        while True:
            try:
                with self.pool.lease(model.config_digest, stop, absent) as member:
                    try:
                        for chunk in self._from(member, model, text, done, stop):
                            deaths = 0
                            done.update(index for index, _ in chunk)
                            yield chunk
                        return
                    except _Elsewhere:
                        absent.add(member.node)
                    except _lost() as error:
                        self.pool.discard(member)
                        deaths += 1
                        if deaths == MAX_DEATHS:
                            raise StudioError(
                                Sentence(
                                    "{actors} of the Ray cluster died one after the other at {name}; what was "
                                    "computed is kept: see their memory and `ray status`.",
                                    actors=formatting.count(MAX_DEATHS, "actor"),
                                    name=checkpoint.name,
                                )
                            ) from error
            except NoCapacityError:
                raise CheckpointError(
                    Sentence(
                        "{name} is over {size}, so nodes read it from their own disks, and none has it: put it into "
                        "a folder there that E2LM_CHECKPOINTS names.",
                        name=checkpoint.name,
                        size=formatting.size(NODE_FILES_FROM),
                    )
                ) from None

    def together(
        self, checkpoints: Sequence[Checkpoint], requests: Sequence[Request]
    ) -> list[tuple[Checkpoint, ...]]:
        """Each checkpoint by itself, because an actor has one checkpoint at a time."""
        return [(checkpoint,) for checkpoint in checkpoints]

    def chunks_of_all(
        self,
        checkpoints: Sequence[Checkpoint],
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[Sequence[ScoredChunk]]:
        """Yield the results of several checkpoints in chunks, one checkpoint after the other."""
        return one_after_the_other(self, checkpoints, requests, cancelled, skip)

    def _from(
        self,
        member: Member,
        model: SentModel,
        text: SentText,
        done: Collection[int],
        stop: Callable[[], bool],
    ) -> Iterator[ScoredChunk]:
        """Chunks from one actor, until it has no more; raises the errors of `_lost` if it dies."""
        from e2lm_core.engine.cluster import payload

        run, actor = uuid.uuid4().hex, member.actor
        if stop():
            raise Cancelled(Sentence("The run was cancelled; what it had computed is kept."))
        self._heard(self._answer(actor.begin.remote(run, model, text, frozenset(done)), stop))
        waiting = deque(actor.next_chunks.remote(run) for _ in range(_AHEAD))
        try:
            while True:
                reply = self._answer(waiting.popleft(), stop)
                # Complete chunks are kept, whatever error came after them.
                yield from map(payload.from_piece, reply.pieces)
                self._heard(reply)
                if reply.done:
                    return
                if stop():
                    raise Cancelled(Sentence("The run was cancelled; what it had computed is kept."))
                waiting.append(actor.next_chunks.remote(run))
        finally:
            with contextlib.suppress(Exception):  # a dead actor has nothing to forget
                actor.end.remote(run)

    def _answer(self, reference: Any, stop: Callable[[], bool]) -> Reply:
        ray = connection.import_ray()
        while True:
            ready, _ = ray.wait([reference], timeout=_ASK_S)
            if ready:
                found: Reply = ray.get(reference)
                return found
            if stop():
                raise Cancelled(Sentence("The run was cancelled; what it had computed is kept."))

    def _heard(self, reply: Reply) -> None:
        processes.add_remote_cpu_seconds(reply.cpu_s)
        where = (
            f"Computed on a Ray cluster by {formatting.count(len(self.pool), 'actor')} on "
            f"{formatting.count(self.pool.nodes, 'machine')}."
        )
        with self._lock:
            self._said = {said for said in self._said if not said.startswith("Computed on a Ray")}
            self._said |= {where, *reply.notes}
        if reply.error:
            from e2lm_core.engine.cluster.node import CheckpointMissingError

            name, text = reply.error
            if name == CheckpointMissingError.__name__:
                raise _Elsewhere
            kind = getattr(errors, name, StudioError)
            raise kind(text)

    # --- messages to the nodes ----------------------------------------------------------------------------

    def _sent(self, checkpoint: Checkpoint) -> tuple[LoadedModel, SentModel]:
        """The checkpoint's configuration here, and its message to nodes, put into the object store once.

        Raises CheckpointError if it cannot be read or was written to meanwhile.
        """
        from e2lm_core.engine.cluster import payload
        from e2lm_core.engine.folder import read_config
        from e2lm_core.engine.models import LoadedModel, config_digest

        directory = ensure_directory(checkpoint, self.settings)
        state, key = checkpoint_state(checkpoint), self.scope(checkpoint).fingerprint
        with self._lock:
            reading = self._reading.setdefault(key, threading.Lock())
            loader = self._own_loader()
        with reading:
            config = read_config(directory)
            bare = LoadedModel({}, config, config_digest(config), directory, loader.skeletons)
            with self._lock:
                if key in self._models:
                    self._models.move_to_end(key)
                    return bare, self._models[key][0]
            files, size = None, 0
            weights: tuple[Any, ...] = ()
            if sum(file.stat().st_size for file in loaded_files(directory)) > NODE_FILES_FROM:
                files = payload.NodeFiles(
                    checkpoint.name, key, checkpoint.repo, checkpoint.revision, checkpoint.subfolder
                )
            else:
                stored = loader.stored(directory)
                weights, size = (
                    (connection.import_ray().put(payload.tensors_to_arrays(stored.weights)),),
                    stored.bytes,
                )
            text = payload.without_paths((directory / "config.json").read_text(encoding="utf-8"))
            if checkpoint_state(checkpoint) != state:
                raise CheckpointError(
                    Sentence(
                        "{directory} was written to while it was read: run it again.", directory=directory
                    )
                )
            label = Path(checkpoint.name).name
            sent = payload.SentModel(key, label, bare.config_digest, text, weights, files)
            with self._lock:
                self._models[key] = (sent, size)
                while len(self._models) > 2 and sum(size for _, size in self._models.values()) > _KEPT_BYTES:
                    old, _ = self._models.popitem(last=False)
                    self._reading.pop(old, None)
            return bare, sent

    def _own_loader(self) -> Loader:
        """The loader that reads files for the nodes, hence on the CPU whatever device computes."""
        if self._loader is None:
            import torch

            from e2lm_core.engine.models import Loader

            self._loader = Loader(torch.device("cpu"), getattr(torch, self.settings.dtype))
        return self._loader

    def _text(self, model: LoadedModel, requests: Sequence[Request]) -> SentText:
        """The requests' tokens in the object store, once for all checkpoints with the same tokens."""
        from e2lm_core.engine.cluster import payload

        encoded, text = self._here.encoded(model, requests)
        with self._lock:
            sent = self._texts.get(text)
            if sent is None:
                arrays = payload.pack_requests(encoded)
                reference = connection.import_ray().put(arrays)
                sent = payload.SentText(payload.key_of(arrays), (reference,))
                self._texts.put(text, sent)
            return sent


class _Elsewhere(Exception):
    """A node does not have the files that it would have to read."""


def _lost() -> tuple[type[BaseException], ...]:
    """Errors that Ray raises if an actor, its node or an object in its store is lost."""
    from ray import exceptions

    return (
        exceptions.RayActorError,
        exceptions.WorkerCrashedError,
        exceptions.NodeDiedError,
        exceptions.ObjectLostError,
        exceptions.RaySystemError,
    )
