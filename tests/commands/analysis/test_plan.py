"""`plan` on the command line, over results of a real run."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from tests.commands.conftest import Cli


def test_plan(call: Cli, computed: Settings) -> None:
    document = call(
        "plan",
        "little",
        "--of",
        "mean",
        "--width",
        "0.2",
        "--metric",
        "norm_prob",
        "--model",
        "ladder-small-arch1",
        "--pace",
        "0.01",
        "--json",
    )
    assert list(document) == [
        "of",
        "subject",
        "metric",
        "wanted",
        "measured",
        "questions",
        "why",
        "seconds",
        "pace",
        "sizes",
        "fleet",
        "finding",
    ]
    assert document["seconds"] == pytest.approx(document["questions"] * 40 * 0.01)
    assert "needed" in call("plan", "little", "--of", "mean", "--width", "0.2", "--metric", "norm_prob")
    other = call("plan", "little", "--width", "0.2", "--fleet", "e2lm", "--json")
    assert sum(row["checkpoints"] for row in other["fleet"]) == 6 * 27


def test_power(call: Cli, computed: Settings) -> None:
    document = call("plan", "little", "--power", "--metric", "norm_prob", "--questions", "500", "--json")
    assert document["questions"] == 500
    assert 0 < document["power"] <= 1
    assert document["sizes"][0].keys() == {"questions", "power", "detectable"}
    assert "tell them apart with a chance of" in call("plan", "little", "--power", "--metric", "norm_prob")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "either --width W"),
        (("--width", "0.1", "--power"), "either --width W"),
        (("--power", "--model", "nobody", "--model", "x"), "not among those of this run"),
        (("--power", "--questions", "1"), "use 2 or more"),
        (("--width", "0"), "above 0"),
        (("--width", "-1"), "above 0"),
        (("--width", "0.1", "--of", "mode"), "cannot be planned"),
        (("--width", "0.1", "--fleet", "x"), "not known beforehand"),
        (("--width", "0.1", "--pace", "-1"), "above 0"),
    ],
)
def test_bad_input_is_one_sentence(
    call: Cli, computed: Settings, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in call("plan", "little", *arguments, code=2)


def test_nothing_measured_is_one_sentence(call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    assert "run the set first" in call("plan", "little", "--width", "0.1", code=2)
