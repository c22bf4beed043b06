"""Pool of Ray actors with leases and replacement.

A thread watches the actors, so that the cluster may grow and shrink during a run. All actors of a pool have
one kind of device, because a GPU's batches and rounding differ from a core's.
Tested in tests/engine/cluster/test_ray.py.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from e2lm_core.base.errors import Cancelled, StudioError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.base.version import VERSION
from e2lm_core.engine.cluster import connection

LOOK_S = 0.5
NOBODY_S = 600.0  # a cluster that starts machines first may take minutes
IDLE_S = 120.0  # idle time after which actors are released for other users of the cluster
_FAILED_AT_MOST = 5  # failed starts in a row
log = logging.getLogger(__name__)


class NoCapacityError(Exception):
    """All nodes with running actors are among those to avoid."""


@dataclass(eq=False)
class Member:
    """An actor of a pool.

    Attributes:
        actor: Ray's handle of the actor.
        starting: Ray's reference to the actor's first answer, its description.
        node: Ray's identifier of its node.
        about: The actor's description of itself, empty until it is running.
        configs: Digests of the configurations that it has loaded.
        lent: Whether it has a user.
        last_used: Time of its last use, of the monotonic clock.
    """

    actor: Any
    starting: Any
    node: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    configs: set[str] = field(default_factory=set)
    lent: bool = False
    last_used: float = field(default_factory=time.monotonic)


class Pool:
    """The actors of one driver; safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._changed = threading.Condition()
        self._members: list[Member] = []
        self._starting: list[Member] = []
        self._failed: list[str] = []
        self._wanted_at = 0.0
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._ray: Any = None
        self._kind: str = "CPU"

    def __len__(self) -> int:
        """Number of running actors."""
        return len(self._members)

    @property
    def nodes(self) -> int:
        """Number of machines with running actors."""
        with self._changed:
            return len({member.node for member in self._members})

    @property
    def members(self) -> tuple[Member, ...]:
        """The running actors at this moment."""
        with self._changed:
            return tuple(self._members)

    def open(self) -> None:
        """Join the cluster, or start one, and request actors.

        Raises:
            StudioError: Ray is not installed, or the cluster does not answer or start.
        """
        with self._changed:
            self._wanted_at = time.monotonic()
            if self._thread is not None:
                return
            self._ray = connection.connect(self._settings)
            self._kind = connection.device_kind(self._ray, self._settings)
            self._thread = threading.Thread(target=self._look_after, name="ray-pool", daemon=True)
            self._thread.start()

    def wait_for_one(self, seconds: float) -> None:
        """Wait until an actor is running or a start has failed, at most `seconds`.

        The start of a cluster is thus not counted as a checkpoint's time.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._members or self._failed), seconds)

    def close(self) -> None:
        """Release all actors; a cluster that was started for this process ends with it."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
            for member in (*self._members, *self._starting):
                self._kill(member)
            self._members.clear()
            self._starting.clear()

    @contextlib.contextmanager
    def lease(
        self, config: str, cancelled: Callable[[], bool], avoid: Collection[str] = ()
    ) -> Iterator[Member]:
        """Lend an actor to one user: one that has the configuration loaded, else the one with the fewest.

        Args:
            config: Digest of the configuration.
            cancelled: Tells whether the run was cancelled.
            avoid: Nodes that cannot serve.

        Raises:
            Cancelled: `cancelled` returned true.
            NoCapacityError: All nodes with running actors are in `avoid`.
            StudioError: No actor could be started, or none was free in time.
        """
        self.open()
        member = self._lend(config, cancelled, avoid)
        try:
            yield member
        finally:
            with self._changed:
                member.lent, member.last_used = False, time.monotonic()
                self._changed.notify_all()

    def _lend(self, config: str, cancelled: Callable[[], bool], avoid: Collection[str]) -> Member:
        since = time.monotonic()
        with self._changed:
            while True:
                self._wanted_at = time.monotonic()
                there = [member for member in self._members if member.node not in avoid]
                free = [member for member in there if not member.lent]
                if free:
                    best = min(free, key=lambda m: (config not in m.configs, len(m.configs), m.last_used))
                    best.lent = True
                    best.configs.add(config)
                    return best
                if cancelled():
                    raise Cancelled(Sentence("The run was cancelled; what it had computed is kept."))
                if there:
                    since = time.monotonic()  # busy actors will be free again
                elif avoid and self._members and not self._starting:
                    raise NoCapacityError
                if len(self._failed) >= _FAILED_AT_MOST and not self._members:
                    raise StudioError(
                        Sentence("No node of the Ray cluster can compute: {reason}", reason=self._failed[-1])
                    )
                if time.monotonic() - since > NOBODY_S:
                    raise StudioError(
                        Sentence(
                            "The Ray cluster gave no {kind} within {minutes} minutes: see `ray status`.",
                            kind=self._kind,
                            minutes=f"{NOBODY_S / 60:.0f}",
                        )
                    )
                self._changed.wait(LOOK_S)

    def discard(self, member: Member) -> None:
        """Remove an actor that has died or cannot be reached; it is never lent again."""
        with self._changed:
            if member in self._members:
                self._members.remove(member)
            self._changed.notify_all()
        self._kill(member)

    # --- the thread that watches the actors ----------------------------------------------------------------

    def _look_after(self) -> None:
        while not self._closed.is_set():
            try:
                self._look()
            except Exception as error:  # the cluster may be losing its head node; look again
                log.warning("the Ray cluster could not be looked at: %s", _said(error))
            self._closed.wait(LOOK_S if self._starting else 2 * LOOK_S)

    def _look(self) -> None:
        there = connection.capacity(self._ray, self._kind)
        now = time.monotonic()
        with self._changed:
            idle = not any(member.lent for member in self._members) and now - self._wanted_at > IDLE_S
            wanted = 0 if idle else self._settings.ray_workers or max(1, there)
            surplus = [*self._starting, *(m for m in self._members if not m.lent)] if idle else []
            for member in surplus:
                (self._starting if member in self._starting else self._members).remove(member)
            lacking = wanted - len(self._members) - len(self._starting)
            if len(self._failed) >= _FAILED_AT_MOST:
                lacking = 0
        for member in surplus:
            self._kill(member)
        for _ in range(lacking):
            actor = connection.create_actor(self._ray, self._settings, self._kind)
            self._starting.append(Member(actor, actor.describe.remote()))
        if self._starting:
            self._welcome()

    def _welcome(self) -> None:
        """Make members of the actors that have started, and count those that failed."""
        references = {member.starting: member for member in self._starting}
        ready, _ = self._ray.wait(list(references), num_returns=len(references), timeout=LOOK_S)
        for reference in ready:
            member = references[reference]
            self._starting.remove(member)
            try:
                member.about = self._ray.get(reference)
                member.node = member.about["node"]
                if wrong := numeric_mismatch(member.about):
                    raise StudioError(wrong)
            except Exception as error:
                with self._changed:
                    self._failed.append(_said(error))
                    self._changed.notify_all()
                log.warning("an actor did not come up: %s", self._failed[-1])
                self._kill(member)
                continue
            with self._changed:
                self._failed.clear()
                self._members.append(member)
                self._changed.notify_all()

    def _kill(self, member: Member) -> None:
        with contextlib.suppress(Exception):  # the actor may be dead already
            self._ray.kill(member.actor, no_restart=True)


def numeric_mismatch(about: dict[str, Any]) -> str | None:
    """Reason why a node's results would differ from this machine's, as a sentence; None if they would not."""
    import torch
    import transformers

    own = {
        "studio": VERSION,
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
    }
    for name, version in own.items():
        if about.get(name) != version:
            return (
                f"a node has {name} {about.get(name)} where this machine has {version}; "
                "install the same there, so that all numbers are of one kind."
            )
    return None


def _said(error: BaseException) -> str:
    lines = [
        line.strip() for line in str(getattr(error, "cause", None) or error).splitlines() if line.strip()
    ]
    text = lines[-1] if lines else type(error).__name__
    return text if text.endswith(".") else f"{text}."
