"""Shard files: log-likelihoods of one share of a run.

Lines of JSON: a header with the set, the share and the checkpoints; a line for each checkpoint with its scope
(the model's part of every key), its name, and `digests` [R · 16 bytes], `ll_nats` [R] as little-endian
float64, `tokens` [R] as little-endian uint32, each in base64; an end with the sha256 of all lines before it.
So every number is restored to the bit, a truncated file is detected, and the file has no text of the set.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from pydantic import Field, ValidationError

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Checkpoint, Loglikelihood, Record, Scope, TaskSet
from e2lm_core.base.untrusted import safejson
from e2lm_core.base.untrusted.regular_files import open_regular
from e2lm_core.runs.shards.split import Shard
from e2lm_core.runs.store.loglikelihood_store import DIGEST_BYTES
from e2lm_core.runs.store.requests import RequestIndex, render_prompts
from e2lm_core.runs.studio import Studio

FORMAT, VERSION = "e2lm-results", 1
# Room for 100,000 questions of 26 choices at 28 bytes each, in base64, with a margin.
MAX_OF_A_LINE = 128 * 2**20
_POSITIVE = 1e-3  # nats: a probability of 1 may be rounded up to this


class ShardHeader(Record):
    """Header of a shard file.

    Attributes:
        format: Name of the file format.
        version: Version of the file format.
        set: Name of the set.
        num_fewshot: Number of few-shot examples.
        shard: The share.
        fleet: Names of all checkpoints of the run.
        checkpoints: Names of the checkpoints of this share.
    """

    format: str = FORMAT
    version: int = VERSION
    set: str
    num_fewshot: int
    shard: Shard
    fleet: tuple[str, ...] = Field(max_length=100_000)
    checkpoints: tuple[str, ...] = Field(max_length=100_000)


class CheckpointResults(Record):
    """Results of one checkpoint by the store's keys."""

    checkpoint: str
    scope: Scope
    results: dict[bytes, Loglikelihood]


def shard_lines(
    studio: Studio,
    task: TaskSet,
    fleet: Sequence[Checkpoint],
    mine: Sequence[Checkpoint],
    shard: Shard,
    num_fewshot: int | None = None,
) -> Iterator[bytes]:
    """Lines of the shard file with the stored results of a set at a share of a fleet.

    Args:
        studio: Store and backend.
        task: The set.
        fleet: All checkpoints of the run.
        mine: Checkpoints of this share.
        shard: The share.
        num_fewshot: Number of few-shot examples; None for the set's own.
    """
    shots = task.config.num_fewshot if num_fewshot is None else num_fewshot
    head = ShardHeader(
        set=task.name,
        num_fewshot=shots,
        shard=shard,
        fleet=tuple(c.name for c in fleet),
        checkpoints=tuple(c.name for c in mine),
    )
    keys = RequestIndex(render_prompts(task, num_fewshot)).texts
    sha256 = hashlib.sha256()
    for line in _lines(studio, keys, head, mine):
        sha256.update(line)
        yield line
    yield _line({"end": True, "sha256": sha256.hexdigest()})


def _lines(
    studio: Studio, keys: Iterable[bytes], head: ShardHeader, mine: Sequence[Checkpoint]
) -> Iterator[bytes]:
    yield _line(head.model_dump())
    for checkpoint in mine:
        scope = studio.backend.scope(checkpoint)
        found = studio.store.get(scope, keys)
        order = sorted(found)
        columns = {
            "digests": b"".join(order),
            "ll_nats": np.array([found[key].ll_nats for key in order], "<f8").tobytes(),
            "tokens": np.array([found[key].tokens for key in order], "<u4").tobytes(),
        }
        packed = {name: base64.b64encode(data).decode() for name, data in columns.items()}
        yield _line(
            {"checkpoint": checkpoint.name, "scope": scope.model_dump(), "rows": len(order), **packed}
        )


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, allow_nan=False).encode() + b"\n"


def read_shard(path: Path) -> tuple[ShardHeader, list[CheckpointResults]]:
    """Header and checkpoints of a shard file, completely checked.

    Raises:
        StudioError: The file cannot be read, is no shard file, is of another version, or was truncated or
            altered.
    """
    where = quote(str(path))
    try:
        with open_regular(path) as file:
            sha256 = hashlib.sha256()
            head, parts = _head(_next(file, where, sha256), where), []
            while "end" not in (value := _next(file, where, sha256)):
                parts.append(_part(value, where))
            if value.get("sha256") != value["before"] or file.read(1):
                raise StudioError(f"{where} was altered or cut short: write it again with evaluate --shard.")
    except OSError as error:
        raise StudioError(f"{where} cannot be read ({error.strerror or error}): check its path.") from error
    return head, parts


def _next(file: BinaryIO, where: str, sha256: Any) -> dict[str, Any]:
    """Next line of the file; its key `before` gets the sha256 of all lines before it."""
    line = file.readline(MAX_OF_A_LINE)
    if not line.endswith(b"\n"):
        raise StudioError(
            f"{where} is no file of results, or it was cut short: write it with evaluate --shard."
        )
    try:
        value = safejson.loads(line.decode())
    except ValueError as error:
        raise StudioError(f"{where} is no file of results: evaluate --shard writes one.") from error
    if not isinstance(value, dict):
        raise StudioError(f"{where} is no file of results: evaluate --shard writes one.")
    value["before"] = sha256.hexdigest()
    sha256.update(line)
    return value


def _head(value: dict[str, Any], where: str) -> ShardHeader:
    if value.get("format") != FORMAT:
        raise StudioError(f"{where} is no file of results: evaluate --shard writes one.")
    if value.get("version") != VERSION:
        raise StudioError(
            f"{where} was written by another version of the studio: update the older of the two."
        )
    try:
        return ShardHeader.model_validate({name: value.get(name) for name in ShardHeader.model_fields})
    except ValidationError as error:
        raise StudioError(f"{where} has no usable head ({_first(error)}): write it again.") from error


def _part(value: dict[str, Any], where: str) -> CheckpointResults:
    name = quote(str(value.get("checkpoint")))
    broken = StudioError(
        f"{where}: the line of {name} is damaged: write the file again with evaluate --shard."
    )
    try:
        scope = Scope.model_validate(value["scope"])
        columns = [base64.b64decode(value[key], validate=True) for key in ("digests", "ll_nats", "tokens")]
        ll_nats, tokens = np.frombuffer(columns[1], "<f8"), np.frombuffer(columns[2], "<u4")
        rows = int(value["rows"])
        checkpoint = str(value["checkpoint"])
    except (KeyError, TypeError, ValueError) as error:
        raise broken from error
    if (
        not len(columns[0])
        == rows * DIGEST_BYTES
        == len(ll_nats) * DIGEST_BYTES
        == len(tokens) * DIGEST_BYTES
    ):
        raise broken
    if any(math.isnan(ll) or ll > _POSITIVE for ll in ll_nats.tolist()):
        raise StudioError(
            f"{where}: {name} has a log-likelihood that is none: it must be a number of at most 0."
        )
    digests = [columns[0][i : i + DIGEST_BYTES] for i in range(0, len(columns[0]), DIGEST_BYTES)]
    results = map(Loglikelihood, ll_nats.tolist(), tokens.tolist())
    return CheckpointResults(
        checkpoint=checkpoint, scope=scope, results=dict(zip(digests, results, strict=True))
    )


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
