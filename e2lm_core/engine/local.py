"""Local backend: scores checkpoints in this process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakValueDictionary

from e2lm_core.base import processes
from e2lm_core.base.errors import CheckpointError, StudioError
from e2lm_core.base.memory.memo import Memo
from e2lm_core.base.records import Checkpoint, Request, Scope, ScoredChunk
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.fingerprints import fingerprint
from e2lm_core.checkpoints.folders import adapter_sentence
from e2lm_core.checkpoints.ladder.manifest import Manifest, read_manifest
from e2lm_core.checkpoints.unpacking import ensure_directory
from e2lm_core.engine.backend import SCORING_VERSION, one_after_the_other
from e2lm_core.engine.traits import Traits, known_traits, remember_traits, traits_key

if TYPE_CHECKING:  # torch and transformers take seconds to import and are imported only for computing
    from e2lm_core.engine.batches.tokenise import Encoded, Encoder
    from e2lm_core.engine.models import LoadedModel, Loader
    from e2lm_core.engine.scorer import Scorer

# Only for requests with at most so many characters is it worth checking whether models are computed together.
_FEW_CHARACTERS, _MAX_TOGETHER = 8_000, 20
_KEPT_TEXTS = 4  # a ladder's models share their tokens, and an edit may come during a sweep


class LocalBackend:
    """Backend of this process with the settings' device, dtype and threads; safe to share between threads.

    Every member that computes raises `StudioError` for a device that this machine does not have.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._at_once: int | None = None
        self._said: set[str] = set()
        self._scorer: Scorer | None = None
        self._loader: Loader | None = None
        self._encoders: dict[str, Encoder] = {}
        # Each text with its largest token.
        self._encoded: Memo[tuple[object, ...], tuple[list[Encoded], int]] = Memo(_KEPT_TEXTS, lambda *_: 1)
        self._scopes: tuple[Manifest | None, dict[str, Scope]] = (None, {})
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch")
        self._in_memory: WeakValueDictionary[tuple[str, str | None], LoadedModel] = WeakValueDictionary()
        # The tokenizer of a packed checkpoint stays in memory with its weights.
        self._unpacked: WeakKeyDictionary[LoadedModel, Encoder] = WeakKeyDictionary()

    @property
    def at_once(self) -> int:
        """Two on a CPU with two threads or more: small models leave a second torch thread mostly idle."""
        if self._at_once is None:
            import torch

            from e2lm_core.engine.machine import choose_device

            on_cpu = choose_device(self.settings.device) == torch.device("cpu")
            self._at_once = 2 if on_cpu and self._threads() > 1 else 1
        return self._at_once

    # --- members of the protocol ------------------------------------------------------------------------

    def scope(self, checkpoint: Checkpoint) -> Scope:
        """The checkpoint's fingerprint with the dtype, the window in tokens, and the tokenizer's BOS.

        It is cached for the embedded ladder as long as the manifest is the same.

        Raises:
            CheckpointError: The checkpoint is not on this machine or incomplete.
        """
        if checkpoint.packed is None:
            return self._scope(checkpoint)
        # The manifest alone identifies a packed checkpoint, without a look at its files: a page asks for a
        # whole ladder at every redraw of a run.
        manifest = read_manifest(self.settings.ladder)
        if manifest is not self._scopes[0]:
            self._scopes = (manifest, {})
        known = self._scopes[1]
        if checkpoint.name not in known:
            known[checkpoint.name] = self._scope(checkpoint)
        return known[checkpoint.name]

    def _scope(self, checkpoint: Checkpoint) -> Scope:
        traits = self._traits(checkpoint)
        return Scope(
            fingerprint=fingerprint(checkpoint, self.settings),
            dtype=self.settings.dtype,
            max_length=traits.window,
            bos=traits.bos,
            scoring_version=SCORING_VERSION,
        )

    def window(self, checkpoint: Checkpoint) -> int:
        """The model's longest input, in tokens.

        Raises:
            CheckpointError: The checkpoint is not on this machine or incomplete.
        """
        return self._traits(checkpoint).window

    def prompt_tokens(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> list[int]:
        """Tokens of context + continuation of each request, before any truncation.

        Raises:
            CheckpointError: The checkpoint or its tokenizer cannot be read.
            TaskError: A request cannot be tokenised.
        """
        directory = ensure_directory(checkpoint, self.settings)
        with self._lock:
            return self._encoder(directory).lengths(requests)

    def chunks(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[ScoredChunk]:
        """Yield the results of each chunk as it is done: (index, log-likelihood in nats).

        Without requests no weights are read. Arguments are those of `Backend.chunks`.

        Raises:
            CheckpointError: The checkpoint cannot be read or scored.
            Cancelled: `cancelled` returned true.
            TaskError: A request cannot be scored.
            LimitError: A request is too long for the model's window or the memory.
        """
        if not requests:
            return
        model = self.read(checkpoint)
        encoded, text = self.encoded(model, requests)
        yield from self.scorer.score(model, encoded, text, skip=skip, cancelled=cancelled)

    def together(
        self, checkpoints: Sequence[Checkpoint], requests: Sequence[Request]
    ) -> list[tuple[Checkpoint, ...]]:
        """Groups of checkpoints that are computed at once.

        Small models of one configuration form groups if the requests are few; all other checkpoints stand
        alone. One checkpoint of each small model is read. An error in reading it is left for the run to
        report.
        """
        groups: dict[object, list[Checkpoint]] = {}
        kinds: dict[str, object] = {}
        few = sum(len(request.continuation) for request in requests) <= _FEW_CHARACTERS
        for place, checkpoint in enumerate(checkpoints):
            name = checkpoint.model.name
            if name not in kinds:
                kinds[name] = self._stacked_as(checkpoint, requests) if few and requests else None
            groups.setdefault(kinds[name] or place, []).append(checkpoint)
        most = min(_MAX_TOGETHER, -(-len(checkpoints) // self.at_once))
        return [
            tuple(group[start : start + most])
            for group in groups.values()
            for start in range(0, len(group), most)
        ]

    def _stacked_as(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> object:
        """Key that checkpoints computed at once have in common; None if this one is computed by itself."""
        from e2lm_core.engine.scorer import STACKED_PARAMETERS

        if (checkpoint.model.parameters or 0) > STACKED_PARAMETERS:
            return None
        with contextlib.suppress(StudioError):
            model = self.read(checkpoint)
            encoded, text = self.encoded(model, requests)
            if self.scorer.stacks(model, encoded, text):
                return model.config_digest, text[:2]
        return None

    def chunks_of_all(
        self,
        checkpoints: Sequence[Checkpoint],
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[tuple[ScoredChunk, ...]]:
        """Yield the results of a group in chunks: models alike are computed at once, others in turn.

        Raises:
            CheckpointError: A checkpoint cannot be read or scored.
            Cancelled: `cancelled` returned true.
            TaskError: A request cannot be scored.
            LimitError: A request is too long for the model's window or the memory.
        """
        models = [self.read(checkpoint) for checkpoint in checkpoints]
        encoded, text = self.encoded(models[0], requests)
        kinds = {(m.config_digest, *sorted(m.weights), self._encoder_of(m)) for m in models}
        if len(kinds) == 1 and self.scorer.stacks(models[0], encoded, text):
            yield from self.scorer.score_all(models, encoded, text, skip, cancelled)
            return
        yield from one_after_the_other(self, checkpoints, requests, cancelled, skip)

    def prefetch(self, checkpoint: Checkpoint) -> None:
        """Begin to read the weights in a thread of their own; an error shows when they are used."""
        # A change of the files in the meantime is detected when the checkpoint is computed.
        if self._memory_key(checkpoint) not in self._in_memory:
            self._reader.submit(self._read_ahead, checkpoint)

    def forget(self, checkpoint: Checkpoint) -> None:
        """Drop a checkpoint's weights from memory."""
        model = self._in_memory.pop(self._memory_key(checkpoint), None)
        if self._loader is not None and model is not None:
            self._loader.forget(model.directory)

    def notes(self) -> list[str]:
        """The scorer's sentences and those about adapters that are not applied; none before scoring."""
        return [] if self._scorer is None else [*sorted(self._said), *self._scorer.notes()]

    # --- models, traits and tokens ----------------------------------------------------------------------

    @property
    def scorer(self) -> Scorer:
        """The one scorer of this backend, which keeps verdicts and plans; made on first use."""
        return self._engine()[0]

    def read(self, checkpoint: Checkpoint) -> LoadedModel:
        """Read a checkpoint's weights, from memory or disk; it is unpacked or downloaded first if needed.

        Raises:
            CheckpointError: The checkpoint cannot be read.
        """
        key = self._memory_key(checkpoint)
        model = None if checkpoint.packed is None else self._in_memory.get(key)
        if model is None:
            model = self._engine()[1].load(ensure_directory(checkpoint, self.settings))
            if (said := adapter_sentence(model.directory)) is not None:
                self._said.add(said)
            self._in_memory[key] = model
            if checkpoint.packed is not None:
                self._unpacked[model] = self._encoder(model.directory)
        return model

    def _memory_key(self, checkpoint: Checkpoint) -> tuple[str, str | None]:
        """Key of a model in memory: its name and, for a packed checkpoint, its fingerprint.

        Weights of a packed checkpoint, once read, do not depend on the disk.
        """
        return checkpoint.name, None if checkpoint.packed is None else self.scope(checkpoint).fingerprint

    def _read_ahead(self, checkpoint: Checkpoint) -> None:
        with contextlib.suppress(Exception):  # computing the checkpoint raises and reports the same error
            self.read(checkpoint)

    def _traits(self, checkpoint: Checkpoint) -> Traits:
        key = traits_key(checkpoint, self.settings)
        known = known_traits(key, self.settings)
        if known is None:
            known = self.read_traits(checkpoint)
            if traits_key(checkpoint, self.settings) == key:  # the files were not written to meanwhile
                remember_traits(key, known, self.settings)
        return known

    def read_traits(self, checkpoint: Checkpoint) -> Traits:
        """Window and BOS, read from the configuration and the tokenizer without the cache.

        Raises:
            CheckpointError: The checkpoint cannot be read.
        """
        from e2lm_core.engine.folder import read_config, window

        directory = ensure_directory(checkpoint, self.settings)
        encoder = self._encoder(directory)
        return Traits(window=window(read_config(directory), encoder.tokenizer), bos=encoder.bos)

    def _engine(self) -> tuple[Scorer, Loader]:
        with self._lock:
            if self._scorer is None or self._loader is None:
                import torch

                from e2lm_core.engine.machine import choose_device, settle
                from e2lm_core.engine.models import Loader
                from e2lm_core.engine.scorer import Scorer

                settle()
                device = choose_device(self.settings.device)
                torch.set_num_threads(max(1, self._threads() // self.at_once))
                dtype = getattr(torch, self.settings.dtype)
                self._loader = Loader(device, dtype)
                self._scorer = Scorer(device, dtype, self.at_once)
            return self._scorer, self._loader

    def _threads(self) -> int:
        """Threads of the settings, or the number of cores that this process may use."""
        return self.settings.threads or processes.usable_cores()

    def _encoder(self, directory: Path) -> Encoder:
        from e2lm_core.engine.batches.tokenise import Encoder, tokenizer_digest

        digest = tokenizer_digest(directory)
        with self._lock:  # checkpoints with equal tokenizer files share one encoder
            if digest not in self._encoders:
                encoder = Encoder(directory)
                if tokenizer_digest(directory) != digest:
                    raise CheckpointError(
                        Sentence(
                            "The tokenizer in {directory} was written to as it was read: run it again.",
                            directory=directory,
                        )
                    )
                self._encoders[digest] = encoder
            return self._encoders[digest]

    def _encoder_of(self, model: LoadedModel) -> Encoder:
        return self._unpacked.get(model) or self._encoder(model.directory)

    def encoded(
        self, model: LoadedModel, requests: Sequence[Request]
    ) -> tuple[list[Encoded], tuple[object, ...]]:
        """Tokens of each request, cut to the model's window, and a key that identifies them.

        They are cached, because a ladder's models share them.

        Raises:
            CheckpointError: The tokenizer cannot be read, or has tokens that the model does not know.
            TaskError: A continuation has no token of its own.
            LimitError: A continuation is longer than the window.
        """
        from e2lm_core.engine.folder import window

        with self._lock:
            encoder = self._encoder_of(model)
            max_length = window(model.config, encoder.tokenizer)
            text = (encoder, max_length, tuple(requests))
            found = self._encoded.get(text)
            if found is None:
                new = encoder.encode(requests, max_length)
                tokens = [int(t.max()) for e in new for t in (e.inputs, e.targets) if len(t)]
                found = new, max(tokens, default=0)
                self._encoded.put(text, found)
            encoded, largest = found
            rows = getattr(model.config, "vocab_size", None)
            if isinstance(rows, int) and largest >= rows:
                raise CheckpointError(
                    Sentence(
                        "The tokenizer in {directory} has a token {largest}, but the model knows {rows}: give it the "
                        "tokenizer that it was trained with.",
                        directory=model.directory,
                        largest=str(largest),
                        rows=str(rows),
                    )
                )
            return encoded, text
