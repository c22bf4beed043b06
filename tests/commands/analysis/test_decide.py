"""`decide`: who of two models is ahead at the end, as JSON and in words."""

from __future__ import annotations

import pytest

from e2lm_core.analysis.decisions import probability
from e2lm_core.base.settings import Settings
from tests.commands.conftest import Cli


def test_the_answer_as_json_and_in_words(call: Cli, computed: Settings) -> None:
    document = call("decide", "little", "--json")
    assert {document["first"], document["second"]} <= {"ladder-large-arch1", "ladder-small-arch1"}
    assert document["metric"] == "acc"
    last = document["checkpoints"][-1]
    assert last["share"] == 1
    assert last["probability"] is None
    for point in document["checkpoints"]:
        assert (point["why"] is None) == (point["probability"] is not None)
    shown = call("decide", "little")
    assert "at the end" in shown
    assert "docs/decisions.md" in shown
    assert "**" not in shown


def test_what_would_decide_earlier_is_told_on_request(call: Cli, computed: Settings) -> None:
    assert "earlier" not in call("decide", "little", "--json")
    found = call("decide", "little", "--earlier", "--json")["earlier"]
    assert [(of["metric"], of["is_measured"]) for of in found[:2]] == [("acc", True), ("acc_norm", True)]
    assert "questions: 80% at" in call("decide", "little", "--earlier")
    assert call("decide", "little", "--metric", "bpb", "--earlier", "--json")["earlier"] == []


def test_two_models_by_name_in_their_order(call: Cli, computed: Settings) -> None:
    pair = ("--model", "ladder-large-arch1", "--model", "small-arch1")
    document = call("decide", "little", *pair, "--json")
    assert (document["first"], document["second"]) == ("ladder-large-arch1", "ladder-small-arch1")
    assert "twice" in call("decide", "little", "--model", "small-arch1", code=2)
    assert "not among" in call("decide", "little", "--model", "small-arch1", "--model", "other", code=2)


def test_a_later_end_makes_all_of_it_early(call: Cli, computed: Settings) -> None:
    document = call("decide", "little", "--end", "1e12", "--json")
    assert document["end_tokens"] == 1e12
    assert all(point["share"] < 0.01 for point in document["checkpoints"])
    assert all(point["probability"] is None for point in document["checkpoints"])


def test_an_end_before_the_checkpoints_or_nowhere_is_refused(call: Cli, computed: Settings) -> None:
    last = call("decide", "little", "--json")["checkpoints"][-1]["tokens_seen"]
    for end in (f"{last - 1:.0f}", "inf"):
        said = call("decide", "little", "--end", end, "--json", code=2)
        assert said.startswith(f"--end {end} is not where this training ends")
        assert f"{last:.0f} or more" in said
    assert call("decide", "little", "--end", f"{last:.0f}", "--json")["end_tokens"] == last


def test_tokens_are_whole_numbers(call: Cli, computed: Settings) -> None:
    lines = call("decide", "little", "--csv").splitlines()
    tokens = lines[0].split(",").index("tokens")
    assert all(line.split(",")[tokens].isdigit() for line in lines[1:])


@pytest.mark.parametrize("metric", ["bpb", "norm_prob"])
def test_another_metric_is_not_known_and_says_why(call: Cli, computed: Settings, metric: str) -> None:
    document = call("decide", "little", "--metric", metric, "--json")
    assert document["set"] is None
    assert {point["why"] for point in document["checkpoints"]} == {probability.METRIC}
    assert "ends ahead" not in call("decide", "little", "--metric", metric)
    assert "does not exist" in call("decide", "little", "--metric", "x", code=2)


def test_csv_has_the_ends_of_the_interval(call: Cli, computed: Settings) -> None:
    head = call("decide", "little", "--csv").splitlines()[0]
    assert "P,P low,P high" in head
