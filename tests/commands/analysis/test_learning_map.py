"""`map` on the command line."""

from __future__ import annotations

import csv
import io

import pytest

from tests.commands.conftest import Cli

pytestmark = pytest.mark.usefixtures("computed")


def test_map(call: Cli) -> None:
    document = call("map", "little", "--json")
    assert list(document) == [
        *("task", "models", "steps", "tokens_seen", "learnt", "random_keys", "incomplete", "questions"),
        *("taught", "fleet"),
    ]
    assert len(document["models"]) == 2
    rows = document["questions"]
    assert {row["id"] for row in rows} == {"q1", "q2", "q3", "q4", "q5", "q6"}
    assert all(len(row["probability"]) == len(document["steps"]) for row in rows)
    learnt = [row["learnt_step"] for row in rows if row["learnt_step"] is not None]
    assert learnt == sorted(learnt)
    assert document["learnt"] == len(learnt)
    assert f"{len(learnt)} of 6 questions are learnt by at least half of 2 models" in call("map", "little")


def test_map_of_one_model_by_either_name(call: Cli) -> None:
    one = call("map", "little", "--model", "ladder-small-arch1", "--json")
    assert one == call("map", "little", "--model", "small-arch1", "--json")
    assert one["models"] == ["small-arch1"]
    assert "has no results here" in call("map", "little", "--model", "none", code=2)


def test_the_csv_has_a_column_for_each_step(call: Cli) -> None:
    document = call("map", "little", "--json")
    first, *others = csv.DictReader(io.StringIO(call("map", "little", "--csv")))
    for row in (first, *others):
        assert all(not row[name] or row[name].isdigit() for name in ("learnt_step", "learnt_tokens"))
    assert [float(first[f"step {step}"]) for step in document["steps"]] == pytest.approx(
        document["questions"][0]["probability"], abs=1e-6
    )
