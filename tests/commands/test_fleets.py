"""`fleet`: model groups are made, shown, used and removed; what is wrong is one sentence."""

from __future__ import annotations

import pytest

from e2lm_core.base.settings import Settings
from tests.commands.conftest import Cli


def test_a_group_is_made_shown_used_and_removed(call: Cli, computed: Settings) -> None:
    made = call("fleet", "make", "small", "--checkpoints", "ladder-small-arch1/*", "--json")["fleet"]
    assert (made["name"], made["models"], made["checkpoints"]) == ("small", ["ladder-small-arch1"], 10)
    listed = {row["name"]: row for row in call("fleet", "list", "--json")["fleets"]}
    assert list(listed) == ["ladder", "small"]
    assert listed["small"]["digest"] == made["digest"]
    assert "ladder-small-arch1" in call("fleet", "show", "small")
    call("fleet", "use", "little", "small")
    assert call("score", "little", "--json")["fleet"] == made
    assert call("score", "little", "--fleet", "ladder", "--json")["fleet"]["name"] == "ladder"
    assert call("score", "little", "--json")["fleet"] == made, "a fleet of one command is not kept"
    assert "Removed" in call("fleet", "remove", "small", "--yes")
    left = call("score", "little", "--json")["fleet"]
    assert (left["name"], left["digest"]) == (None, made["digest"])
    call("fleet", "use", "little", "ladder")


def test_roles_are_of_the_group(call: Cli, computed: Settings) -> None:
    both = ("--checkpoints", "ladder-small-arch1/*", "--checkpoints", "ladder-large-arch1/*")
    role = ("--role", "ladder-large-arch1:seed_of=ladder-small-arch1", "--role", "ladder-large-arch1:seed=7")
    call("fleet", "make", "seeds", *both, *role)
    shown = {row["model"]: row for row in call("fleet", "show", "seeds", "--json")["models"]}
    assert (shown["ladder-large-arch1"]["seed_of"], shown["ladder-large-arch1"]["seed"]) == (
        "ladder-small-arch1",
        7,
    )
    assert call("ranks", "little", "--fleet", "seeds", "--json")["models"] == [], "seeds are not ranked"
    call("fleet", "make", "seeds", *both, "--replace")
    assert len(call("ranks", "little", "--fleet", "seeds", "--json")["models"]) == 2


def test_evaluate_makes_its_checkpoints_the_sets_group(call: Cli, computed: Settings) -> None:
    call("evaluate", "little", "--checkpoints", "ladder-small-arch1/*", "--num-fewshot", "1")
    assert call("score", "little", "--json")["fleet"]["models"] == ["ladder-small-arch1"], (
        "also its few-shot count"
    )
    assert call("evaluate", "little", "--fleet", "ladder", "--json")["fleet"]["name"] == "ladder"
    assert call("score", "little", "--json")["fleet"]["name"] == "ladder"


def test_a_group_of_which_nothing_is_left_is_no_group_of_others(call: Cli, computed: Settings) -> None:
    path = computed.workspace / "fleets" / "gone.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"name": "gone", "checkpoints": ["mine/step-1", "mine/step-2"]}')
    said = call("score", "little", "--fleet", "gone", code=2)
    assert said.startswith(
        "Not on this computer any more: mine (2 checkpoints), so this model group has no numbers."
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("fleet", "make", "x", "--checkpoints", "nobody/*"), "No checkpoint matches 'nobody/*'"),
        (("fleet", "make", "ladder", "--checkpoints", "ladder-small-arch1/*"), "built-in"),
        (("fleet", "make", "x", "--checkpoints", "ladder-*/*", "--role", "seed"), "MODEL:KEY=VALUE"),
        (("fleet", "make", "x", "--checkpoints", "ladder-*/*", "--role", "a:b=c"), "one of the keys size"),
        (
            ("fleet", "make", "x", "--checkpoints", "ladder-*/*", "--role", "ladder-small-arch1:seed=one"),
            "ladder-small-arch1: seed: ",
        ),
        (("fleet", "show", "x"), "There is no model group 'x'"),
        (("fleet", "use", "little", "x"), "There is no model group 'x'"),
        (("fleet", "use", "nothing", "ladder"), "There is no question set 'nothing'"),
        (("fleet", "remove", "ladder", "--yes"), "cannot be deleted"),
        (("score", "little", "--fleet", "x"), "There is no model group 'x'"),
        (("score", "little", "--fleet", ""), "There is no model group ''"),
        (("evaluate", "little", "--fleet", ""), "There is no model group ''"),
        (("evaluate", "little", "--fleet", "", "--rolling"), "There is no model group ''"),
        (("plan", "little", "--workers", "2", "--fleet", ""), "There is no model group ''"),
        (("score", "little", "--fleet", "ladder", "--checkpoints", "ladder-*/*"), "give one of them"),
    ],
)
def test_what_is_wrong_is_one_sentence(call: Cli, arguments: tuple[str, ...], says: str) -> None:
    assert says in call(*arguments, code=2)
