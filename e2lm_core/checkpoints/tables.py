"""Tables and sentences on models and checkpoints."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from e2lm_core.base import formatting
from e2lm_core.base.files import folder_bytes
from e2lm_core.base.formatting import size
from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import Catalogue
from e2lm_core.checkpoints.families import CheckpointLocation, FamilyModel
from e2lm_core.checkpoints.family_catalogue import FAMILIES
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub.on_disk import DiskUsage, disk_usage
from e2lm_core.checkpoints.packaged import smollm2

HALF_PRECISION_BYTES = 2  # for each weight, in the smallest dtype that is usual on hubs


# --- the models of the catalogue ----------------------------------------------------------------------


def headline(catalogue: Catalogue, settings: Settings) -> str:
    """Sentence (Markdown) on the models and checkpoints on this machine and on downloads from a hub."""
    here = hub_cache.local_checkpoints(catalogue.checkpoints, settings)
    models = {c.model.name for c in here}
    if here:
        local = Sentence(
            "**{number} model with {checkpoints}** is on this machine",
            "**{number} models with {checkpoints}** are on this machine",
            number=len(models),
            checkpoints=formatting.count(len(here), "checkpoint"),
        )
    else:
        local = Sentence("**No checkpoint** is on this machine")
    added = [c for c in catalogue.checkpoints if c.repo]
    if not added:
        return Sentence("{local}; none from a hub.", local=local)
    whole = sum(c.repo is not None for c in here)
    if whole == len(added):
        downloaded = Sentence("all are downloaded")
    elif whole:
        downloaded = Sentence("{number} is downloaded", "{number} are downloaded", number=whole)
    else:
        downloaded = Sentence("none is downloaded")
    used = hub_cache.cache_usage(settings)
    return Sentence(
        "{local}; of {added} added from a hub, {downloaded} ({used} of the {quota} allowed).",
        local=local,
        added=formatting.count(len(added), "checkpoint"),
        downloaded=downloaded,
        used=size(used.used_bytes),
        quota=size(used.quota_bytes),
    )


def models_frame(catalogue: Catalogue, settings: Settings) -> pd.DataFrame:
    """Table of the catalogue with one row for each model.

    Columns: `model`, `parameters`, `checkpoints` (all), `here` (those on this machine), `first` and `last`
    (range of tokens seen), `bytes` (on the disk), `from` (origin).
    """
    here = {c.name for c in hub_cache.local_checkpoints(catalogue.checkpoints, settings)}
    rows = []
    for model in catalogue.models:
        checkpoints = catalogue.checkpoints_of(model)
        seen = [c.tokens_seen for c in checkpoints if c.tokens_seen is not None]
        rows.append(
            {
                "model": model.name,
                "parameters": model.parameters,
                "checkpoints": len(checkpoints),
                "here": sum(c.name in here for c in checkpoints),
                "first": min(seen, default=None),
                "last": max(seen, default=None),
                "bytes": folder_bytes(_places(model, checkpoints, settings)),
                "from": _origin(checkpoints),
            }
        )
    return pd.DataFrame(rows, columns=[*_MODEL_COLUMNS])


_MODEL_COLUMNS = ("model", "parameters", "checkpoints", "here", "first", "last", "bytes", "from")


def _origin(checkpoints: Sequence[Checkpoint]) -> str:
    first = checkpoints[0] if checkpoints else None
    if first is None or first.packed is not None:
        return Sentence("built-in mini models")
    if first.repo is not None:
        return first.repo
    if first.model.name == smollm2.NAME:
        return Sentence("package {name}", name=smollm2.PACKAGE)
    return (
        Sentence("folder {name}", name=first.directory.parent.name) if first.directory else Sentence("folder")
    )


def _places(model: ModelInfo, checkpoints: Iterable[Checkpoint], settings: Settings) -> list[Path]:
    """All paths of a model on the disk: packed and unpacked, or downloaded whole and in part."""
    places = [settings.cache / "checkpoints" / model.name] if model.family == "ladder" else []
    for checkpoint in checkpoints:
        places += [path for path in (checkpoint.packed, checkpoint.directory) if path is not None]
        if checkpoint.repo is not None:
            places.append(hub_cache.partial_folder(checkpoint, settings))
    return places


# --- models added from a hub --------------------------------------------------------------------------


def added_by_model(catalogue: Catalogue) -> dict[str, tuple[Checkpoint, ...]]:
    """Model name → its checkpoints that were added from a hub, in step order."""
    models = dict.fromkeys(c.model.name for c in catalogue.checkpoints if c.repo)
    return {name: tuple(c for c in catalogue.checkpoints_of(name) if c.repo) for name in models}


def added_frame(settings: Settings, checkpoints: Sequence[Checkpoint]) -> pd.DataFrame:
    """Table of checkpoints of a hub: state, pin, bytes, tokens seen, early window and commit."""
    rows, pinned = [], hub.pinned(settings)
    for checkpoint in checkpoints:
        here = disk_usage(settings, (checkpoint,))
        rows.append(
            {
                "checkpoint": checkpoint.name.removeprefix(f"{checkpoint.model.name}/"),
                "state": _state(here),
                "pinned": checkpoint.name in pinned or None,
                "bytes": here.bytes or None,
                "tokens_seen": checkpoint.tokens_seen,
                "early": checkpoint.early,
                "commit": (checkpoint.revision or "")[:10],
            }
        )
    return pd.DataFrame(rows)


# --- models that can be added -------------------------------------------------------------------------


def _state(here: DiskUsage) -> str:
    if here.whole:
        return Sentence("downloaded")
    return Sentence("in part") if here.partial_bytes else Sentence("not downloaded")


@functools.cache
def _known(family: str, model: str) -> int:
    """Number of a model's checkpoints that are known without asking a hub."""
    (its,) = (f for f in FAMILIES if f.key == family)
    return len(its.known_locations(next(m for m in its.models if m.name == model)))


