"""Arrays that lie in files: sent by their place, shared by who maps them, gone with the last who uses them, never half there."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.memory import mapped
from e2lm_core.base.memory.mapped import Mapped

VALUES = np.arange(24.0).reshape(4, 3, 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / f"one{mapped.SUFFIX}"


def lying(path: Path) -> Mapped:
    array = mapped.written(path, (VALUES[:1], VALUES[1:]), "<f8")
    assert array is not None
    return array


def test_what_was_written_is_read_as_it_was_and_cannot_be_changed(path: Path) -> None:
    array = lying(path)
    np.testing.assert_array_equal(array, VALUES)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0, 0] = 1.0


def test_what_is_computed_of_it_is_an_ordinary_array(path: Path) -> None:
    array = lying(path)
    assert type(array + 1) is type(np.isnan(array)) is type(array.mean(axis=0)) is np.ndarray
    assert type(array.sum()) is np.float64


def test_a_part_is_sent_by_its_place_and_is_of_the_one_mapping(path: Path) -> None:
    large = mapped.written(path, (np.full((100, 1_000), 0.5),), "<f8")
    assert large is not None
    sent = pickle.dumps(large[10:20])
    assert len(sent) < 1_000
    there = pickle.loads(sent)
    np.testing.assert_array_equal(there, large[10:20])
    assert mapped.whole_of(there) is mapped.whole_of(large)


def test_what_has_no_place_of_its_own_is_sent_as_it_is(path: Path) -> None:
    array = lying(path)
    for part in (array[:, [2, 0]], array[:, 1:], array[::2]):
        there = pickle.loads(pickle.dumps(part))
        np.testing.assert_array_equal(there, part)
        assert mapped.whole_of(there) is None


def test_where_the_file_is_gone_its_content_is_sent(path: Path) -> None:
    array = lying(path)
    path.unlink()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(array)), VALUES)


def test_neighbours_are_one_array_without_a_copy(path: Path) -> None:
    array = lying(path)
    whole = mapped.together([array[:1], array[1:3], array[3:]])
    assert whole is not None
    np.testing.assert_array_equal(whole, VALUES)
    assert np.shares_memory(whole, array)
    assert mapped.together([array[:1], array[2:]]) is None
    assert mapped.together([array[1:], array[:1]]) is None
    assert mapped.together([array[:2], VALUES[2:]]) is None
    assert mapped.together([VALUES]) is mapped.together([]) is None


def test_with_the_last_who_uses_it_the_file_goes_and_what_is_named_after_it(path: Path) -> None:
    array = lying(path)
    mapped.of_owner(array)
    beside = mapped.map_file(mapped.named_after(path, "acc"), lambda: [VALUES], "<f8", VALUES.shape)
    other = path.with_name(f"other{mapped.SUFFIX}")
    other.touch()
    part = array[1]
    del array
    gc.collect()
    assert path.exists()
    del part, beside
    gc.collect()
    assert list(path.parent.iterdir()) == [other]


def test_what_is_there_is_not_made_again(path: Path) -> None:
    array = lying(path)
    again = mapped.map_file(path, lambda: pytest.fail("made again"), "<f8", VALUES.shape)
    assert again is not None
    assert np.shares_memory(array, again)


def test_one_that_is_killed_leaves_nothing_that_is_believed(path: Path) -> None:
    def killed() -> Iterator[np.ndarray]:
        yield VALUES[:1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mapped.written(path, killed(), "<f8")
    assert list(path.parent.iterdir()) == []
    half = path.with_name(f"{path.name}.abc{mapped.UNFINISHED}")
    half.write_bytes(b"half")  # as one leaves it that could not tidy up
    assert not path.exists()
    lying(path)
    mapped.sweep(path.parent)
    assert list(path.parent.iterdir()) == []


def test_where_nothing_can_be_written_it_is_said_and_none(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.write_text("a file where the folder should be")
    assert mapped.written(path, (VALUES,), "<f8") is None
    assert "stays in memory" in caplog.text
