"""`order`."""

from __future__ import annotations

from e2lm_core.base.settings import Settings
from tests.commands.conftest import Cli


def test_orders_are_tried_where_the_prompt_shows_the_choices(call: Cli, computed: Settings) -> None:
    assert "does not show the choices" in call("order", "little", code=2)
    document = call("order", "little", "--as-letters", "--json")
    assert [one["order"] for one in document["orders"]] == [
        "as it stands",
        "moved by 1",
        "moved by 2",
        "moved by 3",
    ]
    assert len(document["questions"]) == 6
    assert document["fleet"]
    said = call("order", "little", "--as-letters", "--draws", "2")
    assert "over 3 orders" in said
    assert "would be called so by chance" in said
