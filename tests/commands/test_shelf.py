"""`shelf`: the table of all benchmarks, one benchmark's curves, and sentences for what is not there."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tests.commands.conftest import Cli


def test_the_table_of_all(call: Cli) -> None:
    answer = call("shelf", "list", "--source", "e2lm", "--json")
    assert [one["key"] for one in answer["sources"]] == ["e2lm", "pythia"]
    rows = {row["benchmark"]: row for row in answer["benchmarks"]}
    assert len(rows) == 24
    assert rows["mmluvar"]["sq"]["value"] == pytest.approx(0.935, abs=5e-4)
    assert rows["mmluvar"]["questions"] == 14_042
    shown = call("shelf", "list", "--source", "e2lm")
    assert "mmluvar" in shown
    assert "means alone" in shown
    assert "RC to 240 B: provisional" in shown
    assert "RC to 240 B" not in call("shelf", "list", "--source", "pythia", "--benchmark", "piqa")
    assert "e2lmc/e2lmc.github.io at 54de417 (MIT, Copyright (c) 2023 llm-efficiency-challenge)" in shown


def test_options_choose_and_thin(call: Cli) -> None:
    chosen = ("--source", "pythia", "--benchmark", "arc_*", "--num-fewshot", "5", "--metric", "acc_norm")
    answer = call("shelf", "list", *chosen, "--points", "10", "--json")
    assert [(row["benchmark"], row["num_fewshot"], row["metric"]) for row in answer["benchmarks"]] == [
        ("arc_challenge", 5, "acc_norm"),
        ("arc_easy", 5, "acc_norm"),
    ]
    assert answer["noise"]["points"] == 10
    assert all(0 < row["thinned"] < 1 for row in answer["benchmarks"])
    assert "SQ at 10" in call("shelf", "list", *chosen, "--points", "10")


def test_one_benchmark_with_its_errors(call: Cli) -> None:
    answer = call(
        "shelf", "show", "piqa", "--source", "pythia", "--num-fewshot", "0", "--metric", "acc", "--json"
    )
    assert [one["key"] for one in answer["sources"]] == ["pythia"]
    assert len(answer["curves"]) == 16
    assert {(len(c["scores"]), len(c["stderr"]), c["num_fewshot"]) for c in answer["curves"]} == {(27, 27, 0)}
    everywhere = call("shelf", "show", "piqa", "--json")["curves"]
    assert len(everywhere) == 6 + 2 * 2 * 16
    assert len(call("shelf", "show", "piqa", "--metric", "acc", "--json")["curves"]) == 2 * 16
    assert "pythia-12b-deduped" in call("shelf", "show", "piqa", "--num-fewshot", "0")


def test_every_point_as_rows(call: Cli) -> None:
    text = call("shelf", "show", "sciq", "--num-fewshot", "5", "--metric", "acc", "--every-point", "--csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 16 * 15
    assert (rows[0]["model"], rows[0]["step"]) == ("pythia-70m-deduped", "3000")
    assert all(0 < float(row["stderr"]) < 0.02 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "nothing"), "The shelf has no benchmark 'nothing'"),
        (("show", "piqa", "--metric", "f1"), "no metric 'f1' of piqa: it has acc, acc_norm and score"),
        (("list", "--rc", "best"), "best"),
        (("list", "--source", "olmo"), "The shelf has no source 'olmo': it has e2lm and pythia"),
        (("list", "--benchmark", "zzz*"), "No benchmark matches 'zzz*'"),
    ],
)
def test_what_is_not_there_is_one_sentence(call: Cli, arguments: tuple[str, ...], says: str) -> None:
    assert says in call("shelf", *arguments, code=2)


TABLE = """model,step,tokens,benchmark,metric,value,stderr,num_fewshot
made-1b,1000,2000000,physics,acc,0.25,0.01,0
made-1b,9000,18000000,physics,acc,0.45,0.01,0
made-2b,1000,2000000,physics,acc,0.26,0.01,0
made-2b,9000,18000000,physics,acc,0.55,0.01,0
"""


def test_a_table_is_added_shown_and_removed(call: Cli, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text(TABLE, encoding="utf-8")
    answer = call("shelf", "add", str(table), "--json")["added"]
    assert (answer["key"], answer["file"], answer["rows"]) == ("mine", "mine.csv", 4)
    listed = call("shelf", "list", "--source", "mine", "--json")
    assert [one["key"] for one in listed["sources"]] == ["e2lm", "pythia", "mine"]
    (row,) = listed["benchmarks"]
    assert (row["benchmark"], row["models"], row["order"]["accuracy"]["value"]) == ("physics", 2, 1.0)
    assert "mine: 4 scores added from 'mine.csv'" in call("shelf", "list", "--source", "mine")
    curves = call("shelf", "show", "physics", "--source", "mine", "--json")["curves"]
    assert [curve["scores"] for curve in curves] == [[0.25, 0.45], [0.26, 0.55]]
    assert "has a source named 'mine'" in call("shelf", "add", str(table), code=2)
    assert call("shelf", "add", str(table), "--name", "other", "--json")["added"]["key"] == "other"
    assert call("shelf", "remove", "other", "--json") == {"removed": "other"}
    call("shelf", "remove", "mine")
    assert "no source 'mine'" in call("shelf", "list", "--source", "mine", code=2)


def test_order_is_shown_in_place_of_the_onsets(call: Cli) -> None:
    chosen = ("shelf", "list", "--source", "e2lm", "--benchmark", "mmluvar")
    plain, ordered = call(*chosen), call(*chosen, "--order")
    assert "sizes apart" in plain
    assert "decision accuracy" not in plain
    assert "decision accuracy" in ordered
    assert "sizes apart" not in ordered
    assert "206 B tokens as at 240 B (e2lm), provisional" in ordered
    (row,) = csv.DictReader(io.StringIO(call(*chosen, "--csv")))
    assert float(row["decision accuracy"]) == pytest.approx(14 / 15)
    assert float(row["larger ahead"]) == pytest.approx(0.9)
    assert row["sizes apart"] == "4 of 4 (means)"


def test_when_each_benchmark_decides(call: Cli) -> None:
    answer = call("shelf", "decisions", "--source", "e2lm", "--json")
    assert [one["key"] for one in answer["sources"]] == ["e2lm"]
    rows = {row["benchmark"]: row for row in answer["benchmarks"]}
    assert "mmlu" not in rows  # letters
    assert (
        rows["hellaswag"]["certainty"]["stops"][0]["tokens_seen"]
        < rows["race"]["certainty"]["stops"][0]["tokens_seen"]
    )
    shown = call("shelf", "decisions", "--source", "e2lm", "--benchmark", "hella*")
    assert "80% at" in shown
    assert "4.2 B" in shown
    assert "counts as 50%" in shown
    assert "No decision is known of a benchmark that matches" in call(
        "shelf", "decisions", "--benchmark", "mmlu", code=2
    )
