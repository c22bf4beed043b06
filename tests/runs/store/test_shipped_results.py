"""What the package brings of the example sets: it is of today's sets, checkpoints and engine, and nothing else gets it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.records import Loglikelihood, Scope
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.runs import evaluate, results
from e2lm_core.runs import start as run_start
from e2lm_core.runs.store import shipped_results
from e2lm_core.runs.store.requests import RequestIndex, render_prompts
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.runs.worker import run_worker
from e2lm_core.sets import authoring, collection
from tests.conftest import needs
from tests.support import studios

EXAMPLES = ("ladder_science", "ladder_general", "ladder_school")
MAX_BYTES = 1_500_000
SCOPE = Scope(fingerprint="folder:1", dtype="float32", max_length=1024, bos="none", scoring_version=1)
MADE = shipped_results.ShippedInfo(date="2026-11-26", studio="0.1.0", torch="2.8.0", device="CPU")


def opened(home: Path, **changed: object) -> Studio:
    settings = Settings(home=home, ladder=needs("ladder"), device="cpu", shipped=True)
    return open_studio(settings.model_copy(update=changed))


def test_rows_are_packed_to_the_bit():
    values = {bytes([n] * 16): Loglikelihood(-np.pi * n / 7, n) for n in (3, 1, 2)}
    back = shipped_results.unpack_results(shipped_results.pack_results(MADE, {SCOPE: values}))
    assert back.made == MADE
    assert back.keys == tuple(sorted(values))
    wanted = set(list(values)[:2])
    assert back.rows(SCOPE, wanted) == [(key, *values[key]) for key in sorted(wanted)]
    assert back.rows(SCOPE.model_copy(update={"dtype": "bfloat16"}), wanted) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_of_todays_sets_checkpoints_and_engine(tmp_path, name):
    found, studio = shipped_results.load_shipped(), opened(tmp_path)
    stale = "run python -m scripts.shipped_results: an example set, the ladder or the engine has changed"
    assert found is not None
    assert all(
        studio.backend.scope(checkpoint) in found.place
        for checkpoint in without_extras(studio.local_checkpoints)
    ), stale
    assert (
        RequestIndex(render_prompts(collection.open_set(studio.settings, name))).texts.keys() <= found.key_set
    ), stale
    assert np.isfinite(found.ll_nats).all()
    assert shipped_results.FILE.stat().st_size < MAX_BYTES


def test_a_new_home_has_the_examples_results_and_only_theirs(tmp_path):
    studio = opened(tmp_path)
    task = collection.open_set(studio.settings, "ladder_science")
    now = studios.state_of_set(studio, task.address, task)
    assert (now.kind, now.shipped) == ("up to date", True)
    assert (
        studios.stored_count(studio.store, studio.backend.scope(without_extras(studio.local_checkpoints)[0]))
        == 0
    )
    collection.copy_set(studio.settings, "ladder_science", "mine")
    first = task.questions[0].id
    authoring.update_questions(studio.settings, "mine", {first: {"question": "Which of these is it?"}})
    now = studios.state_of_set(studio, "mine", collection.open_set(studio.settings, "mine"))
    assert (now.kind, now.stale) == ("stale", 1)


@pytest.mark.parametrize("changed", [{"shipped": False}, {"dtype": "bfloat16"}])
def test_other_settings_get_none_of_it(tmp_path, changed):
    studio = opened(tmp_path, **changed)
    task = collection.open_set(studio.settings, "ladder_general")
    assert studios.state_of_set(studio, task.address, task).kind == "never run"


def test_what_was_computed_here_stands_before_it(tmp_path):
    studio = opened(tmp_path)
    scope, found = (
        studio.backend.scope(without_extras(studio.local_checkpoints)[0]),
        shipped_results.load_shipped(),
    )
    assert found is not None
    first, second = found.keys[:2]
    studio.store.put(scope, [(first, Loglikelihood(-1.5, 1))])
    assert studio.store.get(scope, [first])[first].ll_nats == -1.5
    assert list(studio.store.get(scope, [second, first])) == [first, second]
    assert studio.store.uses_shipped([scope], {first, second})
    assert not studio.store.uses_shipped([scope], {first})
    assert studio.store.missing(scope, {first, second, b"0" * 16}) == {b"0" * 16}
    assert studio.without_shipped_results.store.missing(scope, {first, second}) == {second}


@pytest.mark.slow
def test_a_run_from_nothing_gives_the_same_rows(tmp_path):
    """At the first, the middle and the last checkpoint of three models, within what two plans may differ by."""
    studio = opened(tmp_path)
    models = {c.model.name for c in without_extras(studio.local_checkpoints)}
    chosen = []
    for name in sorted(models)[:3]:
        own = [c for c in without_extras(studio.local_checkpoints) if c.model.name == name]
        chosen += [own[0], own[len(own) // 2], own[-1]]
    task = collection.open_set(studio.settings, "ladder_science")
    before = results.load_measurements(studio, task, chosen)
    result = evaluate.evaluate(studio.without_shipped_results, task, chosen)
    assert result.computed == len(chosen) * len(task.questions)
    after = results.load_measurements(studio.without_shipped_results, task, chosen)
    for was, now in zip(before.curves, after.curves, strict=True):
        np.testing.assert_allclose(was.ll, now.ll, rtol=0, atol=1e-4)
        for metric in ("acc", "norm_prob"):
            name = was.model.name
            np.testing.assert_allclose(before.values(name, metric), after.values(name, metric), atol=1e-4)


@pytest.mark.slow
def test_a_run_anew_computes_what_is_there(tmp_path):
    studio = opened(tmp_path)
    task = collection.open_set(studio.settings, "ladder_general")
    chosen = [c for c in without_extras(studio.local_checkpoints) if "small-arch1/" in c.name][-1:]
    for anew, computed in ((False, 0), (True, len(task.questions))):
        number = run_start.submit_run(studio, task, chosen, recompute=anew)
        assert run_worker(studio, once=True) == 1
        job = studio.jobs.get(number)
        assert (job.state, sum(row.computed for row in job.progress)) == ("done", computed)
    assert not studio.store.uses_shipped(
        [studio.backend.scope(chosen[0])], RequestIndex(render_prompts(task)).texts.keys()
    )
