import hashlib
import os
import random
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2lm_core.base.errors import StoreError
from e2lm_core.base.records import Loglikelihood, Request, Scope
from e2lm_core.runs.store import loglikelihood_store as store_module
from e2lm_core.runs.store.loglikelihood_store import FEW_KEYS, LoglikelihoodStore, request_digest
from e2lm_core.runs.store.packed_columns import Keys
from tests.support import studios

SCOPE = Scope(fingerprint="folder:1", dtype="float32", max_length=1024, bos="none", scoring_version=1)


def test_digest_by_hand():
    raw = struct.pack("<Q", 2) + b"\xc3\xa9" + struct.pack("<Q", 1) + b"b"
    assert request_digest(Request("é", "b")) == hashlib.sha256(raw).digest()[:16]


def test_digest_tells_where_the_context_ends():
    assert request_digest(Request("ab", "c")) != request_digest(Request("a", "bc"))
    assert request_digest(Request("a", " b")) != request_digest(Request("a ", "b"))
    assert len(request_digest(Request("", ""))) == 16


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_digest_is_equal_for_equal_requests_alone(one, other):
    assert (request_digest(Request(*one)) == request_digest(Request(*other))) == (one == other)


def test_put_and_get(tmp_path):
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    known, unknown = request_digest(Request("q", " a")), request_digest(Request("q", " b"))
    assert store.get(SCOPE, [known]) == {}
    assert studios.stored_count(store, SCOPE) == 0
    assert store.put(SCOPE, [(known, Loglikelihood(-1.25, 3))]) == 1
    assert store.get(SCOPE, [known, unknown, known]) == {known: Loglikelihood(-1.25, 3)}
    assert studios.stored_count(store, SCOPE) == 1


def test_what_was_saved_once_stays_and_counts_once(tmp_path):
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    key = request_digest(Request("q", " a"))
    store.put(SCOPE, [(key, Loglikelihood(-1.25, 3))])
    assert store.put(SCOPE, [(key, Loglikelihood(-1.250001, 3))]) == 0
    assert store.get(SCOPE, [key])[key].ll_nats == -1.25


def test_what_is_all_here_is_read_without_what_the_package_brings(tmp_path, monkeypatch):
    def unreadable():
        raise StoreError("The shipped results cannot be read.")

    monkeypatch.setattr(store_module.shipped_results, "load_shipped", unreadable)
    store = LoglikelihoodStore(tmp_path / "studio.sqlite", with_shipped=True)
    known, unknown = request_digest(Request("q", " a")), request_digest(Request("q", " b"))
    store.put(SCOPE, [(known, Loglikelihood(-1.25, 3))])
    assert store.get(SCOPE, [known]) == {known: Loglikelihood(-1.25, 3)}
    with pytest.raises(StoreError):
        store.get(SCOPE, [known, unknown])


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "folder:2"},
        {"dtype": "bfloat16"},
        {"max_length": 512},
        {"bos": "prepend:1"},
        {"scoring_version": 2},
    ],
)
def test_each_part_of_a_scope_keeps_results_apart(tmp_path, change):
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    key = request_digest(Request("q", " a"))
    other = SCOPE.model_copy(update=change)
    store.put(SCOPE, [(key, Loglikelihood(-1.0, 1))])
    assert store.get(other, [key]) == {}
    store.put(other, [(key, Loglikelihood(-2.0, 1))])
    assert store.get(SCOPE, [key])[key].ll_nats == -1.0


def test_not_a_number_is_refused_and_nothing_of_its_batch_saved(tmp_path):
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    items = [(bytes(15) + b"1", Loglikelihood(-1.0, 1)), (bytes(15) + b"2", Loglikelihood(float("nan"), 1))]
    with pytest.raises(StoreError, match="not a number"):
        store.put(SCOPE, items)
    assert studios.stored_count(store, SCOPE) == 0
    store.put(SCOPE, [(bytes(16), Loglikelihood(float("-inf"), 1))])
    assert store.get(SCOPE, [bytes(16)])[bytes(16)].ll_nats == float("-inf")


def test_floats_come_back_bit_for_bit(tmp_path):
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    rng = random.Random(0)
    items = {rng.randbytes(16): Loglikelihood(-rng.expovariate(0.1), rng.randint(1, 50)) for _ in range(500)}
    store.put(SCOPE, items.items())
    assert store.get(SCOPE, items) == items


def test_many_results_go_in_and_come_out_in_parts(tmp_path):
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    rng = random.Random(0)
    items = {
        rng.randbytes(16): Loglikelihood(-rng.random(), 3) for _ in range(70_000)
    }  # beyond SQLite's parameters
    store.put(SCOPE, items.items())
    assert store.get(SCOPE, items) == items


