"""Undo and redo on disk: where it stands, what it keeps, and what damage does to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.sets import history
from e2lm_core.sets.history import History
from tests.support import studios


def state(number: int) -> TaskSet:
    return studios.task(count=1).model_copy(update={"questions": (studios.question(number),)})


def save(log: History, number: int) -> None:
    log.record(log.prepare(state(number)), f"edit {number}")


@pytest.fixture
def log(tmp_path: Path) -> History:
    log = History(tmp_path / "history" / "mine")
    log.begin(state(0))
    return log


def test_nothing_is_undoable_before_the_first_edit(tmp_path: Path) -> None:
    log = History(tmp_path / "none")
    assert (log.undoable, log.redoable, log.steps) == (None, None, [])
    with pytest.raises(StudioError, match="nothing to undo"):
        log.peek(-1)


def test_looking_is_not_going(log: History) -> None:
    save(log, 1)
    assert log.peek(-1) == state(0)
    assert log.undoable == "edit 1"
    log.move(-1)
    assert (log.undoable, log.redoable) == (None, "edit 1")
    assert log.peek(1) == state(1)


def test_beginning_twice_changes_nothing(log: History) -> None:
    save(log, 1)
    log.begin(state(9))
    assert [step.action for step in log.steps] == ["open", "edit 1"]


def test_a_prepared_state_that_was_never_saved_leaves_no_step(log: History) -> None:
    save(log, 1)
    log.prepare(state(2))  # and then the disk was full
    assert log.undoable == "edit 1"
    save(log, 3)
    assert log.peek(-1) == state(1)


def test_only_the_last_states_are_kept(log: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT", 4)
    for number in range(1, 10):
        save(log, number)
    assert [step.action for step in log.steps] == ["edit 6", "edit 7", "edit 8", "edit 9"]
    assert len(list(log.folder.glob("*.json.gz"))) == 4


def test_a_damaged_state_is_one_sentence(log: History) -> None:
    save(log, 1)
    (snapshot,) = log.folder.glob("000000*")
    snapshot.write_bytes(snapshot.read_bytes()[:20])
    with pytest.raises(StudioError, match="missing or damaged"):
        log.peek(-1)
    snapshot.unlink()
    with pytest.raises(StudioError, match="missing or damaged"):
        log.peek(-1)


def test_a_damaged_cursor_forgets_the_past_and_goes_on(log: History) -> None:
    save(log, 1)
    (log.folder / "cursor.json").write_bytes(b"\xff{")
    assert log.undoable is None
    log.begin(state(1))
    save(log, 2)
    assert log.undoable == "edit 2"


def test_a_history_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StudioError, match="The edit was not saved"):
        History(tmp_path / "file" / "mine").begin(state(0))


@settings(max_examples=20, deadline=None)
@given(moves=st.lists(st.sampled_from(["edit", "undo", "redo"]), max_size=12))
def test_it_is_the_list_that_editors_keep(tmp_path_factory: pytest.TempPathFactory, moves: list[str]) -> None:
    log = History(tmp_path_factory.mktemp("history") / "mine")
    log.begin(state(0))
    model, at = [0], 0
    for number, move in enumerate(moves, start=1):
        if move == "edit":
            save(log, number)
            model, at = [*model[: at + 1], number], at + 1
        else:
            step = -1 if move == "undo" else 1
            if 0 <= at + step < len(model):
                assert log.peek(step) == state(model[at + step])
                log.move(step)
                at += step
        assert (log.undoable is not None) == (at > 0)
        assert (log.redoable is not None) == (at + 1 < len(model))


def test_any_kept_state_is_read_by_its_number(log: History) -> None:
    for number in (1, 2):
        save(log, number)
    log.move(-1)
    assert log.shown == 1
    assert [log.version(n) for n in (0, 1, 2)] == [state(0), state(1), state(2)]
    with pytest.raises(StudioError, match="missing"):
        log.version(9)
