"""Questions → Problems → Judgements as a visitor uses it: judged, imported, filtered, compared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2lm_core.base.judgements import judgements_of
from e2lm_core.runs import results
from e2lm_core.sets import collection
from e2lm_core.sets.editing import judgements
from tests.pages.test_problems import press, questions, select
from tests.support.visits import OWN, Visit, app_in, learnt_in

HOSTILE = "**gpt** [x](http://evil) <b>"
HEAD = "id,judge,what,value,comment\n"


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learnt_in(tmp_path_factory.mktemp("judged"))


@pytest.fixture
def visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learnt: Path) -> Iterator[Visit]:
    shutil.copytree(learnt, tmp_path, dirs_exist_ok=True)
    for opened in app_in(tmp_path, monkeypatch, tmp_path / "ladder"):
        yield opened.choose(OWN)


def view(visit: Visit) -> Visit:
    visit.open("problems")
    visit.at.segmented_control(key="problems_view").set_value("Judgements").run()
    assert not visit.at.exception
    return visit


def table(visit: Visit) -> list[dict[str, object]]:
    return next(d.value for d in visit.at.dataframe if "disagree" in d.value.columns).to_dict("records")


def values(visit: Visit, name: str = "q1") -> dict[tuple[str, str], str]:
    return {(one.judge, one.what): one.value for one in judgements_of(questions(visit)[name])}


def complete(visit: Visit) -> int:
    """Number of pairs of a checkpoint and a question with a result."""
    task = collection.open_set(visit.studio.settings, OWN)
    checkpoints = visit.studio.catalogue.checkpoints
    return int(results.load_measurements(visit.studio, task, checkpoints).complete_pairs)


def form(visit: Visit, what: str):
    return next(c for c in visit.at.segmented_control if str(c.key).startswith(f"judgement_{what}_"))


def by_models(visit: Visit, judge: str = "gpt", wrong: tuple[str, ...] = ()) -> None:
    rows = "".join(
        f'{name},"{judge}",key,{"wrong" if name in wrong else "right"},\n' for name in questions(visit)
    )
    judgements.import_judgements(visit.studio.settings, OWN, (HEAD + rows).encode(), "x.csv")


def test_a_person_judges_the_selected_question_and_one_undo_takes_it_back(visit):
    measured = complete(visit)
    view(visit)
    assert "No question is judged yet" in visit.said
    select(visit, [0], "disagree")
    visit.at.text_input(key="judge_name").set_value("Ada").run()
    form(visit, "key").set_value("wrong")
    form(visit, "review").set_value("sent back")
    next(a for a in visit.at.text_area if a.label == "Comment").set_value("two *are* right")
    press(visit, "judgement_save")
    assert values(visit) == {("Ada", "key"): "wrong", ("Ada", "review"): "sent back"}
    assert complete(visit) == measured > 0
    assert "two *are* right" in visit.said
    assert table(visit)[0]["review"] == "sent back"
    assert form(visit, "key").value == "wrong"
    form(visit, "key").set_value(None)
    press(visit, "judgement_save")
    assert values(visit) == {("Ada", "review"): "sent back"}
    before = collection.open_set(visit.studio.settings, OWN)
    form(visit, "difficulty").set_value("4")
    press(visit, "judgement_save")
    visit.open("write")
    visit.click("Undo")
    assert collection.open_set(visit.studio.settings, OWN) == before


def test_who_gives_no_name_is_told(visit):
    view(visit)
    select(visit, [0], "disagree")
    form(visit, "key").set_value("wrong")
    press(visit, "judgement_save")
    assert "A judgement needs the name of its judge" in visit.said
    assert values(visit) == {}


def test_a_models_file_is_imported_shown_as_a_models_and_removed(visit):
    view(visit)
    data = (HEAD + f'q1,"{HOSTILE}",key,wrong,\nq99,gpt,key,right,\n').encode()
    visit.at.file_uploader(key="judgements_file").set_value([("judges.csv", data, "text/csv")]).run()
    press(visit, "judgements_import")
    assert table(visit)[0]["answer key"] == f"{HOSTILE} (model): wrong"
    assert "Left out: Row 2: mine has no question 'q99'" in visit.said
    assert all("[x](http" not in element.value for element in (*visit.at.markdown, *visit.at.info))
    select(visit, [0], "disagree")
    assert f"{HOSTILE} (model) · answer key: wrong" in visit.said.replace("**" + HOSTILE, HOSTILE).replace(
        "(model)**", "(model)"
    )
    press(visit, "judgements_remove")
    assert values(visit) == {}


def test_disagreements_are_a_filter_and_judges_stand_beside_suspects_and_relevance(visit):
    by_models(visit)
    by_models(visit, "llama", wrong=("q2",))
    view(visit)
    assert "judged by 2 models" in visit.said
    visit.at.selectbox(key="judgements_filter").set_value("judges disagree").run()
    assert [row["id"] for row in table(visit)] == ["q2"]
    visit.at.toggle(key="judgements_compared").set_value(True).run()
    assert not visit.at.exception
    frame = next(d.value for d in visit.at.dataframe if "alpha" in d.value.columns)
    assert set(frame["with"]) >= {"each other", "suspects"}


def test_an_example_is_shown_without_a_form(visit):
    visit.choose("little")
    view(visit)
    select(visit, [0], "disagree")
    assert not [c for c in visit.at.segmented_control if str(c.key).startswith("judgement_")]
    assert not visit.at.get("file_uploader")
