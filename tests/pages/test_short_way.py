"""An edit takes the short way: its set is read at most once in each process, and only what changed is worked on.

It counts calls, not time: on a busy machine as on an idle one.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.runs import evaluate, start, worker
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.store import loglikelihood_store
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import authoring, collection, locks
from e2lm_core.sets.checks import check
from e2lm_core.sets.folder import files
from e2lm_core.sets.prompts import sandbox_worker
from tests.conftest import ROOT
from tests.support import studios
from tests.support.visits import OWN, Visit

QUESTIONS, CHOICES, DEV = 200, 4, 3
EDITED = {"q7": {"question": "How much is seven and eight?"}}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a set's questions are read from the disk, templates rendered, requests hashed, sets checked."""
    seen: Counter[str] = Counter()

    def counted(name: str, function: Callable) -> Callable:
        def call(*arguments, **options):
            seen[name] += 1
            return function(*arguments, **options)

        return call

    def read(folder: files.Folder, name: str) -> bytes:
        seen["read"] += name == "test.jsonl" and folder.root.name == OWN
        return getitem(folder, name)

    getitem = files.Folder.__getitem__
    monkeypatch.setattr(files.Folder, "__getitem__", read)
    monkeypatch.setattr(sandbox_worker, "render_text", counted("rendered", sandbox_worker.render_text))
    monkeypatch.setattr(check, "structural_errors", counted("checked", check.structural_errors))
    monkeypatch.setattr(collection, "list_sets", counted("listed", collection.list_sets))
    monkeypatch.setattr(
        loglikelihood_store, "hashlib", SimpleNamespace(sha256=counted("hashed", hashlib.sha256))
    )
    return seen


@pytest.fixture
def swept(visit: Visit) -> Visit:
    """A set of 200 questions with all its results on four checkpoints."""
    collection.import_set(visit.studio.settings, studios.task(QUESTIONS, OWN, DEV))
    start_run(visit.studio, evaluate.SWEEP)
    worker.run_worker(visit.studio, once=True)
    return visit.choose(OWN)


def start_run(studio: Studio, priority: int) -> Job:
    chosen = studio.catalogue.match_globs(["ladder-small-arch1/*"])[:4]
    return studio.jobs.get(studios.start_run(studio, OWN, chosen, priority=priority))


def own(settings: Settings) -> TaskSet:
    return collection.open_set(settings, OWN)


def test_a_save_checks_its_set_once(swept: Visit, calls: Counter[str]) -> None:
    with locks.lock_set(swept.studio.settings, OWN):
        own(swept.studio.settings)
        calls.clear()
        saved = authoring.update_questions(swept.studio.settings, OWN, EDITED)
    assert calls == {"checked": 2}  # its test and its dev questions
    assert saved == own(swept.studio.settings)


@pytest.mark.parametrize("shots", [0, 2])
def test_the_page_reads_nothing_again_and_works_on_the_edited_question(
    swept: Visit, calls: Counter[str], shots: int
) -> None:
    authoring.update_config(swept.studio.settings, OWN, num_fewshot=shots)
    start_run(swept.studio, evaluate.SWEEP)
    worker.run_worker(swept.studio, once=True)
    swept.open("write")
    calls.clear()
    swept.edit({6: {"question": f"How much is {shots} and seven?"}})  # no other test renders it
    queued = start.latest_job(swept.studio, OWN)
    assert queued is not None
    assert (queued.state, queued.priority) == ("queued", evaluate.INTERACTIVE)
    del calls["listed"]  # by the choice of sets on the page
    assert calls == {"rendered": 1, "hashed": CHOICES, "checked": 4}  # saved; shown as findings


def test_the_worker_reads_what_changed_and_works_on_the_edited_question(
    swept: Visit, calls: Counter[str]
) -> None:
    edit_in_another_process(swept.studio)
    calls.clear()
    assert worker.run_worker(swept.studio, once=True) == 1
    job = start.latest_job(swept.studio, OWN)
    assert job is not None
    assert sum(row.computed for row in job.progress) == len(job.progress) == 4
    # Of the file that another process changed only the lines that changed are read: see sets/folder/set_cache.py.
    assert calls == {"rendered": 1, "hashed": CHOICES}


def edit_in_another_process(studio: Studio) -> None:
    """As the page does beside its worker: this process has no part in what that one remembers."""
    program = (
        "from e2lm_core.runs import start, state, studio\n"
        "from e2lm_core.sets import authoring, locks\n"
        "here = studio.open_studio()\n"
        f"edited = authoring.update_questions(here.settings, {OWN!r}, {EDITED!r})\n"
        "start.submit_run(here, edited, *state.fleet_of_set(here, edited.name).run_arguments)\n"
    )
    environment = os.environ | studios.environment(studio.settings)
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
