"""`--csv` and `--latex`: on every command that prints a table, as the command tree has them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as main_commands
from e2lm_core.commands import output, table_formats
from tests.commands.conftest import Cli


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


EVERY = dict(commands(typer.main.get_command(main_commands.app)))
TABLES = {path: command for path, command in EVERY.items() if isinstance(command, table_formats.TableCommand)}


def test_every_command_that_prints_a_table_has_both_forms() -> None:
    assert len(TABLES) > 30
    for path, command in EVERY.items():
        options = {option for param in command.params for option in param.opts}
        assert ("--csv" in options) == ("--latex" in options) == (path in TABLES), path
        if path in TABLES:
            assert "--json" in options, path
    for path in (
        ("score",),
        ("ranks",),
        ("parting",),
        ("compare",),
        ("questions",),
        ("plan",),
        ("hub", "list"),
    ):
        assert path in TABLES
    assert ("sets", "delete") not in TABLES  # one sentence


def required(command: Any) -> list[str]:
    """Words for what a command cannot do without."""
    words: list[str] = []
    for param in command.params:
        if param.required:
            words += ["1"] if param.param_type_name == "argument" else [param.opts[0], "1"]
    return words


@pytest.mark.parametrize("path", TABLES, ids=" ".join)
def test_two_forms_at_once_are_refused_before_anything_is_done(call: Cli, path: tuple[str, ...]) -> None:
    said = "--json, --csv and --latex are forms of one output: give one of them.\n"
    words = required(TABLES[path])
    assert call(*path, *words, "--csv", "--latex", code=2) == said
    assert call(*path, *words, "--csv", "--json", code=2) == said


OF_A_SET = [
    path
    for path, command in TABLES.items()
    if [p.name for p in command.params if p.required] == ["task"] and path not in {("choose",), ("plan",)}
]
READ_ONLY = [
    ("score",),
    ("ranks",),
    ("parting",),
    ("questions",),
    ("suspects",),
    ("checkpoints",),
    ("tasks",),
]


@pytest.mark.parametrize("path", READ_ONLY, ids=" ".join)
def test_csv_and_latex_hold_the_printed_table(
    call: Cli, computed: Settings, capsys: pytest.CaptureFixture[str], path: tuple[str, ...]
) -> None:
    words = (*path, *(["little"] if path in OF_A_SET else []))
    rows = list(csv.reader(io.StringIO(call(*words, "--csv"))))
    assert len({len(row) for row in rows}) == 1
    assert len(rows) > 1
    assert not any("–" in cell for row in rows for cell in row)
    latex = call(*words, "--latex")
    assert latex.startswith("% \\usepackage{booktabs}\n\\begin{tabular}{")
    body = re.search(r"\\midrule\n(.*)\\bottomrule", latex, re.S)
    assert body is not None
    assert body[1].count("\\\\\n") == len(rows) - 1
    heads = [head for head in rows[0] if not head.endswith((" low", " high"))]
    assert latex.split("\\toprule\n")[1].split("\n")[0] == (
        " & ".join(head.replace("_", r"\_").replace("%", r"\%") for head in heads) + r" \\"
    )


def test_csv_is_unrounded_and_latex_has_the_reasons(call: Cli, computed: Settings) -> None:
    document = call("score", "little", "--json")["metrics"]
    rows = list(csv.DictReader(io.StringIO(call("score", "little", "--csv"))))
    assert [row["metric"] for row in rows] == list(document)
    for row in rows:
        of_metric = document[row["metric"]]
        whole = of_metric["sq"]["overall"]
        assert float(row["sq"]) == whole["value"]
        assert [row["sq low"], row["sq high"]] == [repr(v) for v in whole["interval"] or ()] or not whole[
            "interval"
        ]
        seeds = of_metric["sq"]["seeds"]
        assert float(row["sq over seeds low"]) == seeds["low"]
        assert row["score"] == ""
    latex = call("score", "little", "--latex")
    assert r"acc\_norm & " in latex
    assert " & -- & " in latex
    assert r"\par{\footnotesize -- score of acc: it needs RC.\par}" in latex


def test_ranks_are_shares_in_csv_and_percent_in_text(call: Cli, computed: Settings) -> None:
    (row, *_) = csv.DictReader(io.StringIO(call("ranks", "little", "--csv")))
    assert 0 <= float(row["rank 1"]) <= 1
    assert re.search(r"\d\.\d%", call("ranks", "little"))


def test_texts_of_users_break_neither_form(capsys: pytest.CaptureFixture[str]) -> None:
    evil = [
        {"id": "=1+1", "text": "50% & more_ {x} \\input{y} ~^#$\n<b>", "n": None, "share": output.Share(0.5)}
    ]
    with output.table_form("latex"):
        output.print_table(False, {}, evil, notes=["**Note** 5%"])
    latex = capsys.readouterr().out
    assert r"=1+1 & 50\% \& more\_ \{x\} \textbackslash{}input\{y\} \textasciitilde{}" in latex
    assert r"\textless{}b\textgreater{} & -- & 50.0\% \\" in latex
    assert r"\par{\footnotesize Note 5\%\par}" in latex
    with output.table_form("csv"):
        output.print_table(False, {}, evil, notes=["A note."])
    out, err = capsys.readouterr()
    assert list(csv.reader(io.StringIO(out)))[1] == ["'=1+1", evil[0]["text"].replace("\n", " "), "", "0.5"]
    assert err == "A note.\n"
    with output.table_form("csv"):
        output.print_table(False, {}, [], ("id",))
    assert capsys.readouterr() == ("id\n", "Nothing here yet.\n")
