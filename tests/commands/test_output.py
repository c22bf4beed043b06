"""How commands open what they are given, and how a table shows a value."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest

from e2lm_core.base.errors import CheckpointError, StudioError
from e2lm_core.base.records import TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.commands import opening, output
from e2lm_core.sets import collection
from tests.commands.conftest import Cli
from tests.support import studios


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (float("nan"), "–"), (True, "yes"), (0.12345, "0.123"), (12_345, "12,345"), ("a", "a")],
)
def test_a_cell_is_short_and_a_missing_one_a_dash(value: Any, shown: str) -> None:
    assert output.cell(value) == shown


def test_a_table_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(False, {"rows": []}, [])
    assert capsys.readouterr().out == "Nothing here yet.\n"


def narrow(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """A terminal of so many columns."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)


NUMBERS = {"set": "ladder_science", "sq": 0.9681, "n": 12_345, "interval": "0.968 [0.688, 1.000]"}


@pytest.mark.parametrize("columns", [12, 20, 30, 40, 60, 80, 200])
def test_no_terminal_is_so_narrow_that_a_number_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    narrow(monkeypatch, columns)
    output.print_table(False, {}, [NUMBERS, NUMBERS | {"set": "a", "n": None}])
    words = capsys.readouterr().out.split()
    for number, count in (("0.968", 4), ("12,345", 1), ("[0.688,", 2), ("1.000]", 2), ("–", 1)):
        assert words.count(number) == count, (number, words)


def test_where_no_table_fits_each_row_is_a_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow(monkeypatch, 24)
    output.print_table(False, {}, [NUMBERS])
    assert capsys.readouterr().out.split("\n") == [
        *("set: ladder_science", "sq: 0.968", "n: 12,345", "interval: 0.968 [0.688, ", "1.000]", "", ""),
    ]


def test_long_texts_give_way_to_short_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow(monkeypatch, 40)
    output.print_table(False, {}, [{"discrimination": 0.5, "question": "Which of these is a metal? " * 3}])
    out = re.sub(r"\x1b\[[0-9]*m", "", capsys.readouterr().out)  # bold
    assert out.startswith("discrimination  question")
    assert max(map(len, out.splitlines())) <= 40


def test_json_is_ascii_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(True, {"a": "é\ud800"}, [])
    assert capsys.readouterr().out == '{"a": "\\u00e9\\ud800"}\n'


def test_metrics_that_there_are_not_are_refused() -> None:
    opening.require_metrics(["acc", "bpb"])
    with pytest.raises(StudioError, match=r"The metric 'f1' does not exist: use one of acc, .*bpb\.$"):
        opening.require_metrics(["acc", "f1"])


def test_globs_mean_the_checkpoints_that_can_be_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    catalogue = SimpleNamespace(match_globs=lambda globs: ("matched", *globs))

    def usable(names):
        return (
            tuple(n for n in names if n != "broken"),
            ("One left out.",) * ("broken" in names),
        )

    studio = cast(
        "Any",
        SimpleNamespace(catalogue=catalogue, usable_checkpoints=usable),
    )
    assert opening.chosen_checkpoints(studio, ["a/*"]) == ("matched", "a/*")
    assert capsys.readouterr().err == ""
    assert opening.chosen_checkpoints(studio, ["broken"]) == ("matched",)
    assert capsys.readouterr().err == "One left out.\n"
    catalogue.match_globs = tuple
    with pytest.raises(CheckpointError, match="One left out"):
        opening.chosen_checkpoints(studio, ["broken"])


def test_a_set_is_opened_with_what_was_computed_of_it(
    call: Cli, computed: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = opening.open_measured("little", ["ladder-small-arch1/*"], None)
    assert (opened.task.name, opened.measured.complete_checkpoints) == ("little", 10)
    for partly in (False, True):
        with pytest.raises(StudioError, match="little has no results yet: run `evaluate little` first"):
            opening.open_measured("little", None, 2, partly)


def test_a_set_that_was_edited_after_its_run_has_results(call: Cli, computed: Settings) -> None:
    questions = collection.open_set(computed, "little").questions
    for changed, said in (
        (1, f"1 of {len(questions)} questions of edited lacks results, since it changed"),
        (2, f"2 of {len(questions)} questions of edited lack results, since they changed"),
    ):
        new = [q.model_copy(update={"question": f"{q.question} And why?"}) for q in questions[:changed]]
        edited = TaskSet(config=TaskConfig(task="edited"), questions=(*new, *questions[changed:]))
        studios.write_example(computed, edited)
        assert call("score", "edited", code=2).startswith(said)
