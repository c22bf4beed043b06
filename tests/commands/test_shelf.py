"""`shelf`: the table of all benchmarks, one benchmark's curves, and sentences for what is not there."""

from __future__ import annotations

import csv
import io

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
