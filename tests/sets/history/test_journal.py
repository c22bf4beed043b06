"""The log of a set's steps as a file: what is torn, withdrawn, written by others meanwhile or refused by the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.sets.history.journal import Journal, Step, utc_now
from tests.support import studios

TASK = studios.task()


def step(number: int) -> tuple[Step, dict]:
    return Step(number=number, action=f"edit {number}", who="ada", at=utc_now(), digest=f"d{number}"), {}


@pytest.fixture
def log(tmp_path: Path) -> Journal:
    log = Journal(tmp_path / "history" / "mine")
    log.append([step(1)], TASK, "d0")
    log.confirm()
    return log


def numbers(log: Journal) -> list[int]:
    return [s.number for s in log.steps]


def test_before_the_first_edit_there_is_nothing(tmp_path: Path) -> None:
    log = Journal(tmp_path / "none")
    assert (log.steps, log.last, log.pending, log.is_long) == ([], None, [], False)
    assert not log.folder.exists()


def test_the_first_step_is_preceded_by_the_state_that_was_opened(log: Journal) -> None:
    again = Journal(log.folder)
    assert [(s.number, s.action, s.who, s.digest) for s in again.steps] == [
        (0, "open", "", "d0"), (1, "edit 1", "ada", "d1")
    ]  # fmt: skip
    assert log.snapshot(0) == TASK
    assert again.pending == []


def test_a_step_that_was_not_confirmed_is_pending_until_it_is_withdrawn(log: Journal) -> None:
    log.append([step(2), step(3)], TASK, "d1")
    assert [e.step.number for e in Journal(log.folder).pending] == [2, 3]
    log.drop_pending()
    assert numbers(log) == numbers(Journal(log.folder)) == [0, 1]
    log.append([step(2)], TASK, "d1")
    log.confirm()
    assert numbers(Journal(log.folder)) == [0, 1, 2]


def test_what_another_wrote_meanwhile_is_read(log: Journal) -> None:
    other = Journal(log.folder)
    for number in (2, 3):
        other.append([step(number)], TASK, "")
        other.confirm()
        assert numbers(Journal(log.folder)) == list(range(number + 1))
    other.rewrite(other.entries[2:])
    assert numbers(Journal(log.folder)) == [2, 3]
    assert Journal(log.folder).snapshots() == set()


def test_a_line_that_a_loss_of_power_tore_is_passed_over_and_written_over(log: Journal) -> None:
    with log.path.open("ab") as file:
        file.write(b'{"number":2,"acti')
    torn = Journal(log.folder)
    assert numbers(torn) == [0, 1]
    torn.append([step(2)], TASK, "d1")
    assert numbers(Journal(log.folder)) == [0, 1, 2]
    assert b"acti{" not in log.path.read_bytes()


def test_an_empty_file_is_no_history(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "log.jsonl").touch()
    log = Journal(tmp_path / "mine")
    log.append([step(1)], TASK, "d0")
    assert numbers(Journal(log.folder)) == [0, 1]


def test_names_are_given_and_taken_away(log: Journal) -> None:
    log.name_step(1, "as sent")
    assert [s.name for s in Journal(log.folder).steps] == [None, "as sent"]
    log.rewrite(log.entries[1:])
    assert [s.name for s in Journal(log.folder).steps] == ["as sent"]
    log.name_step(1, "")
    assert [s.name for s in Journal(log.folder).steps] == [None]


def test_a_damaged_full_state_is_one_sentence(log: Journal) -> None:
    (log.folder / "000000.json.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(StudioError, match=r"000000\.json\.gz is missing or damaged"):
        log.snapshot(0)
    with pytest.raises(StudioError, match="missing or damaged"):
        log.snapshot(7)


def test_a_history_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StudioError, match=r"^Nothing was changed: mine's history cannot be written"):
        Journal(tmp_path / "file" / "mine").append([step(1)], TASK, "d0")
