"""`questions`, `problems`, `choose` and `relevance` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2lm_core.analysis.questions import item_correlations
from e2lm_core.analysis.questions import problems as question_problems
from e2lm_core.analysis.questions.rules import COLUMNS
from e2lm_core.base.records import Finding, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.export import submission
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import ignored_problems
from tests.commands.conftest import Cli
from tests.support import studios

pytestmark = pytest.mark.usefixtures("computed")
SIX = ("q1", "q2", "q3", "q4", "q5", "q6")


def test_questions(call: Cli) -> None:
    document = call("questions", "little", "--json")
    assert list(document) == [
        *("task", "models", "incomplete", "undefined", "reliability", "questions", "taught", "fleet")
    ]
    assert document["models"] == ["ladder-small-arch1", "ladder-large-arch1"]
    rows = document["questions"]
    assert [row["id"] for row in rows] == list(SIX)
    for row in rows:
        assert set(row) == {"id", "question", *COLUMNS, "biserial", "tetrachoric"}
        assert row["biserial"] is None
        assert isinstance(row["slope"], float)
        assert isinstance(row["digits"], bool)
        assert row["taught"] is False
        assert row["discrimination"] is None
        assert row["relevance"] is None
    assert "three models" in document["undefined"]["discrimination"]
    text = call("questions", "little")
    assert "q3" in text
    assert "No item-rest correlations and no α: These figures need 30 models" in text
    assert document["reliability"]["why"] == "These figures need 30 models that count, and there are 2."


def test_questions_of_many_models_have_item_rest_correlations(
    call: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_correlations, "MIN_MODELS", 2)
    rows = call("questions", "little", "--json")["questions"]
    assert any(row["biserial"] is not None for row in rows)
    header = call("questions", "little", "--csv").splitlines()[0]
    assert "discrimination,biserial,tetrachoric,contrast" in header


def test_questions_where(call: Cli) -> None:
    every = call("questions", "little", "--json")["questions"]
    some = call("questions", "little", "--where", "slope > 0", "--json")["questions"]
    assert [row["id"] for row in some] == [row["id"] for row in every if row["slope"] > 0]


@pytest.fixture
def taught(call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The same set as models answer it that were taught it."""
    settings = studios.settings(tmp_path, studios.real_ladder(tmp_path / "ladder"))
    studios.write_example(settings, studios.task(40))
    studios.learn(settings)
    for name, value in studios.environment(settings).items():
        monkeypatch.setenv(name, value)
    return call


def test_models_that_were_taught_nothing_judge_no_choice(call: Cli) -> None:
    document = call("choose", "little", "--rule", "easiest-half", "--metric", "norm_prob", "--json")
    assert document["size"] == len(document["chosen"]) == 3
    assert document["folds"] == []
    assert {gain["gain"] for gain in document["held_out"].values()} == {None}
    assert "never learned these facts" in document["why"]
    text = call("choose", "little", "--rule", "easiest-half", "--metric", "norm_prob")
    assert "Whether that is a gain cannot be told: The built-in mini models never learned" in text


def test_problems_are_those_of_the_page_and_of_suspects(taught: Cli, tmp_path: Path) -> None:
    settings = studios.settings(tmp_path, tmp_path / "ladder")
    document = taught("problems", "little", "--json")
    rows = document["problems"]
    suspects = taught("suspects", "little", "--json")["suspects"]
    said = [row for row in rows if row["problem"] not in ("Error", "Warning", "Hurts the ranking")]
    assert [row["id"] for row in said] == [row["id"] for row in suspects]
    warnings = [row["reason"] for row in rows if row["problem"] == "Warning"]
    assert "The set has 40 questions; the competition takes 100 to 15,000." in warnings
    assert document["finding"].startswith(f"{len(rows)} problems")
    task = collection.open_set(settings, "little")
    (key,) = {
        one.key
        for one in question_problems.list_problems(task.questions, submission_findings(settings, task))
        if one.kind == "competition_size"
    }
    ignored_problems.ignore_problems(settings, "little", (key,))
    left = taught("problems", "little", "--json")
    assert len(left["problems"]) == len(rows) - 1
    assert left["finding"].endswith("1 problem ignored.")
    every = taught("problems", "little", "--ignored", "--json")["problems"]
    assert [row["ignored"] for row in every].count(True) == 1
    assert "competition takes" in taught("problems", "little", "--ignored")


