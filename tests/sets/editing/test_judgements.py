"""Judgements of a set: given, replaced, withdrawn, imported, undone; the results stay as they are."""

from __future__ import annotations

import json

import pytest

from e2lm_core.base import judgements as base
from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.editing import bulk_edit, judgements
from e2lm_core.sets.folder.bundle import pack
from e2lm_core.sets.formats import writing
from e2lm_core.sets.prompts.render import render_set
from tests.support import studios


@pytest.fixture
def settings(tmp_path):
    made = studios.settings(tmp_path)
    collection.create_set(made, "mine", studios.task().questions)
    return made


def of(settings, name="q1", task="mine"):
    opened = collection.open_set(settings, task)
    return {
        (one.judge, one.by, one.what): one.value
        for question in opened.questions
        if question.id == name
        for one in base.judgements_of(question)
    }


def judge(settings, values, **more):
    return judgements.judge_questions(settings, "mine", ["q1"], values, **{"judge": "Ada", **more})


def test_a_persons_judgement_is_given_replaced_withdrawn_and_undone(settings):
    before = collection.open_set(settings, "mine")
    judge(settings, {"key": "right", "difficulty": "3"}, comment="fine")
    assert of(settings) == {("Ada", "person", "key"): "right", ("Ada", "person", "difficulty"): "3"}
    judge(settings, {"key": "wrong"})
    judge(settings, {"key": "right"}, judge="Bob")
    assert of(settings)["Ada", "person", "key"] == "wrong"
    assert of(settings)["Bob", "person", "key"] == "right"
    judge(settings, {"key": "", "difficulty": ""})
    assert of(settings) == {("Bob", "person", "key"): "right"}
    versions.undo(settings, "mine")
    assert of(settings)["Ada", "person", "key"] == "wrong"
    judgements.remove_judge(settings, "mine", "Ada", "person")
    judgements.remove_judge(settings, "mine", "Bob", "person")
    assert collection.open_set(settings, "mine") == before


def test_a_judgement_moves_no_prompt_and_no_result(settings):
    before = collection.open_set(settings, "mine")
    after = judge(settings, {"key": "wrong", "scientific": "no"}, comment="{{ nothing }}")
    assert [doc.requests for doc in render_set(after)] == [doc.requests for doc in render_set(before)]
    assert after.questions_digest == before.questions_digest


def test_a_set_without_judgements_keeps_its_bytes(settings):
    before = pack(collection.open_set(settings, "mine"), settings.limits)
    judge(settings, {"key": "wrong"})
    assert pack(collection.open_set(settings, "mine"), settings.limits) != before
    judge(settings, {"key": ""})
    assert pack(collection.open_set(settings, "mine"), settings.limits) == before


def test_they_go_with_copies_and_files(settings):
    judge(settings, {"key": "wrong"}, comment="see p. 7")
    collection.copy_set(settings, "mine", "other")
    assert of(settings, task="other") == of(settings)
    for kind in ("jsonl", "csv"):
        written = writing.write_questions(collection.open_set(settings, "mine").questions, kind)
        read = authoring.preview_import(settings, written, f"x.{kind}")
        collection.create_set(settings, f"from_{kind}", read.questions)
        assert of(settings, task=f"from_{kind}") == of(settings)


