"""checkpoints.json as docs/checkpoints.md tells it: every field, and its example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from e2lm_core.checkpoints import folders
from e2lm_core.checkpoints.folders import read_folder
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "checkpoints.md").read_text(encoding="utf-8")
SECTION = re.search(r"^## `checkpoints\.json`\n(.*?)^## ", TEXT, re.M | re.S)


def test_every_field_of_the_parser_is_documented_and_no_other() -> None:
    assert SECTION is not None
    table = SECTION[1].split("\n\n")[1]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) != []
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.M)) == set(folders._Notes.model_fields)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The folders of the document's example, with the checkpoints that it names and nothing in them."""
    assert SECTION is not None
    block = re.search(r"<!-- checkpoints\.json -->\n```\n(.*?)```", SECTION[1], re.S)
    assert block is not None
    for line in block[1].splitlines():
        name, notes = line.split(maxsplit=1)
        for step in range(20, 241, 20):
            (tmp_path / name / f"checkpoint-{step}").mkdir(parents=True)
            (tmp_path / name / f"checkpoint-{step}" / "config.json").write_text("{}")
        (tmp_path / name / "checkpoints.json").write_text(notes)
    return tmp_path


def test_the_example_is_what_it_says(example: Path) -> None:
    found = read_folder(example)
    assert found.problems == ()
    models = {model.name: model for model, _ in found.models}
    assert len(models) == 7
    assert [name for name, model in models.items() if model.counts_in_scores] == ["llama-s1", "neox-s1"]
    seeds = {model.name: model.seed_of for model in models.values() if model.seed_of}
    assert seeds == {f"{shape}-s{n}": f"{shape}-s1" for shape in ("llama", "neox") for n in (2, 3)}
    assert (models["llama-web"].role, models["llama-web"].twin_of) == ("web", "llama-s1")
    for model, checkpoints in found.models:
        assert model.size == "1m"
        assert [c.early for c in checkpoints] == [True] * 8 + [False] * 4
        assert [c.tokens_seen for c in checkpoints] == [4_096 * c.step for c in checkpoints]


def test_an_unknown_field_is_refused_with_those_there_are(example: Path) -> None:
    (example / "neox-s1" / "checkpoints.json").write_text('{"sizes": "1m"}')
    (problem,) = read_folder(example).problems
    assert "sizes" in problem
    assert "early_end_step" in problem