def test_problems_of_a_set_without_results_are_those_of_its_checks(
    call: Cli, tmp_path: Path, ladder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = studios.settings(tmp_path, ladder)
    task = studios.write_example(settings)
    for name, value in studios.environment(settings).items():
        monkeypatch.setenv(name, value)
    document = call("problems", "little", "--json")
    found = question_problems.list_problems(task.questions, submission_findings(settings, task))
    assert [row["reason"] for row in document["problems"]] == [problem.reason for problem in found] != []
    assert document["lacking"] == question_problems.CHECKS_ALONE
    assert question_problems.CHECKS_ALONE in call("problems", "little")


def test_problems_after_an_edit_say_how_many_questions_lack_results(taught: Cli, tmp_path: Path) -> None:
    settings = studios.settings(tmp_path, tmp_path / "ladder")
    collection.copy_set(settings, "little", "mine")
    first = collection.open_set(settings, "mine").questions[0]
    authoring.update_questions(settings, "mine", {first.id: {"question": "Something else?"}})
    document = taught("problems", "mine", "--json")
    assert document["lacking"].startswith("1 of 40 questions of mine lacks results")
    assert document["problems"]


def submission_findings(settings: Settings, task: TaskSet) -> list[Finding]:
    return submission.check_findings(open_studio(settings), task)


def test_choose(taught: Cli) -> None:
    call = taught
    document = call("choose", "little", "--rule", "easiest-half", "--metric", "norm_prob", "--json")
    assert document["rule"] == "easiest-half"
    assert document["size"] == len(document["chosen"]) == 20
    assert [fold["fold"] for fold in document["folds"]] == ["size small", "size large"]
    assert document["folds"][0]["held_out_models"] == ["ladder-small-arch1"]
    assert set(document["held_out"]) == {"final", "sq", "snr"}
    assert set(document["held_out"]["final"]) == {
        *("gain", "value", "interval", "covers", "level", "flatters", "why"),
    }
    assert document["out"] is None
    assert "warning" in document
    text = call("choose", "little", "--rule", "easiest-half", "--metric", "norm_prob")
    assert "keeps 20 of 40 questions" in text


def test_choose_out_copies_and_leaves_the_set_alone(call: Cli, here: Settings) -> None:
    before = studios.tree(here.tasks)
    document = call("choose", "little", "--rule", "slope > -1000", "--out", "kept", "--json")
    kept = collection.open_set(here, "kept")
    assert [q.id for q in kept.questions] == document["chosen"] == list(SIX)
    said = call("choose", "little", "--rule", "slope > -1000", "--out", "kept_too")
    assert said.endswith("The set kept_too was made, with 6 questions.\n")
    half = call("choose", "kept", "--rule", "easiest-half", "--out", "kept_half", "--json")
    assert [q.id for q in collection.open_set(here, "kept_half").questions] == half["chosen"]
    assert studios.tree(here.tasks) == before


def test_a_set_that_choose_made_says_so_in_every_command(taught: Cli, tmp_path: Path) -> None:
    call, rule = taught, "margin > -1000 and slope > -1000 and length < 1000"
    plain = call("score", "little", "--json")
    assert "chosen" not in plain
    assert plain["metrics"]["norm_prob"]["sq"]["overall"]["null"] is not None
    call("sets", "copy", "little", "mine")
    call("choose", "mine", "--rule", "easiest-half", "--metric", "norm_prob", "--out", "half")
    document = call("score", "half", "--json", "--advice")
    assert document["chosen"]["rule"] == "easiest-half"
    assert document["chosen"]["parent"] == "mine"
    note = document["chosen"]["sentence"]
    assert "(the 1st choice tried on these questions)" in note
    for scores in document["metrics"].values():
        assert scores["sq"]["overall"]["null"] is None
        assert scores["advice"]["sentences"] == [note]
    assert call("score", "half").count(note) == 1
    assert note in call("ranks", "half")
    assert note in call("report", "half", "--out", str(tmp_path / "half.html"))
    assert note in (tmp_path / "half.html").read_text(encoding="utf-8")
    assert call("compare", "mine", "half", "--json")["chosen"] == f"half: {note}"
    compared = call("compare", "mine", "half")
    assert "as the choice makes it" in compared
    assert "of resamples" not in compared
    call("sets", "copy", "half", "again")
    assert call("score", "again", "--json")["chosen"]["sentence"] == note
    through = call("score", "half", "--null-through-rule", "--json")["null_through_rule"]
    assert 0 < through["norm_prob"]["sq"]["p"] <= 1
    assert "under random answer keys the same rule gives" in call("score", "half", "--null-through-rule")
    call("choose", "half", "--rule", "norm_prob > 0", "--metric", "norm_prob", "--out", "half_of_it")
    tried = call("choose", "half", "--rule", "easiest-half", "--out", "quarter", "--json")["tried"]
    assert tried == 3, "the same rule again on what it chose is another trial"
    through = call("score", "quarter", "--null-through-rule", "--json")["null_through_rule"]
    assert through["norm_prob"]["sq"] is None or 0 < through["norm_prob"]["sq"]["p"] <= 1
    shown = call("score", "quarter", "--null-through-rule")
    assert "before that from mine by the rule easiest-half (the 3rd choice tried on these questions)" in shown
    assert "the same 2 rules give" in shown or through["norm_prob"]["sq"] is None
    # A rule that keeps all questions has chosen nothing.
    call("choose", "mine", "--rule", rule, "--out", "whole")
    assert "chosen" not in call("score", "whole", "--json")


def test_the_number_of_the_choice_goes_with_the_set_and_adjusts_its_p(taught: Cli, tmp_path: Path) -> None:
    call = taught
    call("sets", "copy", "little", "mine")
    for k, metric in enumerate(("acc", "margin", "norm_prob"), start=1):
        said = call("choose", "mine", "--rule", "easiest-half", "--metric", metric, "--out", f"part_{k}")
        assert (f"The {('1st', '2nd', '3rd')[k - 1]} choice tried on these questions" in said) == (k > 1)
    call("export", "part_3", "--out", str(tmp_path / "part.zip"))
    call("import", str(tmp_path / "part.zip"), "--name", "from_a_bundle")
    for name in ("part_3", "from_a_bundle"):
        assert (
            "(the 3rd choice tried on these questions)" in call("score", name, "--json")["chosen"]["sentence"]
        )
    call("report", "part_3", "--out", str(tmp_path / "part.html"))
    assert "the 3rd choice tried" in (tmp_path / "part.html").read_text(encoding="utf-8")
    first, third = (
        call("score", f"part_{k}", "--null-through-rule", "--json")["null_through_rule"]["norm_prob"]["sq"]
        for k in (1, 3)
    )
    assert first["p"] == min(1.0, 2 * first["p_alone"])
    assert third["p"] == min(1.0, 12 * third["p_alone"])
    assert (first["draws"], third["draws"]) == (399, 480)


def test_a_choice_after_very_many_has_no_p(taught: Cli) -> None:
    call = taught
    call("sets", "copy", "little", "mine")
    for k in range(10):
        call("choose", "mine", "--rule", f"norm_prob > {k / 1000}", "--json")
    call("choose", "mine", "--rule", "easiest-half", "--metric", "norm_prob", "--out", "late")
    said = call("score", "late", "--null-through-rule", code=2)
    assert "The 11th choice tried on these questions has no p" in said
    assert "the 11th choice tried" in call("score", "late")


def test_a_null_through_a_rule_needs_a_rule(taught: Cli) -> None:
    said = taught("score", "little", "--null-through-rule", code=2)
    assert "little was not made by a rule" in said


def test_copies_and_fleets_count_the_same_trials(taught: Cli) -> None:
    call = taught
    asked = ("--rule", "length > 1", "--json")
    assert call("choose", "little", *asked)["tried"] == 1
    assert call("choose", "little", "--checkpoints", "ladder-small-*/*", *asked)["tried"] == 2
    call("sets", "copy", "little", "mine")
    assert call("choose", "mine", *asked)["tried"] == 1
    assert call("choose", "mine", "--rule", "length > 2", "--json")["tried"] == 3


def test_choose_prints_what_another_command_adds(call: Cli, here: Settings) -> None:
    printed = call("choose", "little", "--rule", "easiest-half", "--out", "-")
    rows = [json.loads(line) for line in printed.splitlines()]
    chosen = call("choose", "little", "--rule", "easiest-half", "--json")["chosen"]
    by_id = {q.id: q.question for q in collection.open_set(here, "little").questions}
    assert [(row["id"], row["question"]) for row in rows] == [(i, by_id[i]) for i in chosen]


def test_one_model_chooses_and_nothing_judges(taught: Cli) -> None:
    document = taught(
        "choose", "little", "--rule", "easiest-half", "--checkpoints", "ladder-small-arch1", "--json"
    )
    assert document["size"] == 20
    assert document["folds"] == []
    assert document["held_out"]["final"]["gain"] is None
    assert "one model" in document["why"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("choose", "little", "--rule", "nonsense"), "cannot be read"),
        (("choose", "little", "--rule", "margin > 1e9"), "keeps none of the 6 questions"),
        (("choose", "little", "--rule", "easiest-half", "--metric", "f1"), "The metric 'f1' does not exist"),
        (("choose", "little", "--rule", "easiest-half", "--out", "Bad Name"), "cannot be used"),
        (("choose", "little", "--rule", "rising-hard-science", "--source", "x"), "one-source alone"),
        (("choose", "little", "--rule", "one-source"), "names its source"),
        (("questions", "nowhere"), "There is no question set 'nowhere'"),
        (("questions", "little", "--where", "x = 1"), "is no column"),
        (("questions", "little", "--num-fewshot", "2"), "has no results yet"),
    ],
)
def test_bad_input_is_one_sentence(call: Cli, arguments: tuple[str, ...], says: str) -> None:
    assert says in call(*arguments, code=2)


