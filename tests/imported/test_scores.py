"""Signal quality of curves from elsewhere, over the points that the studio's own runs are scored on."""

from __future__ import annotations

import pytest

from e2lm_core.analysis.answers import Answers
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
    models = Answers(imported.measured["metals"]).score_document()["metrics"]["margin"]["sq"]["models"]
    assert imported_scores.quality(the(imported, "margin")).sq == models["dense-1b-arch1"]["value"]
    means = read({name: data for name, data in files.items() if "results" in name})
    assert imported_scores.quality(the(means)).points == 6  # iterations divisible by 4,000


def test_one_point_draws_and_says_why_nothing_is_defined():
    imported = read(dict([one(1)]))
    found = imported_scores.quality(the(imported))
    assert found.sq is None
    assert found.why
    assert len(imported_scores.curve_frame(imported.curves)) == 1


def competition(steps: list[int]) -> dict[str, bytes]:
    """Means of one of the competition's models at these iterations, as tables of a plain curve."""
    rows = "".join(
        f"dense-1b-arch1,metals,acc,{step},{step * 3_678_000},{0.2 + step / 100_000}\n" for step in steps
    )
    return {"x.csv": b"model,task,metric,step,tokens_seen,score\n" + rows.encode()}


def test_of_the_competitions_points_what_was_never_published_is_said_and_a_hole_is_undefined():
    every = list(range(4_000, 56_001, 4_000))
    whole, public, holed = (
        the(read(competition(steps))) for steps in (every, every[:-1], [*every[:5], *every[6:]])
    )
    assert whole.model.family == "e2lm"
    assert imported_scores.coverage(whole) is None
    assert imported_scores.quality(whole).points == 14
    assert imported_scores.quality(public).sq is not None
    assert imported_scores.coverage(public) == (
        "13 of the competition's 14 points: no checkpoint of the last (56,000) was published."
    )
    found = imported_scores.quality(holed)
    assert found.sq is None
    assert found.why == (
        "Results are missing at 1 of the competition's points up to iteration 56,000: import 24,000 too. Whatever they "
        "are, SQ is 0.594 to 1.000."
    )
    assert imported_scores.quality(whole).sq == pytest.approx(1.0)
    three = imported_scores.quality(the(read(competition([*every[:5], *every[8:]]))))
    assert three.why is not None
    assert "Whatever" not in three.why
    assert imported_scores.quality_frame([public])["why"].iloc[0] == imported_scores.coverage(public)


def test_bands_lie_around_the_curves_that_the_samples_are_of():
    """Of runs with other examples, and of runs with a chat template, each under the label of its curve."""
    files = {}
    for number, changes in enumerate(({}, {"shots": 5}, {"chat_template": "{{ x }}"})):
        for step in (1, 2):
            stamp = harness_files.stamp(2 * number + step)
            files[f"{number}/results_{stamp}.json"] = harness_files.results(
                revision=f"step{step}000", **changes
            )
            files[f"{number}/samples_metals_{stamp}.jsonl"] = harness_files.samples()
    imported = read(files)
    bands = imported_scores.bands(imported, "metals", "margin")
    frame = imported_scores.curve_frame(imported.curves_of("metals", "margin"))
    assert bands is not None
    assert len(set(frame["model"])) == 3
    assert set(zip(bands["model"], bands["step"], strict=True)) == set(
        zip(frame["model"], frame["step"], strict=True)
    )


def test_a_frame_has_the_standard_errors_of_the_files():
    imported = read(dict([one(1, revision="step1000"), one(2, revision="step2000")]))
    frame = imported_scores.curve_frame([the(imported)])
    assert frame["stderr"].tolist() == [0.27, 0.27]
