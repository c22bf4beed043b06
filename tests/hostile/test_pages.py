"""Hostile files given on the pages: results from elsewhere, questions to import, and a bundle opened as a set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2lm_core.sets import collection
from tests.hostile.ground import check_sentence
from tests.hostile.test_bombs import BUNDLES, QUESTIONS, RESULTS, zipped
from tests.support import studios
from tests.support.visits import OWN, Visit, app_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = ("ladder-small-arch1",)
    return studios.real_ladder(tmp_path_factory.mktemp("hostile") / "ladder", steps=(100,), models=models)


@pytest.fixture
def visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ladder: Path) -> Iterator[Visit]:
    settings = studios.settings(tmp_path, ladder)
    studios.write_example(settings)
    collection.copy_set(settings, "little", OWN)
    for opened in app_in(tmp_path, monkeypatch, ladder):
        yield opened.choose(OWN)


def errors(visit: Visit) -> list[str]:
    assert not visit.at.exception
    return [error.value for error in (*visit.at.error, *visit.at.warning)]


@pytest.mark.parametrize(
    "name",
    [
        "Parquet: 22 kB of large text in 200,000 rows",
        "JSON: 14,000 rows, each with a key of its own",
        "JSON: 100,000 lists in lists",
        "CSV: 20 MB of commas",
    ],
)
def test_results(visit: Visit, name: str) -> None:
    make, _ = RESULTS[name]
    visit.open("results")
    files = [(file, data, "application/octet-stream") for file, data in make().items()]
    visit.at.file_uploader(key="results_files").set_value(files).run()
    said = errors(visit)
    assert said
    for sentence in said:
        check_sentence(sentence)


@pytest.mark.parametrize("name", ["30,000 columns of 15,000 rows", "100,000 lists in lists", "14,000 keys"])
def test_a_table_of_questions(visit: Visit, name: str) -> None:
    file, make, _ = QUESTIONS[name]
    visit.open("write")
    visit.at.segmented_control(key="author_view").set_value("Import").run()
    visit.at.file_uploader(key="import_file").set_value([(file, make(), "text/csv")]).run()
    said = errors(visit)
    assert any("columns" in sentence or "deeply" in sentence for sentence in said), said


@pytest.mark.parametrize(
    "name", ["25 files that include the next twice", "a loader of a stranger", "a name that leads out"]
)
def test_a_bundle(visit: Visit, name: str) -> None:
    make, says = BUNDLES[name]
    visit.open("sets")
    before = json.dumps(sorted(path.name for path in visit.studio.settings.sets.glob("*")))
    visit.at.file_uploader(key="create_bundle").set_value(
        [("x.zip", zipped(make()), "application/zip")]
    ).run()
    visit.at.button(key="create_open").click().run()
    assert any(says in sentence for sentence in errors(visit))
    assert json.dumps(sorted(path.name for path in visit.studio.settings.sets.glob("*"))) == before
