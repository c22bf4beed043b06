"""What W&B and trackio export as CSV: panels, histories, and what of them is a task's."""

from __future__ import annotations

import pandas as pd
import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.imported.formats import trackers
from tests.support.harness_files import read

PANEL = b"""\
"Step","pythia-70m - eval/arc_easy/acc","pythia-70m - eval/arc_easy/acc__MIN","pythia-70m - eval/arc_easy/acc__MAX","other - eval/arc_easy/acc"
"1000","0.25","0.25","0.25",""
"2000","0.5","0.5","0.5","0.75"
"""
HISTORY = b"""\
_step,_runtime,train/loss,throughput/total_tokens,eval/downstream/arc_easy_acc,eval/downstream/piqa (accuracy)
10,1.5,3.1,1000,0.25,
20,2.5,3.0,2000,,0.5
"""
TRACKIO = b"step,timestamp,run_name,arc_easy/acc,lr\n1,2026-01-01T00:00:00,a,0.25,0.1\n2,2026-01-01T00:01:00,b,0.5,0.1\n"


def test_a_panel_has_a_curve_a_run():
    found = read({"wandb_export.csv": PANEL})
    assert [(c.model.name, c.task, c.metric, c.steps, c.scores) for c in found.curves] == [
        ("pythia-70m", "arc_easy", "acc", (1_000, 2_000), (0.25, 0.5)),
        ("other", "arc_easy", "acc", (2_000,), (0.75,)),
    ]
    assert found.curves[0].tokens_seen == (2_097_152_000, 4_194_304_000)


def test_a_history_has_the_files_name_and_the_tokens_that_it_says():
    found = read({"my-run.csv": HISTORY})
    assert [(c.model.name, c.task, c.metric, c.steps, c.tokens_seen) for c in found.curves] == [
        ("my-run", "arc_easy", "acc", (10,), (1_000,)),
        ("my-run", "piqa", "acc", (20,), (2_000,)),
    ]
    assert any("2 columns without a task's metric left out" in problem for problem in found.problems)


def test_trackios_rows_name_their_run():
    found = read({"project.csv": TRACKIO})
    assert [(c.model.name, c.steps, c.scores) for c in found.curves] == [
        ("a", (1,), (0.25,)),
        ("b", (2,), (0.5,)),
    ]


@pytest.mark.parametrize(
    ("column", "means"),
    [
        ("eval/mmlu/stem/acc", ("mmlu/stem", "acc")),
        ("lm_eval/arc_easy/acc_norm", ("arc_easy", "acc_norm")),
        ("arc_easy_acc_norm", ("arc_easy", "acc_norm")),
        ("eval/downstream/arc_challenge_val_rc_5shot (accuracy)", ("arc_challenge_val_rc_5shot", "acc")),
        ("train/loss", None),
        ("_timestamp", None),
        ("eval/loss", None),
        ("loss", None),
    ],
)
def test_what_a_column_is_a_metric_of(column, means):
    assert trackers.task_and_metric(column) == means


def test_other_tables_are_left_to_their_readers_and_training_alone_is_refused():
    assert (
        trackers.as_scores(pd.DataFrame({"model": ["m"], "task": ["t"], "step": [1], "acc": [0.5]}), "x.csv")
        is None
    )
    assert trackers.as_scores(pd.DataFrame({"x": [1], "y": [2]}), "x.csv") is None
    with pytest.raises(TaskError, match="no column of a task's metric"):
        trackers.as_scores(pd.DataFrame({"_step": [1], "train/loss": [2.0]}), "x.csv")
