"""Results kept as columns read as those kept one by one."""

import random
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.records import Loglikelihood, Scope
from e2lm_core.runs.store import loglikelihood_store as store_module
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore
from e2lm_core.runs.store.packed_columns import Keys
from tests.support import studios

SCOPE = Scope(fingerprint="folder:1", dtype="float32", max_length=1024, bos="none", scoring_version=1)
OTHER = SCOPE.model_copy(update={"fingerprint": "folder:2"})
# Keys whose order and whose end are hard: zeros at the end, high bytes, all that differs at the end.
DIGESTS = [bytes([a]) * 8 + bytes(7) + bytes([b]) for a in (0, 127, 128, 255) for b in (0, 1, 128, 255)]
VALUES = {key: Loglikelihood(-0.1 * number - 1e-17, number + 1) for number, key in enumerate(DIGESTS)}


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(store_module, "PACKED_FROM", 3)


def packed(folder, keys, scope=SCOPE):
    store = LoglikelihoodStore(folder / "studio.sqlite")
    store.put(scope, [(key, VALUES[key]) for key in keys])
    store.pack_scope(scope)
    return store


def rows_of(store, table="results"):
    return store.database.connection().execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_by_hand(tmp_path):
    one, two, three, four = DIGESTS[:4]
    store = packed(tmp_path, [three, one, two])
    assert (rows_of(store), rows_of(store, "packs"), studios.stored_count(store, SCOPE)) == (0, 1, 3)
    assert store.get(SCOPE, [four, two]) == {two: VALUES[two]}
    assert np.array_equal(
        store.values(SCOPE, Keys([one, four])), [VALUES[one].ll_nats, np.nan], equal_nan=True
    )
    assert store.missing(SCOPE, [one, four]) == {four}
    assert store.missing(OTHER, [one]) == {one}


def test_few_results_stay_as_they_are(tmp_path):
    store = packed(tmp_path, DIGESTS[:2])
    assert not store.pack_scope(SCOPE)
    assert not store.pack_scope(OTHER)
    assert (rows_of(store), rows_of(store, "packs")) == (2, 0)


def test_what_was_packed_stays_and_counts_once(tmp_path):
    store = packed(tmp_path, DIGESTS[:3])
    worse = [(key, Loglikelihood(-9.0, 9)) for key in DIGESTS[:5]]
    assert store.put(SCOPE, worse) == 2
    assert studios.stored_count(store, SCOPE) == 5
    assert store.get(SCOPE, DIGESTS[:3]) == {key: VALUES[key] for key in DIGESTS[:3]}
    assert store.get(SCOPE, DIGESTS[4:5])[DIGESTS[4]].ll_nats == -9.0


def test_checkpoints_with_the_same_keys_share_them(tmp_path):
    store = packed(tmp_path, DIGESTS[:5])
    packed(tmp_path, DIGESTS[:5], OTHER)
    assert (rows_of(store, "packs"), rows_of(store, "keysets")) == (2, 1)


def test_keys_that_were_looked_up_in_one_store_are_found_in_another(tmp_path):
    keys = Keys(DIGESTS)
    for number, some in enumerate((DIGESTS[:4], DIGESTS[6:12])):
        (tmp_path / str(number)).mkdir()
        store = packed(tmp_path / str(number), some)
        known = np.isfinite(store.values(SCOPE, keys))
        assert keys.mask(known) == set(some)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.sampled_from(DIGESTS)), min_size=1, max_size=4), st.sets(st.sampled_from(DIGESTS)))
def test_packed_or_not_the_answers_are_the_same(tmp_path_factory, parts, asked):
    """Parts are put and packed one after the other, so that some lie in packs of their own and some in rows."""
    folder = tmp_path_factory.mktemp("packs")
    mixed = LoglikelihoodStore(folder / "mixed.sqlite")
    plain = LoglikelihoodStore(folder / "plain.sqlite")
    for part in parts:
        rows = [(key, VALUES[key]) for key in part]
        assert mixed.put(SCOPE, rows) == plain.put(SCOPE, rows)
        mixed.pack_scope(SCOPE)
    assert mixed.get(SCOPE, asked) == plain.get(SCOPE, asked)
    assert list(mixed.get(SCOPE, asked)) == sorted(mixed.get(SCOPE, asked))
    assert mixed.missing(SCOPE, asked) == plain.missing(SCOPE, asked)
    assert studios.stored_count(mixed, SCOPE) == studios.stored_count(plain, SCOPE)
    keys = Keys(asked)
    assert np.array_equal(mixed.values(SCOPE, keys), plain.values(SCOPE, keys), equal_nan=True)


def test_who_reads_while_it_is_packed_misses_nothing(tmp_path):
    rng = random.Random(0)
    items = {rng.randbytes(16): Loglikelihood(-rng.random(), 3) for _ in range(20_000)}
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    store.put(SCOPE, items.items())
    keys, missed, over = Keys(items), [], threading.Event()

    def read():
        own = LoglikelihoodStore(tmp_path / "studio.sqlite")
        while not over.is_set():
            missed.append(int(np.isnan(own.values(SCOPE, keys)).sum()))
            missed.append(len(own.missing(SCOPE, keys)))
        own.database.close()

    reader = threading.Thread(target=read)
    reader.start()
    for part in (list(items)[:9_000], list(items)[9_000:]):
        other = Scope.model_validate(SCOPE.model_dump() | {"max_length": len(part)})
        store.put(other, [(key, items[key]) for key in part])
        store.pack_scope(other)
        store.pack_scope(SCOPE)
    over.set()
    reader.join()
    assert missed
    assert not any(missed)
    assert rows_of(store) == 0
