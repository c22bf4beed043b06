"""What every service works with: settings, checkpoints, results, jobs and a backend, opened once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from e2lm_core.base.database import Database
from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import Catalogue, open_catalogue
from e2lm_core.checkpoints.hub import borrowed
from e2lm_core.checkpoints.hub.cache import at_hand
from e2lm_core.engine.backend import Backend
from e2lm_core.engine.traits import known_traits, traits_key
from e2lm_core.runs.kept.store import Store
from e2lm_core.runs.queue.queue import JobQueue


@dataclass(frozen=True)
class Studio:
    """Handles that are safe to share between threads; nothing in it belongs to one user or one set."""

    settings: Settings
    catalogue: Catalogue
    store: Store
    jobs: JobQueue
    backend: Backend

    @property
    def at_hand(self) -> tuple[Checkpoint, ...]:
        """The checkpoints that are on this machine; those of a hub that are not downloaded are left out.

        So are those that a rolling run has fetched for itself: they go again.
        """
        here = at_hand(self.catalogue.checkpoints, self.settings)
        return tuple(c for c in here if not borrowed.is_marked(c, self.settings))

    def is_readable(self, checkpoint: Checkpoint) -> bool:
        """Whether its results can be read with nothing downloaded: it is here, or was scored here before it was let go."""
        if at_hand((checkpoint,), self.settings):
            return True
        return known_traits(traits_key(checkpoint, self.settings), self.settings) is not None

    @property
    def computing_anew(self) -> Studio:
        """The same without the results that the package brings: a run computes them too."""
        return replace(self, store=Store(self.store.database))

    def require_local(self) -> None:
        """Raises `CheckpointError` for a rolling run where a cluster computes."""
        if self.settings.backend != "local":
            raise CheckpointError(
                "A rolling run is computed on this machine, which fetches and lets go: use --backend local, or download "
                "the checkpoints first."
            )


def open_studio(settings: Settings | None = None, backend: Backend | None = None) -> Studio:
    """Open what the settings name, creating the home folder and the database where they do not exist.

    `backend` is the one that the settings name unless given. Raises `StoreError` for a database that cannot be used.
    """
    settings = settings or Settings.from_env()
    if backend is None and settings.backend == "ray":
        from e2lm_core.engine.cluster.driver import RayBackend

        backend = RayBackend(settings)
    elif backend is None:
        from e2lm_core.engine.local import LocalBackend

        backend = LocalBackend(settings)
    database = Database(settings.database)  # shared, so that results and progress are saved together
    return Studio(
        settings=settings,
        catalogue=open_catalogue(settings),
        store=Store(database, settings.shipped),
        jobs=JobQueue(database, settings.limits),
        backend=backend,
    )
