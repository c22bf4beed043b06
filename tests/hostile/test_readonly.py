"""A home whose disk has become read-only gives out what it holds: that is when one wants it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.deploy.home import restore
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import authoring, collection
from tests.base.memory import unwritable
from tests.conftest import needs
from tests.support import studios

pytestmark = pytest.mark.slow
PROGRAM = """
import contextlib, io, json, sys
from e2lm_core.commands.main import main
said = []
for words in json.loads(COMMANDS):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as error:
            said.append([error.code, out.getvalue(), err.getvalue()])
print(json.dumps(said))
"""


def test_backup_export_report_score_and_check_work_and_an_edit_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = Settings(home=home, ladder=needs("ladder"))
    collection.copy_set(settings, "ladder_science", "mine")
    first = collection.open_set(settings, "mine").questions[0].id
    authoring.update_questions(settings, "mine", {first: {"note": "the last edit"}})
    studio = open_studio(settings)  # stays open: what it writes is in the journal
    studios.start_run(studio, "mine", studio.catalogue.checkpoints[:1])
    before = studios.tree(home)
    out = tmp_path / "out"
    out.mkdir()
    commands = [
        ["backup", str(out / "home.tar.gz")],
        ["export", "mine", "--out", str(out / "mine")],
        ["report", "ladder_science", "--out", str(out / "report.html")],
        ["score", "ladder_science", "--json"],
        ["score", "mine"],
        ["check", "mine"],
        ["versions", "mine"],
        ["question", "edit", "mine", first, "--set", "note=refused"],
    ]
    env = os.environ | studios.environment(settings) | {"E2LM_SHIPPED": "1"}
    program = PROGRAM.replace("COMMANDS", repr(json.dumps(commands)))
    said = json.loads(unwritable.run_in(home, program, env))
    *worked, edit = said
    assert [code for code, _, _ in worked] == [0] * len(worked), worked
    assert edit[0] == 2
    assert "Nothing was changed" in edit[2]
    assert (out / "report.html").stat().st_size > 10_000
    assert studios.tree(home) == before
    elsewhere = Settings(home=tmp_path / "other")
    restore.restore(elsewhere, out / "home.tar.gz")
    assert collection.open_set(elsewhere, "mine").questions[0].note == "the last edit"
    studio.store.database.close()


KEEPING = """
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.unpacking import ensure_directory
from e2lm_core.runs.studio import open_studio
studio = open_studio(Settings.from_env())
keeping = studio.with_results_copy
with keeping.store.database.transaction() as connection:
    connection.execute("INSERT INTO scopes VALUES (9, 'f', 'float32', 10, 'none', 1)")
print(studio.store.database.is_writable, keeping.store.database.is_writable)
folder = ensure_directory(studio.catalogue.checkpoints[0], studio.settings)
print((folder / "model.safetensors").is_file(), folder.is_relative_to(studio.settings.home))
"""


def test_what_verify_computes_is_kept_for_its_process_alone(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path, studios.real_ladder(tmp_path / "ladder", (100, 200)))
    settings.home.mkdir(exist_ok=True)
    open_studio(settings).store.database.close()
    before = studios.tree(settings.home)
    said = unwritable.run_in(settings.home, KEEPING, os.environ | studios.environment(settings))
    assert said.split() == ["False", "True", "True", "False"]
    assert studios.tree(settings.home) == before
