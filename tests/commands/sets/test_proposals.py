"""`question propose`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from tests.commands.conftest import Cli
from tests.support.assist_server import KEY, MODEL, AssistServer, completion, proposals, sends, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AssistServer]:
    with serving() as one:
        one.configure(monkeypatch)
        yield one


@pytest.fixture
def mine(here: Settings) -> str:
    collection.copy_set(here, "little", "mine_too")
    return "mine_too"


def test_the_text_is_shown_agreed_to_sent_and_taken(
    call: Cli, here: Settings, mine: str, server: AssistServer
) -> None:
    question = collection.open_set(here, mine).questions[0]
    letter = "ABCD"[(question.answer + 1) % 4]
    asked = ("question", "propose", mine, question.id, "--kind", "distractors", "--choice", letter)
    shown = call(*asked, "--show")
    assert not server.asked
    assert "You" not in call(*asked, "--show", "--json")["text"].partition("{")[0]
    assert MODEL in call(*asked, code=2)  # nobody is there to agree
    assert not server.asked
    document = call(*asked, "--agree", "--json")
    assert server.texts == [shown.removesuffix("\n")]
    assert [row["proposal"] for row in document["proposals"]] == ["a badger", "an otter"]
    assert collection.open_set(here, mine).questions[0] == question
    assert "These are proposals" in call(*asked)
    call(*asked, "--take", "a badger", "--json")
    taken = collection.open_set(here, mine).questions[0]
    assert "a badger" in taken.choices
    assert taken.extra["written_with"] == f"choice {letter} proposed by {MODEL}"
    assert len(server.asked) == 2


def test_wordings_and_questions_from_a_passage(
    call: Cli, here: Settings, mine: str, server: AssistServer, tmp_path: Path
) -> None:
    call("question", "propose", mine, "q1", "--agree")
    call("question", "propose", mine, "q1", "--kind", "cloze", "--take", "Twice one is")
    assert collection.open_set(here, mine).questions[0].question == "Twice one is"
    passage = tmp_path / "notes.txt"
    passage.write_text("Kelp is an alga.")
    made = {"question": "What is kelp?", "right": "an alga", "wrong": ["a moss", "a fern"]}
    server.answer = completion(proposals(made))
    (row,) = call("question", "propose", mine, "--passage", str(passage), "--json")["proposals"]
    assert (row["proposal"], row["right"], row["wrong"]) == ("What is kelp?", "an alga", ["a moss", "a fern"])
    import json

    call("question", "propose", mine, "--passage", str(passage), "--take", json.dumps(row))
    added = collection.open_set(here, mine).questions[-1]
    assert added.choices[added.answer] == "an alga"
    assert added.extra["written_with"] == f"question from a passage by {MODEL}"


def test_what_cannot_be_done_is_one_sentence(
    call: Cli, mine: str, server: AssistServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "use distractors, paraphrases or cloze" in call(
        "question", "propose", mine, "q1", "--kind", "poem", code=2
    )
    assert "name the wrong answer" in call("question", "propose", mine, "q1", "--kind", "distractors", code=2)
    assert "has no question 'q99'" in call("question", "propose", mine, "q99", code=2)
    assert "is an example" in call("question", "propose", "little", "q1", code=2)
    server.answer = sends(KEY.encode(), 401)
    said = call("question", "propose", mine, "q1", "--agree", code=2)
    assert "refuses the studio's key" in said
    assert KEY not in said
    monkeypatch.delenv("E2LM_ASSIST_URL")
    assert "No language model is configured" in call("question", "propose", mine, "q1", code=2)
