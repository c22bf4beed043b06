"""A home with finished results that were never computed: log-likelihoods of learners of several paces.

For benchmarks of what comes after the computing: reading, scoring, drawing.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from e2lm_core.base.records import Checkpoint, Loglikelihood, Scope, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.runs.store import requests
from e2lm_core.runs.store.loglikelihood_store import request_digest
from e2lm_core.runs.store.packed_columns import PACKED_FROM, Keys, PackedResults
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets.folder.files import write_task
from e2lm_core.sets.prompts.render import render_set

SPREAD_NATS = 1.5  # of the choices' log-likelihoods around those of a blind reader
TOKENS = 3  # of a choice
GAIN_NATS = 4.0  # what the gold choice gains by the end, for a model of the largest size


def home(folder: Path, task: TaskSet, pattern: str = "*") -> Studio:
    """A studio in `folder` whose own set `task` has every result at the checkpoints that `pattern` names."""
    studio = open_studio(
        Settings.from_env({"E2LM_HOME": str(folder), "E2LM_DEVICE": "cpu", "E2LM_SHIPPED": "0"})
    )
    target = studio.settings.sets / task.name
    if not target.exists():
        write_task(task, target, studio.settings.limits)
    fill(studio, task, studio.catalogue.match_globs([pattern]))
    return studio


def fill(studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint]) -> None:
    """Put the results of the whole set into the store, unless they are there."""
    docs = render_set(task)
    keys = [[request_digest(request) for request in requests.requests_of(doc)] for doc in docs]
    flat = [key for doc in keys for key in doc]
    distinct = Keys(flat)
    question = np.repeat(np.arange(len(docs)), [len(doc) for doc in keys])
    gold = np.concatenate([np.arange(len(doc.choices)) == doc.gold for doc in docs])
    rng = np.random.default_rng(0)
    blind = -12.0 + SPREAD_NATS * rng.standard_normal(len(flat))
    ease = rng.uniform(0.2, 1.8, len(docs))[question]
    for checkpoint in checkpoints:
        scope = studio.backend.scope(checkpoint)
        if not studio.store.missing(scope, distinct):
            continue
        noise = np.random.default_rng(zlib.crc32(checkpoint.name.encode())).standard_normal(len(flat))
        ll = blind + 0.6 * noise + gold * ease * _knowledge(checkpoint)
        if len(distinct) < PACKED_FROM:
            rows = {key: Loglikelihood(value, TOKENS) for key, value in zip(flat, ll.tolist(), strict=True)}
            studio.store.put(scope, rows.items())
        else:
            values = np.empty(len(distinct))
            values[distinct.positions_of(flat)] = ll
            _pack(studio, scope, distinct, values)


def _pack(studio: Studio, scope: Scope, keys: Keys, values: np.ndarray) -> None:
    """What `Store.pack` makes of rows, without the rows: of 100,000 questions they take seconds a checkpoint."""
    with studio.store.database.transaction() as connection:
        studio.store.put(scope, [])
        fingerprint = scope.fingerprint, scope.dtype
        query = "SELECT id FROM scopes WHERE (fingerprint, dtype) = (?, ?)"
        (number,) = connection.execute(query, fingerprint).fetchone()
        PackedResults().put(connection, number, keys.blob, values, np.full(len(keys), TOKENS))


def _knowledge(checkpoint: Checkpoint) -> float:
    """Rises with the step, sooner for larger models; the web twin learns nothing."""
    if checkpoint.model.twin_of:
        return 0.0
    parameters = checkpoint.model.parameters or 1e6
    start = 900 - 250 * np.log10(parameters / 1e5)
    return float(GAIN_NATS / (1 + np.exp(-(checkpoint.step - start) / 250)))
