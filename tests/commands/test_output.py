"""How commands open what they are given, and how a table shows a value."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.commands import output
from tests.commands.conftest import Cli


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (float("nan"), "–"), (True, "yes"), (0.12345, "0.123"), (12_345, "12,345"), ("a", "a")],
)
def test_a_cell_is_short_and_a_missing_one_a_dash(value: Any, shown: str) -> None:
    assert output.cell(value) == shown


def test_a_table_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    output.show(False, {"rows": []}, [])
    assert capsys.readouterr().out == "Nothing here yet.\n"


def test_json_is_ascii_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.show(True, {"a": "é\ud800"}, [])
    assert capsys.readouterr().out == '{"a": "\\u00e9\\ud800"}\n'


def test_metrics_that_there_are_not_are_refused() -> None:
    output.require_metrics(["acc", "bpb"])
    with pytest.raises(StudioError, match=r"The metric 'f1' does not exist: use one of acc, .*bpb\.$"):
        output.require_metrics(["acc", "f1"])


def test_without_a_glob_all_that_are_here_are_meant() -> None:
    catalogue = SimpleNamespace(match=lambda globs: ("matched", *globs))
    studio = cast("Any", SimpleNamespace(catalogue=catalogue, at_hand=("here",)))
    assert output.chosen_checkpoints(studio, None) == ("here",)
    assert output.chosen_checkpoints(studio, ["a/*"]) == ("matched", "a/*")


def test_a_set_is_opened_with_what_was_computed_of_it(
    call: Cli, computed: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = output.open_measured("little", ["ladder-small-arch1/*"], None)
    assert (opened.task.name, opened.measured.complete_checkpoints) == ("little", 10)
    for partly in (False, True):
        with pytest.raises(StudioError, match="little has no results yet: run `evaluate little` first"):
            output.open_measured("little", None, 2, partly)
