"""Ray backend: distributes checkpoints and streams chunks back.

What identifies a checkpoint, its tokens and its window are found out here; nodes get weights and token numbers.
Only this process has the store. Chunks are pulled, at most `_AHEAD` calls at a time: so a slow driver is not
flooded, cancelling is not asking again, and what a dead actor had not delivered is computed by another one.
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
from e2lm_core.base.records import Checkpoint, Request, Scope, ScoredChunk
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

NODE_FILES_FROM = 10**9  # bytes of weights: from here on nodes read their own disks
MAX_DEATHS = 10  # of actors at one checkpoint, without a chunk in between
_AHEAD = 2
_START_S = 20.0  # a run that begins waits so long for the first actor, before a checkpoint's time begins
_ASK_S = 0.2  # how often a wait looks whether the run was cancelled
_KEPT_BYTES = 10**9  # of weights in the object store that no run is at
_KEPT_TEXTS = 4


class RayBackend:
    """Scores on the cluster of RAY_ADDRESS, else on one that is started on this machine when first needed.

    Safe to share between threads. Raises `StudioError` where Ray is not installed or the cluster does not answer.
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
        self._texts: OrderedDict[tuple[object, ...], SentText] = OrderedDict()
        self._said: set[str] = set()
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch")

    @property
    def pool(self) -> Pool:
        """The actors; the cluster is joined, or started, when they are first asked for."""
        with self._lock:
            if self._pool is None:
                self._pool = Pool(self.settings)
                atexit.register(self._pool.close)  # before Ray's own end, which was registered earlier
            pool = self._pool
        pool.open()
        return pool

    @property
    def at_once(self) -> int:
        """As many as there are actors now, one at least: the cluster may grow and shrink."""
        pool = self.pool
        if not len(pool):
            pool.wait_for_one(_START_S)
        return max(1, len(pool))

    def close(self) -> None:
        """Let the actors go."""
        if self._pool is not None:
            self._pool.close()

    # --- what needs no cluster ----------------------------------------------------------------------------

    def scope(self, checkpoint: Checkpoint) -> Scope:
        """As `LocalBackend.scope`: a result's key does not tell where it was computed."""
        return self._here.scope(checkpoint)

    def window(self, checkpoint: Checkpoint) -> int:
        """As `LocalBackend.window`."""
        return self._here.window(checkpoint)

    def prompt_tokens(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> list[int]:
        """As `LocalBackend.prompt_tokens`."""
        return self._here.prompt_tokens(checkpoint, requests)

    def notes(self) -> list[str]:
        """What actors have noted, and where they are."""
        with self._lock:
            return sorted(self._said)

    def prefetch(self, checkpoint: Checkpoint) -> None:
        """Begin to put its weights into the object store; an error shows when they are asked for."""
        self._reader.submit(self._put_ahead, checkpoint)

    def forget(self, checkpoint: Checkpoint) -> None:
        """Nothing: what was put into the object store holds no file."""

    def _put_ahead(self, checkpoint: Checkpoint) -> None:
        with contextlib.suppress(Exception):
            if self._pool is not None:  # without a cluster there is nowhere to put it
                self._sent(checkpoint)

    # --- computing ----------------------------------------------------------------------------------------

    def chunks(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[ScoredChunk]:
        """As `LocalBackend.chunks`, by whatever actor is free; another goes on where one dies.

        Raises `StudioError` where actors die of this checkpoint again and again.
        """
        if not requests:
            return
        stop = cancelled or (lambda: False)
        _ = self.at_once  # the cluster is there before anything is put into its memory
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
                                f"{formatting.count(MAX_DEATHS, 'actor')} of the Ray cluster died one after the other at "
                                f"{checkpoint.name}; what was computed is kept: see their memory and `ray status`."
                            ) from error
            except NoCapacityError:
                raise CheckpointError(
                    f"{checkpoint.name} is over {formatting.size(NODE_FILES_FROM)}, so nodes read it from their own disks, "
                    "and none has it: put it into a folder there that E2LM_CHECKPOINTS names."
                ) from None

    def together(
        self, checkpoints: Sequence[Checkpoint], requests: Sequence[Request]
    ) -> list[tuple[Checkpoint, ...]]:
        """As the protocol: an actor has one checkpoint at a time."""
        return [(checkpoint,) for checkpoint in checkpoints]

    def chunks_of_all(
        self,
        checkpoints: Sequence[Checkpoint],
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[Sequence[ScoredChunk]]:
        """One after the other."""
        return one_after_the_other(self, checkpoints, requests, cancelled, skip)

    def _from(
        self,
        member: Member,
        model: SentModel,
        text: SentText,
        done: Collection[int],
        stop: Callable[[], bool],
    ) -> Iterator[ScoredChunk]:
        """Chunks from one actor, until it has no more. Raises what `_lost` names where it dies."""
        from e2lm_core.engine.cluster import payload

        run, actor = uuid.uuid4().hex, member.actor
        if stop():
            raise Cancelled("The run was cancelled; what it had computed is kept.")
        self._heard(self._answer(actor.begin.remote(run, model, text, frozenset(done)), stop))
        waiting = deque(actor.more.remote(run) for _ in range(_AHEAD))
        try:
            while True:
                reply = self._answer(waiting.popleft(), stop)
                # Those that are whole are kept, whatever went wrong after them.
                yield from map(payload.from_piece, reply.pieces)
                self._heard(reply)
                if reply.done:
                    return
                if stop():
                    raise Cancelled("The run was cancelled; what it had computed is kept.")
                waiting.append(actor.more.remote(run))
        finally:
            with contextlib.suppress(Exception):  # it may be dead, and then has nothing to forget
                actor.end.remote(run)

    def _answer(self, reference: Any, stop: Callable[[], bool]) -> Reply:
        ray = connection.import_ray()
        while True:
            ready, _ = ray.wait([reference], timeout=_ASK_S)
            if ready:
                found: Reply = ray.get(reference)
                return found
            if stop():
                raise Cancelled("The run was cancelled; what it had computed is kept.")

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
            name, text = reply.error
            if name == "Absent":
                raise _Elsewhere
            kind = getattr(errors, name, StudioError)
            raise kind(text)

    # --- what is sent -------------------------------------------------------------------------------------

    def _sent(self, checkpoint: Checkpoint) -> tuple[LoadedModel, SentModel]:
        """The checkpoint's configuration as it is here, and what nodes get of it, put into the object store once.

        Raises `CheckpointError`.
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
                raise CheckpointError(f"{directory} was written to while it was read: run it again.")
            label = Path(checkpoint.name).name
            sent = payload.SentModel(key, label, bare.config_digest, text, weights, files)
            with self._lock:
                self._models[key] = (sent, size)
                while len(self._models) > 2 and sum(size for _, size in self._models.values()) > _KEPT_BYTES:
                    old, _ = self._models.popitem(last=False)
                    self._reading.pop(old, None)
            return bare, sent

    def _own_loader(self) -> Loader:
        """Reads files for others, so on the CPU whatever computes."""
        if self._loader is None:
            import torch

            from e2lm_core.engine.models import Loader

            self._loader = Loader(torch.device("cpu"), getattr(torch, self.settings.dtype))
        return self._loader

    def _text(self, model: LoadedModel, requests: Sequence[Request]) -> SentText:
        """The requests' tokens in the object store, once for all checkpoints that cut them alike."""
        from e2lm_core.engine.cluster import payload

        encoded, text = self._here.encoded(model, requests)
        with self._lock:
            if text not in self._texts:
                arrays = payload.pack_requests(encoded)
                reference = connection.import_ray().put(arrays)
                self._texts[text] = payload.SentText(payload.key_of(arrays), (reference,))
                if len(self._texts) > _KEPT_TEXTS:
                    self._texts.popitem(last=False)
            self._texts.move_to_end(text)
            return self._texts[text]


class _Elsewhere(Exception):
    """A node does not have the files that it would have to read."""


def _lost() -> tuple[type[BaseException], ...]:
    """What Ray raises where an actor, its node or what it was given is gone."""
    from ray import exceptions

    return (
        exceptions.RayActorError,
        exceptions.WorkerCrashedError,
        exceptions.NodeDiedError,
        exceptions.ObjectLostError,
        exceptions.RaySystemError,
    )
