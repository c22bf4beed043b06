"""`forms`."""

from __future__ import annotations

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection, versions
from tests.commands.conftest import Cli


def test_formats_are_tried_side_by_side_and_one_is_used(call: Cli, computed: Settings) -> None:
    document = call("forms", "little", "--as", "letters", "--shots", "0", "--shots", "2", "--json")
    assert {one["form"] for one in document["formats"]} == {
        "cloze (as it stands), 0-shot",
        "letters, 0-shot",
        "letters, 2-shot",
    }
    assert {one["metric"] for one in document["formats"]} == {"acc", "acc_norm", "margin", "norm_prob", "bpb"}
    assert document["fleet"]
    own = call(
        "forms",
        "little",
        "--shots",
        "0",
        "--text",
        "{{question}} It is",
        "--question",
        "q2",
        "--as",
        "ending",
    )
    assert "own template, 0-shot" in own
    collection.copy_set(computed, "little", "formed")
    said = call("forms", "formed", "--as", "letters", "--shots", "0", "--use", "letters, 0-shot")
    assert "asks as letters, 0-shot now" in said
    assert collection.open_set(computed, "formed").config.style == "letters"
    versions.undo(computed, "formed")
    assert collection.open_set(computed, "formed").config.style == "cloze"


def test_refusals_in_one_sentence(call: Cli, computed: Settings) -> None:
    assert "is no question format" in call("forms", "little", "--as", "roman", code=2)
    assert "is not tried" in call("forms", "little", "--shots", "0", "--use", "roman", code=2)
