"""`question …` on the command line."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as main_commands
from e2lm_core.sets import authoring, collection, versions
from tests.commands.conftest import Cli
from tests.commands.sets.conftest import Pipe
from tests.support import studios


def row(call: Cli, identity: str) -> dict[str, Any]:
    rows = call("question", "list", "mine", "--json")["questions"]
    return next(row for row in rows if row["id"] == identity)


def test_list(call: Cli) -> None:
    document = call("question", "list", "little", "--json")
    assert list(document) == ["task", "questions", "dev"]
    assert document["questions"][0] == {
        "id": "q1",
        "question": "What is twice the number 1?",
        "choices": ["3", "4", "5", "2"],
        "answer": 3,
        "subject": "mathematics",
    }
    assert [q["id"] for q in document["dev"]] == ["dev0", "dev1"]
    assert "What is twice the number 6?" in call("question", "list", "little")


def test_edit_changes_what_is_named_and_nothing_else(call: Cli, here: Settings) -> None:
    before = row(call, "q1")
    document = call("question", "edit", "mine", "q1", "--set", "note=doubtful = maybe", "--json")
    after = before | {"note": "doubtful = maybe"}
    assert document == {"task": "mine", "question": after, "changed": True}
    assert row(call, "q1") == after
    assert "was so already" in call("question", "edit", "mine", "q1", "--set", "note=doubtful = maybe")
    call("question", "edit", "mine", "q1", "--set", "note=", "--set", "subject=")
    assert row(call, "q1") == {k: v for k, v in before.items() if k != "subject"}
    assert len(versions.list_versions(here, "mine")) == 3


def test_edit_overwrites_nothing_that_another_changed_since(call: Cli, here: Settings) -> None:
    question = row(call, "q1")["question"]
    words = ("question", "edit", "mine", "q1", "--set", "question=Mine?", "--seen", f"question={question}")
    authoring.update_questions(here, "mine", {"q1": {"question": "Theirs?", "note": "theirs"}})
    said = call(*words, code=2)
    assert "question of question 'q1' of mine says 'Theirs?' by now, not 'What is twice" in said
    assert row(call, "q1")["question"] == "Theirs?"
    call("question", "edit", "mine", "q1", "--set", "question=Mine?", "--seen", "question=Theirs?")
    assert (row(call, "q1")["question"], row(call, "q1")["note"]) == ("Mine?", "theirs")


def test_edit_marks_no_other_text_where_choices_moved_since(call: Cli, here: Settings) -> None:
    before = row(call, "q1")
    seen = f"choices={json.dumps(before['choices'])}"
    turned = tuple(before["choices"][::-1])
    authoring.update_questions(here, "mine", {"q1": {"choices": turned, "answer": 3 - before["answer"]}})
    words = ("question", "edit", "mine", "q1", "--set", "answer=0")
    said = call(*words, "--seen", seen, code=2)
    assert "choices and answer of question 'q1' of mine says 'A 2 (right), B 5, C 4, D 3' by now" in said
    said = call(*words, "--seen", f"answer={before['answer']}", code=2)
    assert "give --seen choices=[…] too" in said
    assert row(call, "q1")["choices"] == list(turned)
    call(*words, "--seen", f"choices={json.dumps(turned)}", "--seen", "answer=2")
    call("question", "edit", "mine", "q1", "--set", "answer=1")  # acts on what is there
    assert row(call, "q1")["answer"] == 1
    call("question", "edit", "mine", "q1", "--set", "note=n", "--seen", "answer=1")
    call(*words, "--seen", "note=n")
    assert (row(call, "q1")["answer"], row(call, "q1")["note"]) == (0, "n")


def test_edit_choices_and_the_answer(call: Cli) -> None:
    call("question", "edit", "mine", "q1", "--set", 'choices=["a", "b", "c"]', "--set", "answer=c")
    assert (row(call, "q1")["choices"], row(call, "q1")["answer"]) == (["a", "b", "c"], 2)
    call("question", "edit", "mine", "q1", "--choice", "0=x=y", "--choice", "3=d", "--set", "answer=B")
    assert (row(call, "q1")["choices"], row(call, "q1")["answer"]) == (["x=y", "b", "c", "d"], 1)
    call("question", "edit", "mine", "q1", "--set", "answer=3")
    assert row(call, "q1")["answer"] == 3


def test_edit_a_column_of_the_sets_own(call: Cli, pipe: Pipe) -> None:
    rows = [{"id": "w", "question": "Why?", "choices": ["a", "b"], "answer": 0, "level": 3, "hint": "think"}]
    pipe(json.dumps(rows))
    call("question", "add", "mine", "--file", "-")
    call("question", "edit", "mine", "w", "--set", "level=4", "--set", "hint=5")
    assert (row(call, "w")["level"], row(call, "w")["hint"]) == (4, "5")
    call("question", "edit", "mine", "w", "--set", "level=")
    assert "level" not in row(call, "w")


def test_add(call: Cli) -> None:
    words = ("--question", "Which is a metal?", "--choice", "iron", "--choice", "wood", "--answer", "iron")
    document = call("question", "add", "mine", *words, "--set", "subject=chemistry", "--json")
    assert document == {
        "task": "mine",
        "added": [
            {
                "id": "q7",
                "question": "Which is a metal?",
                "choices": ["iron", "wood"],
                "answer": 0,
                "subject": "chemistry",
            }
        ],
        "questions": 7,
    }
    assert "(metal) to mine; `undo mine`" in call("question", "add", "mine", *words, "--id", "metal")
    assert "already a question 'metal'" in call("question", "add", "mine", *words, "--id", "metal", code=2)
    assert len(call("question", "list", "mine", "--json")["questions"]) == 8


def test_add_a_file_and_what_is_piped_in(call: Cli, tmp_path: Path, pipe: Pipe) -> None:
    file = tmp_path / "rows.jsonl"
    good = {"question": "Why?", "choices": ["a", "b"], "answer": 1}
    file.write_text(
        "".join(json.dumps(line) + "\n" for line in (good, good | {"answer": 7}, {"question": "?"}))
    )
    said = call("question", "add", "mine", "--file", str(file), code=2)
    assert "rows.jsonl: Is" in said
    from_0 = ("question", "add", "mine", "--file", str(file), "--answers-from", "0")
    assert "(1 more error)" in call(*from_0, code=2)
    assert len(call(*from_0, "--skip-broken", "--json")["added"]) == 1
    looked = call("question", "add", "mine", "--file", str(file), "--look", "--json")
    assert (looked["readings"], looked["questions"]) == ([1, 0], 0)
    pipe("question,A,B,answer\nWhich?,a,b,A\n")
    assert call("question", "add", "mine", "--file", "-", "--json")["questions"] == 8
    pipe(json.dumps(good | {"answer": 0}) + "\n")
    assert call("question", "add", "mine", "--file", "-", "--json")["questions"] == 9


def test_a_file_is_looked_at_mapped_and_added_or_takes_the_place_of_all(
    call: Cli, here: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "quiz.csv"
    file.write_text(
        "Frage;Antwort A;Antwort B;Lösung\nWas ist Eisen?;ein Metall;ein Gas;A\n"
        "What is twice the number 1?;2;3;A\nWas ist Eisen?;ein Gas;ein Metall;B\nLuft?;ein Gas;ein Metall;C\n"
    )
    words = ("question", "add", "mine", "--file", str(file))
    looked = call(*words, "--look", "--json")
    assert [column["role"] for column in looked["columns"]] == ["question", "choice_1", "choice_2", "answer"]
    assert (looked["kind"], looked["separator"], looked["questions"]) == ("csv", ";", 3)
    assert looked["doubles"] == {"q3": "Row 1"}
    assert looked["problems"][0]["sentence"].startswith("Row 4: answer is 'C'")
    assert "question = Frage" in call(*words, "--look")
    assert "Row 4" in call(*words, code=2)
    added = call(*words, "--skip-broken", "--skip-doubles", "--json")
    assert (len(added["added"]), added["questions"]) == (2, 8)
    replaced = call(
        *words,
        "--skip-broken",
        "--replace",
        "--map",
        "choice_1=Antwort B",
        "--map",
        "choice_2=Antwort A",
        "--json",
    )
    assert (len(replaced["added"]), replaced["questions"]) == (3, 3)
    assert replaced["added"][0]["choices"] == ["ein Gas", "ein Metall"]
    call("undo", "mine")
    assert len(call("question", "list", "mine", "--json")["questions"]) == 8
    without = call(*words, "--look", "--json", "--map", "-=Lösung", "--map", "-=Antwort B")
    assert [column["role"] for column in without["columns"]] == ["question", "choice_1", "-", "-"]
    for second in ("choice_1=Antwort B", "choice_2=Antwort A"):
        assert "maps a second time" in call(
            *words, "--look", "--map", "choice_1=Antwort A", "--map", second, code=2
        )
    assert "with --file alone" in call("question", "add", "mine", "--replace", "--question", "q", code=2)


def test_delete_asks_and_undo_brings_back(call: Cli, here: Settings, pipe: Pipe) -> None:
    pipe("no\n")
    assert "`undo mine` brings them back." in call("question", "delete", "mine", "q1", "q2", code=2)
    pipe("y\n")
    assert "Deleted 2 questions (q1 and q2)" in call("question", "delete", "mine", "q1", "q2", "q1")
    document = call("question", "delete", "mine", "q3", "--yes", "--json")
    assert document == {"task": "mine", "deleted": ["q3"], "questions": 3, "back": "undo mine"}
    call("undo", "mine")
    call("undo", "mine")
    assert collection.open_set(here, "mine").questions == studios.task().questions


def test_move(call: Cli) -> None:
    document = call("question", "move", "mine", "q5", "--to", "1", "--json")
    assert document == {"task": "mine", "id": "q5", "place": 1, "order": ["q5", "q1", "q2", "q3", "q4", "q6"]}
    assert "stands at place 6" in call("question", "move", "mine", "q5", "--after", "q6")
    assert call("question", "move", "mine", "q5", "--before", "q2", "--json")["place"] == 2


REFUSED = (
    (("list", "nobody"), "no question set 'nobody'"),
    (("edit", "mine", "q9", "--set", "note=x"), "no question 'q9' in mine: see `question list mine`"),
    (("edit", "mine", "dev0", "--set", "note=x"), "few-shot examples"),
    (("edit", "mine", "q1"), "give --set FIELD=VALUE"),
    (("edit", "mine", "q1", "--set", "note"), "write FIELD=VALUE"),
    (("edit", "mine", "q1", "--set", "nte=x"), "no field 'nte'"),
    (("edit", "mine", "q1", "--set", "id=x"), "no field 'id'"),
    (("edit", "mine", "q1", "--set", "note=x", "--set", "note=y"), "set twice"),
    (("edit", "mine", "q1", "--set", "answer=4"), "Question 1: gold is 4"),
    (("edit", "mine", "q1", "--set", "answer=²"), "Question 'q1': answer is '²'"),
    (("edit", "mine", "q1", "--set", "answer=" + "9" * 5_000), "Question 'q1': answer is"),
    (("edit", "mine", "q1", "--set", "choices=a,b"), "not valid JSON"),
    (("edit", "mine", "q1", "--set", "choices=" + "[" * 9_000), "not valid JSON"),
    (("edit", "mine", "q1", "--set", 'choices=["a"]'), "choice"),
    (("edit", "mine", "q1", "--set", 'choices=["a","b"]', "--choice", "0=c"), "set twice"),
    (("edit", "mine", "q1", "--choice", "5=e"), "from 0 to 3, or 4 to add one"),
    (("edit", "mine", "q1", "--choice", "²=e"), "write N=TEXT"),
    (("edit", "mine", "q1", "--choice", "-1=e"), "write N=TEXT"),
    (("edit", "mine", "q1", "--choice", "3"), "write N=TEXT"),
    (("edit", "mine", "q1", "--choice", "0=4"), "are the same"),
    (("edit", "little", "q1", "--set", "note=x"), "is an example"),
    (("add", "mine"), "needs --question"),
    (("add", "mine", "--question", "Why?", "--choice", "a", "--answer", "0"), "choice"),
    (("add", "mine", "--file", "x.csv", "--question", "Why?"), "not from both"),
    (("add", "mine", "--file", "/dev/zero"), "is no file"),
    (("add", "mine", "--file", "x" * 200_000), "cannot be read"),
    (("delete", "mine", "q1", "q9", "--yes"), "no question 'q9'"),
    (("delete", "little", "q1", "--yes"), "is an example"),
    (("move", "mine", "q1"), "is not clear"),
    (("move", "mine", "q1", "--to", "7"), "the places 1 to 6, not 7"),
    (("move", "mine", "q1", "--to", "²"), "--to"),
    (("move", "mine", "q9", "--to", "1"), "no question 'q9'"),
)


def test_what_cannot_be_is_one_short_sentence_and_changes_nothing(call: Cli, here: Settings) -> None:
    before = studios.tree(here.sets)
    for words, says in REFUSED:
        said = call("question", *words, code=2)
        assert says in said
        assert len(said) <= 301
    assert studios.tree(here.sets) == before


def test_edits_by_commands_and_by_others_are_all_there(call: Cli, here: Settings) -> None:
    call("question", "edit", "mine", "q1", "--set", "note=one")
    authoring.update_questions(here, "mine", {"q2": {"note": "two"}})
    call("question", "edit", "mine", "q3", "--choice", "0=three")
    assert (row(call, "q1")["note"], row(call, "q2")["note"], row(call, "q3")["choices"][0]) == (
        "one",
        "two",
        "three",
    )


def test_commands_side_by_side_lose_nothing(
    call: Cli, here: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each changes one choice of a question that others change as well."""

    def edit(work: tuple[str, int]) -> object:
        with pytest.raises(SystemExit) as end:
            main_commands.main(["question", "edit", "mine", work[0], "--choice", f"{work[1]}=new {work[1]}"])
        return end.value.code

    works = [(identity, place) for place in range(4) for identity in ("q1", "q2", "q3")]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(edit, works)) == [0] * 12
    capsys.readouterr()
    for identity in ("q1", "q2", "q3"):
        assert row(call, identity)["choices"] == ["new 0", "new 1", "new 2", "new 3"]
    assert len(versions.list_versions(here, "mine")) == 13