def test_who_signed_in_judges_under_their_own_name(settings):
    signed = settings.model_copy(update={"person": "ada"})
    collection.create_set(signed, "hers", studios.task().questions)
    judgements.judge_questions(signed, "hers", ["q1"], {"key": "wrong"}, judge="bob")
    assert of(signed, task="hers") == {("ada", "person", "key"): "wrong"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"judge": " "}, "needs the name of its judge"),
        ({"judge": "x" * 81}, "use at most 80"),
        ({"comment": "x" * 501}, "use at most 500"),
        ({"values": {}}, "Nothing is judged yet"),
        ({"values": {"key": "maybe"}}, "'maybe' is no value of 'key': use right or wrong."),
        ({"values": {"taste": "good"}}, "use one of the aspects scientific, key, difficulty, review"),
        ({"question_ids": []}, "No question is chosen"),
        ({"question_ids": ["q99"]}, "There is no question 'q99' in mine"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_changes_nothing(settings, change, sentence):
    before = collection.open_set(settings, "mine")
    given = {"question_ids": ["q1"], "values": {"key": "right"}, "judge": "Ada", **change}
    with pytest.raises(StudioError, match=sentence.replace("(", r"\(")) as refused:
        judgements.judge_questions(settings, "mine", **given)
    studios.sentence(refused)
    assert collection.open_set(settings, "mine") == before


def test_more_judges_than_are_kept_are_refused(settings):
    for n in range(judgements.MAX_JUDGES):
        judge(settings, {"key": "right"}, judge=f"judge {n}")
    with pytest.raises(TaskError, match="at most 20 are kept"):
        judge(settings, {"key": "right"}, judge="one more")


CSV = "id,judge,what,value,comment\n"


def imported(settings, text, filename="x.csv"):
    return judgements.import_judgements(settings, "mine", text.encode(), filename)


def test_a_judge_models_file_is_imported_as_a_models(settings):
    found = imported(
        settings, CSV + 'q1,gpt,key,wrong,"no, never"\nq1,gpt,difficulty,4,\nq2,gpt,scientific,Yes,\n'
    )
    assert (found.judgements, found.judges, found.refused) == (3, ("gpt",), ())
    assert of(settings) == {("gpt", "model", "key"): "wrong", ("gpt", "model", "difficulty"): "4"}
    again = imported(settings, CSV + "q1,gpt,key,right,\n")
    assert again.judgements == 1
    assert of(settings)["gpt", "model", "key"] == "right"


@pytest.mark.parametrize("kind", ["jsonl", "json", "tsv", "csv"])
def test_every_format_gives_the_same(settings, kind):
    rows = [
        {"id": "q1", "judge": "m", "what": "key", "value": False, "comment": "a"},
        {"id": "q2", "judge": "m", "what": "difficulty", "value": 2},
    ]
    if kind == "jsonl":
        text = "\n".join(map(json.dumps, rows))
    elif kind == "json":
        text = json.dumps(rows)
    else:
        text = CSV + "q1,m,key,wrong,a\nq2,m,difficulty,2,\n"
        text = text.replace(",", "\t" if kind == "tsv" else ";")
    assert imported(settings, text, f"x.{kind}").judgements == 2
    assert of(settings) == {("m", "model", "key"): "wrong"}
    assert of(settings, "q2") == {("m", "model", "difficulty"): "2"}


def test_each_row_that_cannot_be_taken_is_named(settings):
    found = imported(
        settings,
        CSV
        + "q1,m,key,right,\n"
        + "q99,m,key,right,\n"
        + "q2,m,key,maybe,\n"
        + "q2,,key,right,\n"
        + "q2,m,taste,good,\n"
        + "q2,m,review,accepted,\n"
        + "q2,m,difficulty,6,\n"
        + "q1,m,key,wrong,\n"
        + f"q3,m,key,right,{'x' * 501}\n",
    )
    assert found.judgements == 1
    assert [one.split(":")[0] for one in found.refused] == [f"Row {n}" for n in range(2, 10)]
    assert "mine has no question 'q99'" in found.refused[0]
    assert "'maybe' is no value of key; use right or wrong." in found.refused[1]
    assert "row 1 has this judge's key of 'q1' already" in found.refused[6]
    assert of(settings)["m", "model", "key"] == "right"


@pytest.mark.parametrize(
    ("text", "filename", "sentence"),
    [
        ("", "x.csv", "x.csv has no rows"),
        ("a,b\n1,2\n", "x.csv", "x.csv lacks id and judge and what and value"),
        (CSV + "q99,m,key,right,\n", "x.csv", "brings no judgement that can be taken: Row 1: mine has no"),
        ("{", "x.jsonl", "x.jsonl, line 1 is not valid JSON"),
        ("[1]", "x.json", "must be a list of JSON objects"),
        ("[" * 100_000, "x.json", "not valid JSON"),
        (CSV, "x.exe", "x.exe is no CSV, TSV, JSON or JSONL file"),
        ('id,judge,what,value\n"q1,m', "x.csv", "x.csv is no CSV"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(settings, text, filename, sentence):
    before = collection.open_set(settings, "mine")
    with pytest.raises(StudioError) as refused:
        imported(settings, text, filename)
    assert sentence in studios.sentence(refused)
    assert collection.open_set(settings, "mine") == before


def test_an_example_and_a_reader_are_refused(settings):
    studios.write_example(settings)
    for given in (settings, settings.model_copy(update={"readonly": True})):
        with pytest.raises(StudioError):
            judgements.judge_questions(given, "little", ["q1"], {"key": "right"}, judge="Ada")
        with pytest.raises(StudioError):
            judgements.import_judgements(given, "little", (CSV + "q1,m,key,right,\n").encode(), "x.csv")


def test_judgements_stay_when_choices_are_shuffled(settings):
    judge(settings, {"key": "right"})
    after = bulk_edit.shuffle(settings, "mine", ["q1"], seed=3)
    assert base.current_judgements(after.questions[0])
