"""`question …` for many questions in one step."""

from __future__ import annotations

from collections import Counter

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection, versions
from tests.commands.conftest import Cli


def questions(here: Settings, name: str = "mine"):
    return collection.open_set(here, name).questions


def test_retag_and_choose_by_subject(call: Cli, here: Settings) -> None:
    document = call("question", "retag", "mine", "algebra", "q1", "q2", "--json")
    assert document == {"task": "mine", "ids": ["q1", "q2"], "questions": 6}
    call("question", "retag", "mine", "", "--subject", "algebra")
    assert [q.subject for q in questions(here)[:3]] == [None, None, "mathematics"]


def test_duplicate_and_copy(call: Cli, here: Settings) -> None:
    assert "Duplicated 1 question; mine has 7 questions now" in call("question", "duplicate", "mine", "q3")
    call("sets", "create", "other")
    assert call("question", "copy", "little", "other", "--all", "--json")["questions"] == 6


def test_shuffle_and_balance(call: Cli, here: Settings) -> None:
    before = questions(here)
    call("question", "shuffle", "mine", "--all", "--seed", "5")
    shuffled = questions(here)
    assert shuffled != before
    assert [q.choices[q.answer] for q in shuffled] == [q.choices[q.answer] for q in before]
    call("undo", "mine")
    assert questions(here) == before
    call("question", "balance", "mine", "--all")
    counts = Counter(q.answer for q in questions(here))
    assert max(counts.values()) - min(counts[place] for place in range(4)) <= 1


def test_replace_is_looked_at_first(call: Cli, here: Settings) -> None:
    document = call("question", "replace", "mine", "Twice", "two times", "--preview", "--json")
    assert [row["question"] for row in document["found"]] == [q.id for q in questions(here)]
    assert len(versions.list_versions(here, "mine")) <= 1
    assert "stands nowhere" in call("question", "replace", "mine", "Twice", "x", "--match-case")
    call("question", "replace", "mine", "twice", "two times", "q1", "--field", "question")
    assert questions(here)[0].question == "What is two times the number 1?"
    assert "twice" in questions(here)[1].question


def test_bad_wishes_are_one_sentence(call: Cli) -> None:
    assert "not clear" in call("question", "shuffle", "mine", code=2)
    assert "not clear" in call("question", "shuffle", "mine", "q1", "--all", code=2)
    assert "no question of the subject" in call("question", "shuffle", "mine", "--subject", "x", code=2)
    assert "no question 'q77'" in call("question", "retag", "mine", "x", "q77", code=2)
    assert "no text to replace in" in call(
        "question", "replace", "mine", "twice", "x", "--field", "id", code=2
    )
