"""Two of the twenty tasks, as continuous integration runs them; `make proof` does all."""

from __future__ import annotations

import pytest

from benchmarks import tasks
from tests.conftest import needs


def test_ten_are_a_teachers_and_ten_a_researchers() -> None:
    assert [task.who for task in tasks.TASKS] == ["teacher"] * 10 + ["researcher"] * 10
    assert len({task.title for task in tasks.TASKS}) == 20


def test_the_table_has_a_row_for_each_task() -> None:
    [task] = [one for one in tasks.TASKS if one.title == "Mend a text"]
    assert tasks.table([tasks.Counted(task, 4, 2, 235)]).splitlines()[2:] == [
        "| teacher | Mend a text | 4 | 2 | 235 |"
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "title", ["Restore an older version", "Ask whether two architectures are told apart"]
)
def test_a_task_is_done_by_the_names_on_the_page(browser, title) -> None:
    needs("ladder")
    [task] = [one for one in tasks.TASKS if one.title == title]
    counted = tasks.count(browser, task)
    assert not counted.failed
    assert 2 < counted.clicks < 12
    assert 1 < counted.views < 6
