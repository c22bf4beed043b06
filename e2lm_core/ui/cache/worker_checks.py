"""Checks and bundles computed in a worker process."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from e2lm_core.base.records import Finding, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.export import submission
from e2lm_core.runs.studio import Studio, open_studio

_OPENED: dict[Hashable, Studio] = {}


def findings(settings: Settings, task: TaskSet, profile: submission.Profile) -> list[Finding]:
    """Findings by `submission.check_findings`, with the caller's settings."""
    return submission.check_findings(replace(_studio(settings), settings=settings), task, profile)


def bundle(settings: Settings, task: TaskSet, profile: submission.Profile, found: list[Finding]) -> bytes:
    """Bundle by `submission.build_bundle`, with the caller's settings."""
    return submission.build_bundle(replace(_studio(settings), settings=settings), task, profile, found)


def _studio(settings: Settings) -> Studio:
    """The studio of this home, opened again when a hub model was added or removed."""
    key = (settings.home, settings.tasks, settings.ladder, hub.change_stamp(settings))
    if key not in _OPENED:
        for studio in _OPENED.values():
            studio.store.database.close()
        _OPENED.clear()
        _OPENED[key] = open_studio(settings)
    return _OPENED[key]
