"""Application context: settings, catalogue, store, queue, backend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from e2lm_core.base import formatting
from e2lm_core.base.database import Database
from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.memory import snapshot
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import Catalogue, open_catalogue
from e2lm_core.checkpoints.fingerprints import checkpoint_state
from e2lm_core.checkpoints.folders import folder_problem
from e2lm_core.checkpoints.hub import rolling_leases
from e2lm_core.checkpoints.hub.cache import local_checkpoints
from e2lm_core.engine.backend import Backend
from e2lm_core.engine.traits import known_traits, traits_key
from e2lm_core.runs.queue.queue import JobQueue
from e2lm_core.runs.store import divergence
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore


@dataclass(frozen=True)
class Studio:
    """Application context: handles that threads may share, with nothing of one user or one set."""

    settings: Settings
    catalogue: Catalogue
    store: LoglikelihoodStore
    jobs: JobQueue
    backend: Backend
    # Keyed by the checkpoint and the state of its files.
    _problems: dict[tuple[object, ...], str | None] = field(default_factory=dict)

    @property
    def local_checkpoints(self) -> tuple[Checkpoint, ...]:
        """Usable checkpoints on this machine.

        Left out are checkpoints of a hub that are not downloaded, those that a rolling run has downloaded for
        itself (it evicts them again), and those that cannot be used (see `unusable_notes`).
        """
        has_notes = divergence.has_notes(self.settings)  # one look for all
        return tuple(c for c in self._here if self.checkpoint_problem(c, has_notes) is None)

    @property
    def _here(self) -> tuple[Checkpoint, ...]:
        here = local_checkpoints(self.catalogue.checkpoints, self.settings)
        return tuple(c for c in here if not rolling_leases.is_leased(c, self.settings))

    @property
    def unusable_notes(self) -> tuple[str, ...]:
        """A sentence for each model with checkpoints on this machine that cannot be used."""
        return self.usable_checkpoints(self._here)[1]

    def usable_checkpoints(
        self, checkpoints: Iterable[Checkpoint]
    ) -> tuple[tuple[Checkpoint, ...], tuple[str, ...]]:
        """Usable ones of the checkpoints, and a sentence for each model with others, which names them."""
        problems = [(checkpoint, self.checkpoint_problem(checkpoint)) for checkpoint in checkpoints]
        of_model: dict[str, dict[str, str]] = {}
        for checkpoint, problem in problems:
            if problem is not None:
                name = checkpoint.name.removeprefix(f"{checkpoint.model.name}/")
                of_model.setdefault(checkpoint.model.name, {})[name] = problem
        sentences = (_left_out_sentence(model, of) for model, of in of_model.items())
        return tuple(c for c, problem in problems if problem is None), tuple(sentences)

    def checkpoint_problem(self, checkpoint: Checkpoint, has_notes: bool = True) -> str | None:
        """Sentence for a checkpoint that cannot be used; None for others, and for one not on this machine.

        A folder is checked again once one of its files has changed; no weights are read.

        Args:
            checkpoint: The checkpoint.
            has_notes: False if none is noted as diverged, see `divergence.has_notes`.
        """
        if has_notes and (said := divergence.divergence_sentence(checkpoint, self.settings)) is not None:
            return said
        if checkpoint.packed is not None or checkpoint.directory is None:
            return None
        key: tuple[object, ...] = (checkpoint.repo, checkpoint.directory, checkpoint_state(checkpoint))
        if key not in self._problems:
            if checkpoint.repo is not None and not local_checkpoints((checkpoint,), self.settings):
                return None
            whole = None if checkpoint.repo is not None else folder_problem(checkpoint.directory)
            self._problems[key] = whole or self._unread(checkpoint)
        return self._problems[key]

    def _unread(self, checkpoint: Checkpoint) -> str | None:
        """Sentence for a configuration or tokenizer that transformers cannot read, such as custom code."""
        try:
            self.backend.window(checkpoint)
        except CheckpointError as error:
            return str(error)
        return None

    def is_readable(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint's results can be read without a download.

        That holds for a usable one on this machine, and for one that was scored before its eviction.
        """
        if local_checkpoints((checkpoint,), self.settings):
            return self.checkpoint_problem(checkpoint) is None
        return known_traits(traits_key(checkpoint, self.settings), self.settings) is not None

    @property
    def with_results_copy(self) -> Studio:
        """The studio with a private copy of the results if the home's disk is read-only; else itself."""
        if self.store.database.is_writable:
            return self
        copy = Database(snapshot.copy_database(self.settings.database))
        return replace(self, store=LoglikelihoodStore(copy, self.settings.shipped))

    @property
    def without_shipped_results(self) -> Studio:
        """The studio without shipped results, so that a run computes them too."""
        return replace(self, store=LoglikelihoodStore(self.store.database))

    def require_local(self) -> None:
        """Refuse a rolling run that a cluster would compute.

        Raises:
            CheckpointError: The backend is not the local one.
        """
        if self.settings.backend != "local":
            raise CheckpointError(
                Sentence(
                    "A rolling run is computed on this machine, which fetches and lets go: use --backend local, or "
                    "download "
                    "the checkpoints first."
                )
            )


def _left_out_sentence(model: str, reasons: Mapping[str, str]) -> str:
    """Sentence that names the checkpoints of a model left out, with the reason of all or of the first."""
    names, first = list(reasons), next(iter(reasons.values()))
    said = (
        f"{formatting.count(len(names), 'checkpoint')} of {model} left out ({formatting.join_words(names)})"
    )
    return f"{said}. {first}" if len(set(reasons.values())) == 1 else f"{said}; {names[0]}: {first}"


def open_studio(settings: Settings | None = None, backend: Backend | None = None) -> Studio:
    """Open the studio of the settings, creating the home folder and the database if they do not exist.

    Args:
        settings: Settings; None to read them from the environment.
        backend: Backend; None for the one that the settings name.

    Raises:
        StoreError: The database cannot be used.
    """
    settings = settings or Settings.from_env()
    if backend is None and settings.backend == "ray":
        from e2lm_core.engine.cluster.driver import RayBackend

        backend = RayBackend(settings)
    elif backend is None:
        from e2lm_core.engine.local import LocalBackend

        backend = LocalBackend(settings)
    database = Database(settings.database)  # shared: results and progress are saved together
    return Studio(
        settings=settings,
        catalogue=open_catalogue(settings),
        store=LoglikelihoodStore(database, settings.shipped),
        jobs=JobQueue(database, settings.limits),
        backend=backend,
    )
