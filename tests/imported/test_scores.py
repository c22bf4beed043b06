"""Signal quality of curves from elsewhere, over the points that the studio's own runs are scored on."""

from __future__ import annotations

import pytest

from e2lm_core.analysis import documents
from e2lm_core.imported import scores as imported_scores
from tests.support import harness_files
from tests.support.harness_files import one, read, the


def test_the_signal_quality_of_a_metric_of_which_less_is_better():
    rows = "".join(f"m,t,bpb,{k},{k},{9 - k / 2}\n" for k in range(1, 13))
    imported = read({"x.csv": b"model,task,metric,step,tokens_seen,score\n" + rows.encode()})
    found = imported_scores.quality(the(imported, "bpb"))
    assert found.rho == pytest.approx(1.0)
    frame = imported_scores.quality_frame(imported.curves)
    assert frame["SQ"].iloc[0] == round(found.sq or 0, 4)
    assert frame["of"].iloc[0] == 12


def test_signal_quality_of_samples_is_that_of_the_studios_own_runs():
    files = {}
    for k in range(1, 13):
        arguments = {"pretrained": "tiiuae/dense-1b-arch1", "subfolder": f"iter_{2000 * k:07d}"}
        files[f"a/results_{harness_files.stamp(k)}.json"] = harness_files.results(
            config={"model_args": arguments}
        )
        files[f"a/samples_metals_{harness_files.stamp(k)}.jsonl"] = harness_files.samples()
    imported = read(files)
    assert imported_scores.quality(the(imported, "margin")).points == 12
    models = documents.scoring(imported.measured["metals"])["metrics"]["margin"]["sq"]["models"]
    assert imported_scores.quality(the(imported, "margin")).sq == models["dense-1b-arch1"]["value"]
    means = read({name: data for name, data in files.items() if "results" in name})
    assert imported_scores.quality(the(means)).points == 6  # iterations divisible by 4,000


def test_one_point_draws_and_says_why_nothing_is_defined():
    imported = read(dict([one(1)]))
    found = imported_scores.quality(the(imported))
    assert found.sq is None
    assert found.why
    assert len(imported_scores.curve_frame(imported.curves)) == 1
