"""A set as a table has it: whole at first, then only what has changed, whoever changed it."""

from __future__ import annotations

import json

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import table_sync
from tests.support import studios


@pytest.fixture
def here(tmp_path) -> Settings:
    settings = Settings(home=tmp_path, author="ada")
    collection.create_set(settings, "mine", [studios.question(n) for n in range(1, 6)])
    return settings


class Table:
    """What a browser does with what it is told."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.digest = settings, None
        self.rows: dict[str, dict] = {}
        self.sent: list[str] = []

    def ask(self) -> table_sync.TableState:
        told = table_sync.changes_since(self.settings, "mine", self.digest)
        new = {row["id"]: row for row in map(json.loads, told.rows)}
        self.sent = list(new)
        left = {} if told.whole else {i: r for i, r in self.rows.items() if i not in told.gone}
        rows = left | new
        self.rows = rows if told.order is None else {i: rows[i] for i in told.order}
        self.digest = told.digest
        return told

    def agrees(self) -> bool:
        questions = collection.open_set(self.settings, "mine").questions
        return [(q.id, q.question, list(q.choices)) for q in questions] == [
            (r["id"], r["question"], r["choices"]) for r in self.rows.values()
        ]


def test_a_table_follows_with_what_has_changed_alone(here: Settings) -> None:
    table = Table(here)
    assert table.ask().whole
    assert table.agrees()
    told = table.ask()
    assert (told.rows, told.gone, told.order) == ((), (), None)
    authoring.update_questions(here, "mine", {"q2": {"question": "Another?"}})
    table.ask()
    assert table.sent == ["q2"]
    assert table.agrees()
    authoring.delete_questions(here, "mine", ["q1", "q3"])
    authoring.add_questions(here, "mine", [studios.question(9, id="q9")])
    told = table.ask()
    assert (table.sent, told.gone, told.order) == (["q9"], ["q1", "q3"], None)
    assert table.agrees()
    authoring.move_question(here, "mine", "q9", 1)
    told = table.ask()
    assert (table.sent, told.order) == ([], ("q9", "q2", "q4", "q5"))
    assert table.agrees()


def test_a_state_that_nobody_knows_any_more_is_sent_whole(here: Settings) -> None:
    assert table_sync.changes_since(here, "mine", "0" * 32).whole


def test_a_set_that_is_gone_is_said(here: Settings) -> None:
    with pytest.raises(TaskError):
        table_sync.changes_since(here, "gone")


def test_two_questions_of_one_id_are_two_rows(here: Settings) -> None:
    table = Table(here)
    table.ask()
    path = here.home / "sets/mine/test.jsonl"
    before = collection.open_set(here, "mine").questions
    path.write_text(path.read_text().replace('"id": "q4"', '"id": "q2"'))
    table.ask()
    assert [row["question"] for row in table.rows.values()] == [question.question for question in before]
    assert list(table.rows) == ["q1", "q2", "q3", "q2_", "q5"]
    authoring.update_questions(here, "mine", {"q2_": {"question": "New?"}})
    table.ask()
    assert table.sent == ["q2_"]
    assert table.agrees()
