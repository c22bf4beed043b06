"""`judgements` and `question judge` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.judgements import judgements_of
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from tests.commands.conftest import Cli
from tests.support import studios

HEAD = "id,judge,what,value,comment\n"


@pytest.fixture
def here(tmp_path: Path, ladder: Path) -> Settings:
    """`little` and a copy of one's own beside a real, small ladder."""
    settings = studios.settings(tmp_path, ladder=ladder)
    studios.write_example(settings)
    collection.copy_set(settings, "little", "mine")
    return settings


def judges_file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "judges.csv"
    path.write_text(HEAD + text)
    return str(path)


def test_a_judges_file_is_imported_and_listed(call: Cli, here: Settings, tmp_path: Path) -> None:
    assert call("judgements", "mine", "--json")["rows"] == []
    rows = "".join(f"q{n},gpt,key,{'wrong' if n == 1 else 'right'},\n" for n in range(1, 7))
    file = judges_file(tmp_path, rows + "q99,gpt,key,right,\n")
    assert "or by `question judge`" in call("judgements", "mine")
    document = call("judgements", "mine", "--import", file, "--json")
    assert document["imported"] == 6
    assert document["refused"] == ["Row 7: mine has no question 'q99'; give the ids of its questions."]
    assert document["judges"] == [{"name": "gpt", "by": "model", "judged": 6}]
    assert document["rows"][0]["answer key"] == "gpt (model): wrong"
    (compared,) = [row for row in document["compared"] if row["with"] == "suspects"]
    assert compared["alpha"] is None
    assert compared["why"] == "No checkpoint is complete yet, so nothing can be told."
    assert "gpt (model): wrong" in call("judgements", "mine")


def test_a_person_judges_and_disagrees(call: Cli, here: Settings, tmp_path: Path) -> None:
    file = judges_file(tmp_path, "".join(f"q{n},gpt,key,right,\n" for n in range(1, 7)))
    call("judgements", "mine", "--import", file)
    wrong = ("--key", "wrong", "--by", "Ada")
    call("question", "judge", "mine", "q1", *wrong, "--comment", "two are right", "--json")
    call("question", "judge", "mine", "q2", "q3", "q4", "q5", "--key", "right", "--by", "Ada")
    document = call("judgements", "mine", "--disagree", "--json")
    assert [row["id"] for row in document["rows"]] == ["q1"]
    assert document["rows"][0]["comments"] == "Ada: two are right"
    assert document["agreement"]["key"]["shared"] == 5
    assert document["agreement"]["key"]["alpha"] == pytest.approx(0)
    call("question", "judge", "mine", "q1", "--key", "", "--by", "Ada")
    assert [one.judge for one in judgements_of(collection.open_set(here, "mine").questions[0])] == ["gpt"]
    call("judgements", "mine", "--remove", "gpt")
    assert judgements_of(collection.open_set(here, "mine").questions[0]) == ()


def test_bad_input_is_one_sentence(call: Cli, here: Settings, tmp_path: Path) -> None:
    assert "give --scientific" in call("question", "judge", "mine", "q1", code=2)
    assert "use right or wrong" in call("question", "judge", "mine", "q1", "--key", "so", "--by", "A", code=2)
    assert "needs the name" in call("question", "judge", "mine", "q1", "--key", "right", code=2)
    assert "cannot be read" in call("judgements", "mine", "--import", str(tmp_path / "no.csv"), code=2)
    assert "no judgement by 'gpt'" in call("judgements", "mine", "--remove", "gpt", code=2)
