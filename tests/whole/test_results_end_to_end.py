"""What the harness really writes, with samples, on real checkpoints: imported, it is the studio's own numbers."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from e2lm_core.analysis.answers import Answers
from e2lm_core.base.records import METRICS
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import unpacking
from e2lm_core.imported import read_results
from e2lm_core.runs import evaluate, results
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import collection
from e2lm_core.sets.folder.files import read_task, write_task
from tests.conftest import needs

pytestmark = pytest.mark.slow
QUESTIONS = 24


@pytest.mark.parametrize("num_fewshot", [0, 2])
def test_logged_samples_of_two_checkpoints_are_the_studios_own_numbers(tmp_path, num_fewshot):
    ladder = needs("ladder")
    settings = Settings(home=tmp_path / "home", ladder=ladder, device="cpu", threads=1)
    example = read_task(settings.tasks / "ladder_science", settings.limits).task
    few = example.model_copy(
        update={
            "config": example.config.model_copy(update={"task": "few"}),
            "questions": example.questions[:QUESTIONS],
        }
    )
    write_task(few, settings.sets / "few", settings.limits)
    studio = open_studio(settings)
    model = "ladder-small-arch1"
    chosen = (studio.catalogue.checkpoints_of(model)[0], studio.catalogue.checkpoints_of(model)[-1])
    for checkpoint in chosen:
        folder = unpacking.ensure_directory(checkpoint, settings)
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "lm_eval",
                "--include_path",
                str(settings.sets),
                "--tasks",
                "few",
                "--model",
                "hf",
                "--model_args",
                f"pretrained={folder},dtype=float32",
                "--device",
                "cpu",
                "--batch_size",
                "8",
                "--num_fewshot",
                str(num_fewshot),
                "--log_samples",
                "--output_path",
                str(tmp_path / "out"),
            ],
            cwd=tmp_path,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr[-2000:]

    imported = read_results.import_path(tmp_path / "out", settings.limits, studio.catalogue.checkpoints)
    task = collection.open_set(settings, "few")
    evaluate.evaluate(studio, task, chosen, num_fewshot)
    own = results.load_measurements(studio, task, chosen, num_fewshot)

    theirs = imported.measured["few"]
    assert theirs.question_ids == own.question_ids
    assert theirs.subjects == own.subjects
    np.testing.assert_array_equal(theirs.gold, own.gold)
    np.testing.assert_array_equal(theirs.chars, own.chars)
    np.testing.assert_array_equal(theirs.gold_bytes, own.gold_bytes)
    [ours], [read] = own.curves, theirs.curves
    assert read.model == ours.model  # the catalogue knew the folder's checkpoint
    assert read.steps.tolist() == ours.steps.tolist()
    assert read.tokens_seen.tolist() == ours.tokens_seen.tolist()
    assert read.early.tolist() == ours.early.tolist()
    np.testing.assert_allclose(read.ll, ours.ll, atol=1e-4, rtol=2e-6)
    for metric in METRICS:
        [curve] = imported.curves_of("few", metric)
        assert (curve.num_fewshot, curve.questions) == (num_fewshot, QUESTIONS)
        exact = 1e-12 if metric in ("acc", "acc_norm") else 2e-4
        np.testing.assert_allclose(curve.scores, own.values(model, metric), atol=exact, rtol=0)
    assert set(Answers(theirs).score_document()["metrics"]) == set(Answers(own).score_document()["metrics"])
    assert not any(seen.why for seen in imported.files)
    studio.store.database.close()