@pytest.mark.slow
def test_relevance_on_request(call: Cli) -> None:
    rows = call("questions", "little", "--relevance", "--json")["questions"]
    assert all(0 <= row["relevance"] <= 1 for row in rows)


def test_the_folder_of_a_set_will_do(call: Cli, here: Settings, tmp_path: Path) -> None:
    document = call("questions", str(here.tasks / "little"), "--json")
    assert document["task"] == "little"


@pytest.mark.slow
def test_relevance_of_a_file_and_of_a_set(call: Cli, tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    lines = [
        {
            "question": "Which gas do plants take in for photosynthesis?",
            "choices": ["CO2", "N2"],
            "answer": 0,
        },
        {"id": "b", "question": "Which word rhymes with cat?"},
        {"id": "b", "question": "What does a line\u2028separator do?"},
    ]
    file.write_text(
        "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n\n", encoding="utf-8"
    )
    document = call("relevance", str(file), "--json")
    assert list(document) == ["questions", "accepted_share", "whole_accepted_share", "embedder"]
    assert [q["id"] for q in document["questions"]] == ["1", "b", "b"]
    for question in document["questions"]:
        assert list(question) == ["id", "probability", "whole_probability", "field", "nearest"]
        assert len(question["nearest"]) == 5
        assert 0 <= question["probability"] <= 1
    assert document["questions"][0]["probability"] > document["questions"][1]["probability"]
    assert len(call("relevance", "little", "--json")["questions"]) == 6


def test_suspects(call: Cli) -> None:
    document = call("suspects", "little", "--json")
    assert list(document) == [
        *("task", "finding", "knowledge", "expected_false", "shifted"),
        *("suspects", "control", "taught", "fleet"),
    ]
    assert document["control"] is None
    said = call("suspects", "little")
    assert "do not know these answers well enough" in said
    assert "suspects little --control runs it" in said


def test_the_control_is_run_once_and_kept(call: Cli) -> None:
    document = call("suspects", "little", "--control", "--json")["control"]
    assert 0 <= document["acc"] <= 1
    wordings = {"acc_shuffled", "acc_word", "acc_negated"}
    assert {"model", "acc", "acc_others", "acc_blank", *wordings} == set(document["models"][0])
    names = [one["condition"] for one in document["conditions"]]
    assert names == ["nothing", "other", "shuffled", "word", "negated"]
    assert (document["cue_words"], document["curves"]) == (None, [])
    assert call("suspects", "little", "--json")["control"] == document
    said = call("suspects", "little")
    assert "Without the question, models get" in said
    assert "One word of each question alone answers" in said


def test_the_control_at_every_checkpoint_has_curves(call: Cli) -> None:
    document = call("suspects", "little", "--control", "--every-checkpoint", "--json")["control"]
    assert len(document["curves"]) == 40
    assert set(document["curves"][0]) == {
        *("model", "step", "tokens_seen", "written"),
        *("nothing", "other", "shuffled", "word", "negated"),
    }
    assert "give it with --control" in call("suspects", "little", "--every-checkpoint", code=2)


def test_a_choice_without_a_gain_is_a_trial_once_it_is_copied(call: Cli) -> None:
    asked, other = (("choose", "little", "--rule", f"length > {n}", "--json") for n in (2, 3))
    number = call(*asked)["tried"]
    assert call(*other)["tried"] == number, "these models learned nothing: no gain is told"
    assert call(*other, "--out", "longer")["tried"] == number
    assert call(*asked)["tried"] == number + 1
