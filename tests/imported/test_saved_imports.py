"""Imports that are kept come back as they were; removing can be undone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.base.settings import Limits, Settings
from e2lm_core.commands.main import app
from e2lm_core.imported import documents, saved_imports
from e2lm_core.imported.records import Imported
from tests.support import harness_files


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture(scope="module")
def imported() -> Imported:
    files = harness_files.folder(steps=(1000, 2000)) | {"notes.txt": b"x"}
    return harness_files.import_files(files, (), "x")


def test_what_is_kept_comes_back_as_it_was(settings, imported):
    saved_imports.save_import(settings, "mine", imported)
    again = saved_imports.open_saved(settings, "mine")
    assert documents.document(again, with_scores=True) == documents.document(imported, with_scores=True)
    before, after = imported.measured["metals"], again.measured["metals"]
    np.testing.assert_array_equal(after.curves[0].ll, before.curves[0].ll)
    np.testing.assert_array_equal(after.chars, before.chars)
    [row] = saved_imports.list_saved(settings)
    assert (row.name, row.models, row.tasks, row.curves, row.per_question) == (
        "mine",
        ("pythia-70m",),
        ("metals",),
        5,
        True,
    )


def test_choices_that_a_question_lacks_stay_missing(settings):
    ragged = harness_files.samples(choices=("iron", "gold"), likelihoods=((-1.0, -2.0),))
    three = harness_files.samples(likelihoods=((-1.0, -2.0, -3.0),))
    both = ragged + three.replace(b'"doc_id": 0', b'"doc_id": 1').replace(b'"q0"', b'"q1"')
    files = {
        "a/results_2026-01-01T00-00-00.json": harness_files.results(n=2, acc=1.0),
        "a/samples_metals_2026-01-01T00-00-00.jsonl": both,
    }
    imported = harness_files.import_files(files, (), "x")
    saved_imports.save_import(settings, "ragged", imported)
    again = saved_imports.open_saved(settings, "ragged").measured["metals"]
    assert again.choice_counts.tolist() == [2, 3]
    assert np.isnan(again.curves[0].ll[0, 0, 2])
    assert again.chance == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_removing_can_be_undone(settings, imported):
    saved_imports.save_import(settings, "mine", imported)
    saved_imports.remove_import(settings, "mine")
    assert saved_imports.list_saved(settings) == []
    assert saved_imports.removed_imports(settings) == ["mine"]
    saved_imports.restore_import(settings, "mine")
    assert [row.name for row in saved_imports.list_saved(settings)] == ["mine"]
    assert saved_imports.removed_imports(settings) == []


def test_names_are_not_overwritten_nor_lead_elsewhere(settings, imported):
    saved_imports.save_import(settings, "mine", imported)
    with pytest.raises(StudioError, match="kept already"):
        saved_imports.save_import(settings, "mine", imported)
    for name in ("", "../x", "a/b", ".hidden", "x" * 65, "é"):
        with pytest.raises(StudioError, match="cannot name results"):
            saved_imports.save_import(settings, name, imported)


def test_what_is_not_there_says_so(settings):
    for act in (saved_imports.remove_import, saved_imports.restore_import, saved_imports.open_saved):
        with pytest.raises(StudioError, match="No results named 'x'"):
            act(settings, "x")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 9}',
        b'{"version": 1, "when": "x"}',
        b'{"version": 1, "curves": [], "measured": []}',
    ],
)
def test_a_damaged_file_is_listed_with_its_reason(settings, imported, content):
    saved_imports.save_import(settings, "whole", imported)
    (saved_imports.imports_folder(settings) / "broken.json").write_bytes(content)
    rows = {row.name: row.problem for row in saved_imports.list_saved(settings)}
    assert rows["whole"] is None
    assert "'broken'" in (rows["broken"] or "")
    saved_imports.remove_import(settings, "broken")  # and can be removed


def test_what_is_too_large_is_refused(tmp_path, imported):
    small = Settings(home=tmp_path, limits=Limits(max_file_bytes=100))
    with pytest.raises(LimitError, match="are kept: import fewer models"):
        saved_imports.save_import(small, "mine", imported)


def test_the_command_line_keeps_lists_removes_and_restores(tmp_path, monkeypatch):
    monkeypatch.setenv("E2LM_HOME", str(tmp_path / "home"))
    for name, data in harness_files.folder().items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)

    def call(*arguments: str) -> dict:
        run = CliRunner().invoke(app, [*arguments, "--json"])
        assert run.exit_code == 0, run.output
        return json.loads(run.stdout)

    printed = call("import-results", str(tmp_path / "in"), "--keep", "mine", "--scores")
    assert call("results", "list")["kept"][0]["name"] == "mine"
    assert call("results", "show", "mine", "--scores") == printed
    assert call("results", "remove", "mine") == {"removed": "mine"}
    assert call("results", "list") == {"kept": [], "removed": ["mine"]}
    assert call("results", "restore", "mine") == {"restored": "mine"}
    assert call("results", "list")["removed"] == []
