"""What damage leaves: a set comes back from its history, and a history that cannot be read is said and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.history import damage
from tests.support import studios


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGED = {
    "half of the questions": lambda folder: cut(folder / "test.jsonl"),
    "no questions": lambda folder: (folder / "test.jsonl").unlink(),
    "bytes": lambda folder: (folder / "test.jsonl").write_bytes(b"\xff\x00" * 500),
    "half of the YAML": lambda folder: cut(folder / "mine.yaml"),
    "a YAML that is a list": lambda folder: (folder / "mine.yaml").write_text("- a"),
    "an empty YAML": lambda folder: (folder / "mine.yaml").write_text(""),
    "examples that are none": lambda folder: (folder / "dev.jsonl").write_text("{"),
}


@pytest.mark.parametrize("how", DAMAGED)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_damaged_set_comes_back_from_its_own_history(here: Settings, how: str, number: int) -> None:
    states = [collection.open_set(here, "mine")]
    edits = ({f"q{n}": {"question": f"New {n}?"}} for n in (1, 2))
    states += [authoring.update_questions(here, "mine", edit) for edit in edits]
    folder = here.sets / "mine"
    DAMAGED[how](folder)
    broken = studios.tree(folder)
    with pytest.raises(StudioError):
        collection.open_set(here, "mine")
    assert [v.number for v in versions.list_versions(here, "mine")] == [0, 1, 2]
    restored = versions.restore_version(here, "mine", number)
    assert restored == collection.open_set(here, "mine") == states[number]
    (kept,) = (here.workspace / damage.ASIDE).iterdir()
    assert studios.tree(kept) == broken
    # The history goes on: every state is still there, and the next edit can be taken back.
    assert [v.action for v in versions.list_versions(here, "mine")][-1] == f"restore version {number}"
    assert [versions.open_version(here, "mine", n) for n in (0, 1, 2)] == states
    authoring.update_questions(here, "mine", {"q3": {"question": "New 3?"}})
    assert versions.undo(here, "mine") == states[number]


def test_a_damaged_set_without_history_is_said(here: Settings) -> None:
    cut(here.sets / "mine" / "test.jsonl")
    with pytest.raises(TaskError, match="has no version 0: it was never edited"):
        versions.restore_version(here, "mine", 0)
    assert not (here.workspace / damage.ASIDE).exists()


@pytest.mark.parametrize("content", [b"", b"garbage", b"garbage\n[1]\n5\nnull\n{}\n", b"\x00" * 500])
def test_a_history_that_cannot_be_read_is_said_and_kept(here: Settings, content: bytes) -> None:
    assert versions.history_damage(here, "mine") is None
    authoring.update_questions(here, "mine", {"q1": {"question": "New?"}})
    assert versions.history_damage(here, "mine") is None
    folder = here.workspace / "history" / "mine"
    (folder / "log.jsonl").write_bytes(content)
    assert versions.list_versions(here, "mine") == []
    assert "history cannot be read" in (versions.history_damage(here, "mine") or "")
    authoring.update_questions(here, "mine", {"q2": {"question": "New?"}})
    assert [v.action for v in versions.list_versions(here, "mine")] == [damage.ANEW, "edit question q2"]
    assert versions.history_damage(here, "mine") is None
    (aside,) = (folder / damage.ASIDE).iterdir()
    assert (aside / "log.jsonl").read_bytes() == content
    assert (aside / "000000.json.gz").is_file()
    versions.undo(here, "mine")


def test_steps_that_cannot_be_read_are_counted(here: Settings) -> None:
    for n in (1, 2):
        authoring.update_questions(here, "mine", {f"q{n}": {"question": f"New {n}?"}})
    path = here.workspace / "history" / "mine" / "log.jsonl"
    lines = path.read_bytes().splitlines()
    lines[1:1] = [b"garbage", b"7"]
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert (
        versions.history_damage(here, "mine")
        == "2 steps of mine's history cannot be read; the others are listed."
    )
    assert len(versions.list_versions(here, "mine")) == 3