@pytest.mark.parametrize("held", [0, 2_500, 5_000, 20_000])
def test_read_in_a_run_or_looked_up_it_is_what_was_asked_for(tmp_path, held):
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    rng = random.Random(held)
    items = {rng.randbytes(16): Loglikelihood(-rng.random(), 3) for _ in range(held)}
    other = SCOPE.model_copy(update={"dtype": "bfloat16"})
    for scope in (SCOPE, other):
        store.put(scope, items.items())
    known = rng.sample(list(items), min(held, 2_400))
    asked = [*known, *(rng.randbytes(16) for _ in range(100))]
    assert store.get(SCOPE, asked) == {key: items[key] for key in known}
    values = store.values(SCOPE, Keys(asked))
    expected = [items[key].ll_nats if key in known else np.nan for key in sorted(asked)]
    assert np.array_equal(values, expected, equal_nan=True)
    assert store.missing(SCOPE, asked) == set(asked) - set(known)


_WRITER = """
import sys
from pathlib import Path
from e2lm_core.base.records import Loglikelihood, Scope
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore
scope = Scope(fingerprint="folder:1", dtype="float32", max_length=1024, bos="none", scoring_version=1)
store = LoglikelihoodStore(Path(sys.argv[1]))
for chunk in range(100_000):
    store.put(scope, [(chunk.to_bytes(8, "big") + i.to_bytes(8, "big"), Loglikelihood(-1.0 * chunk, i))
                      for i in range(50)])
    if chunk == 3:
        print("going", flush=True)
"""


def test_killed_writer_leaves_whole_chunks(tmp_path):
    path = tmp_path / "studio.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"going\n"
    time.sleep(random.random() / 10)
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    store = LoglikelihoodStore(path)
    count = studios.stored_count(store, SCOPE)
    assert count >= 200
    assert count % 50 == 0
    last = count // 50 - 1
    keys = [last.to_bytes(8, "big") + i.to_bytes(8, "big") for i in range(50)]
    assert store.get(SCOPE, keys) == {key: Loglikelihood(-1.0 * last, i) for i, key in enumerate(keys)}


@pytest.mark.parametrize("count", [3, 3 * FEW_KEYS])
def test_of_many_scopes_each_has_its_own(tmp_path, count):
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    scopes = [SCOPE, *(SCOPE.model_copy(update={"fingerprint": name}) for name in ("one", "none"))]
    keys = [number.to_bytes(16, "big") for number in range(count)]
    store.put(scopes[0], [(key, Loglikelihood(-n, 1)) for n, key in enumerate(keys[1:])])
    store.put(scopes[1], [(keys[0], Loglikelihood(-9, 1))])
    asked = Keys(keys)
    together = store.values_of_all(scopes, asked)
    assert all(
        np.array_equal(found, store.values(scope, asked), equal_nan=True)
        for scope, found in zip(scopes, together, strict=True)
    )
    assert store.missing_of_all(scopes, keys) == [{keys[0]}, set(keys[1:]), set(keys)]
    assert [store.missing(scope, keys) for scope in scopes] == [{keys[0]}, set(keys[1:]), set(keys)]


def test_what_is_absent_is_known_from_memory_only_once_it_is_saved_for_good(tmp_path):
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    keys = [request_digest(Request("q", f" {n}")) for n in range(3)]
    assert store.missing(SCOPE, keys) == set(keys)

    def taken_back() -> None:
        with store.database.transaction():
            store.put(SCOPE, [(keys[0], Loglikelihood(-1.0, 1))])
            assert store.missing(SCOPE, keys) == set(keys[1:])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        taken_back()
    assert store.missing(SCOPE, keys) == set(keys)
    LoglikelihoodStore(tmp_path / "studio.sqlite").put(
        SCOPE, [(keys[1], Loglikelihood(-1.0, 1))]
    )  # another process, say
    assert store.missing(SCOPE, keys) == {keys[0], keys[2]}
    assert store.missing(SCOPE, keys[1:2]) == set()
    assert store.missing(SCOPE.model_copy(update={"dtype": "float16"}), keys[1:2]) == {keys[1]}


def test_another_database_in_the_same_place_holds_other_results(tmp_path):
    store, key = LoglikelihoodStore(tmp_path / "studio.sqlite"), request_digest(Request("q", " a"))
    store.put(SCOPE, [(key, Loglikelihood(-1.0, 1))])
    assert store.missing(SCOPE, [key]) == set()
    store.database.close()
    for path in tmp_path.glob("studio.sqlite*"):
        path.rename(path.with_name(f"old-{path.name}"))  # kept, so that its number is not given again
    assert store.missing(SCOPE, [key]) == {key}


def test_what_is_remembered_as_there_stays_within_its_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "_KEPT_KEYS", 5)
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    keys = [request_digest(Request("q", f" {n}")) for n in range(3)]
    scopes = [SCOPE.model_copy(update={"fingerprint": f"folder:{n}"}) for n in range(4)]
    for scope in scopes:
        store.put(scope, [(key, Loglikelihood(-1.0, 1)) for key in keys])
        for _ in range(2):
            assert store.missing(scope, keys) == set()
        assert store._present_keys == sum(map(len, store._present.values())) <= 5
    assert [scope for scope, _ in store._present] == [scopes[-1]]
    assert store.missing(scopes[0], keys) == set()  # looked up again