def families_frame(catalogue: Catalogue, settings: Settings) -> pd.DataFrame:
    """Table of the known families with one row for each model; asks no hub.

    `checkpoints` is missing if only the hub knows their number; `added` and `downloaded` count those in the
    catalogue and those on this machine.
    """
    have = added_by_model(catalogue)
    rows = []
    for family in FAMILIES:
        for model in family.models:
            added = have.get(model.name, ())
            rows.append(
                {
                    "family": family.title,
                    "model": model.name,
                    "parameters": model.parameters,
                    "checkpoints": _known(family.key, model.name) or None,
                    "added": len(added),
                    "downloaded": disk_usage(settings, added).whole,
                    "repository": model.repo,
                }
            )
    return pd.DataFrame(rows)


def selection_summary(
    chosen: Sequence[CheckpointLocation],
    total: int,
    model: FamilyModel,
    listed_bytes: int | None,
    usage: hub_cache.CacheUsage,
) -> str:
    """Sentence on chosen checkpoints: number, range of tokens seen, size, and whether there is room.

    "13 of 27 checkpoints: iter_0004000 to iter_0052000, 4.2 B to 193 B tokens; 12 GB of the 20 GB that are
    left."

    Args:
        chosen: Locations of the chosen checkpoints, at least one.
        total: Number of checkpoints to choose from.
        model: The model.
        listed_bytes: Size as the hub lists it; None if unknown: then the least that the parameters take, if
            those are known.
        usage: Disk use of downloads, and the quota.
    """
    number = Sentence(
        "{chosen} of {checkpoints}: {name}",
        chosen=str(len(chosen)),
        checkpoints=formatting.count(total, "checkpoint"),
        name=chosen[0].name,
    )
    first, last = chosen[0].tokens_seen, chosen[-1].tokens_seen
    text = number
    if len(chosen) > 1:
        text = Sentence("{first} to {last}", first=number, last=chosen[-1].name)
        if first is not None and last is not None:
            seen = {"low": formatting.tokens(first), "high": formatting.tokens(last)}
            text = joined((text, Sentence("{low} to {high} tokens", **seen)), ", ")
    least = listed_bytes is None
    bytes_ = listed_bytes
    if least and model.parameters is not None:
        bytes_ = model.parameters * HALF_PRECISION_BYTES * len(chosen)
    if bytes_ is None:
        return Sentence("{checkpoints}. Size unknown.", checkpoints=text)
    left = max(0, usage.quota_bytes - usage.used_bytes)
    values = {
        "checkpoints": text,
        "size": Sentence("at least {size}", size=size(bytes_)) if least else size(bytes_),
        "left": size(left),
    }
    if bytes_ > left:
        return Sentence(
            "{checkpoints}; {size}, more than the {left} that are left: download some of them.", **values
        )
    return Sentence("{checkpoints}; {size} of the {left} that are left.", **values)
