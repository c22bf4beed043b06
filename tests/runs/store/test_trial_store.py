"""Results of a trial: in memory, over the stored ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from e2lm_core.base.records import Loglikelihood, Scope
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore
from e2lm_core.runs.store.packed_columns import Keys
from e2lm_core.runs.store.trial_store import TrialStore

SCOPES = [Scope(fingerprint=f, dtype="float32", max_length=8, bos="none", scoring_version=1) for f in "xy"]
A, B, C = (bytes([n]) * 15 + b"\0" for n in (1, 2, 3))  # a digest may end in a zero


def test_memory_lies_over_the_store_and_never_reaches_it(tmp_path: Path) -> None:
    stored = LoglikelihoodStore(tmp_path / "studio.sqlite")
    stored.put(SCOPES[0], [(A, Loglikelihood(-1.0, 1))])
    trial, keys = TrialStore(stored), Keys([A, B, C])
    with trial.together():
        assert trial.put(SCOPES[0], [(B, Loglikelihood(-2.0, 1))]) == 1
        trial.put(SCOPES[1], [(C, Loglikelihood(-3.0, 1))])
    assert not trial.pack_scope(SCOPES[0])
    np.testing.assert_array_equal(trial.values(SCOPES[0], keys), [-1.0, -2.0, np.nan])
    assert trial.missing_of_all(SCOPES, keys) == [frozenset([C]), frozenset([A, B])]
    assert stored.missing(SCOPES[0], keys) == {B, C}
    assert stored.missing(SCOPES[1], keys) == {A, B, C}

    handed = TrialStore(stored)
    handed.load(trial.dump())
    for one, other in zip(handed.values_of_all(SCOPES, keys), trial.values_of_all(SCOPES, keys), strict=True):
        np.testing.assert_array_equal(one, other)
    empty = TrialStore(stored)
    empty.load(TrialStore(stored).dump())
    assert empty.missing_of_all(SCOPES, keys)[0] == {B, C}
