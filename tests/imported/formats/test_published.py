"""Published curve files: the organisers' own, and every way in which one can be wrong."""

import copy
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.analysis.score.published import published_figures
from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Limits
from e2lm_core.imported.formats.published import competition_points, read_curves, sq_of_file
from e2lm_core.scores.signal import mean_quality, signal_quality
from tests.conftest import ROOT

REFERENCE = Path(os.environ.get("E2LM_REFERENCE") or ROOT.parent / "shared" / "reference").resolve()
CURVES = REFERENCE / "e2lm-curves-arch1.json"

# Published by the organisers of E2LM (arXiv 2506.07731), computed with their scoring notebook.
MMLU_VAR = {"dense-500m-arch1": 0.9354, "dense-1b-arch1": 0.9814, "dense-3b-arch1": 0.9601}
ON_1B = {"arc_challenge": (0.8198, 0.9139, 0.8669), "anli_r3": (0.0, 0.3473, 0.1737)}
HALF_A_DIGIT = 0.5001e-4


@pytest.fixture(scope="module")
def organisers():
    if not CURVES.is_file():
        pytest.skip("the organisers' curve file is absent (set E2LM_REFERENCE to its folder)")
    return sq_of_file(CURVES)


def small():
    return {
        "metadata": {"anything": "goes"},
        "data": {
            "m": {
                "model_type": ["x"] * 14,
                "experiment": ["m"] * 14,
                "iteration": [4000 * i for i in range(1, 15)],
                "gtokens": [float(i) for i in range(1, 15)],
                "bench": [0.2 + 0.01 * i for i in range(14)],
            }
        },
    }


def written(tmp_path, content):
    path = tmp_path / "curves.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


# --- the organisers' file -----------------------------------------------------------------------------


def test_published_figures_are_reproduced(organisers):
    for model, sq in MMLU_VAR.items():
        assert organisers[model]["mmluvar"].sq == pytest.approx(sq, abs=HALF_A_DIGIT)
    mean = mean_quality({model: benchmarks["mmluvar"] for model, benchmarks in organisers.items()})
    assert mean.value == pytest.approx(0.959, abs=0.0005)
    for benchmark, (rho, autocorrelation, sq) in ON_1B.items():
        got = organisers["dense-1b-arch1"][benchmark]
        assert got.rho == pytest.approx(rho, abs=HALF_A_DIGIT)
        assert got.autocorrelation == pytest.approx(autocorrelation, abs=HALF_A_DIGIT)
        assert got.sq == pytest.approx(sq, abs=HALF_A_DIGIT)


def test_every_benchmark_of_every_model_is_scored_on_fourteen_points(organisers):
    assert {model: len(benchmarks) for model, benchmarks in organisers.items()} == dict.fromkeys(MMLU_VAR, 24)
    assert {quality.points for benchmarks in organisers.values() for quality in benchmarks.values()} == {14}


def test_shipped_figures_are_those_of_the_tests_and_of_the_curves(organisers):
    figures = published_figures()
    assert "2506.07731" in figures.source
    assert {f.model: f.sq for f in figures.signal_quality if f.column == "mmluvar"} == MMLU_VAR
    for figure in figures.signal_quality:
        got = organisers[figure.model][figure.column]
        assert got.sq == pytest.approx(figure.sq, abs=HALF_A_DIGIT)
        if figure.rho is not None:
            assert got.rho == pytest.approx(figure.rho, abs=HALF_A_DIGIT)
            assert got.autocorrelation == pytest.approx(figure.autocorrelation, abs=HALF_A_DIGIT)
    (total,) = figures.totals
    assert (total.name, total.total, total.sq_mean, total.comparable) == ("mmlu-var", 0.717, 0.959, False)


def test_shipped_means_are_those_of_the_published_curves(organisers):
    figures = published_figures()
    assert "MIT" in figures.curve_means_source
    for mean in figures.curve_means:
        got = mean_quality({model: benchmarks[mean.column] for model, benchmarks in organisers.items()})
        assert mean.sq_mean == pytest.approx(got.value, abs=0.0005001)


# --- reading ------------------------------------------------------------------------------------------


def test_the_competitions_points():
    got = competition_points([2000, 4000, 6000, 56000, 60000], [2.1, 4.2, 6.3, 205.992, 222.8])
    assert got.tolist() == [False, True, False, True, False]


def test_points_are_put_in_step_order(tmp_path):
    straight, mixed = small(), small()
    columns = mixed["data"]["m"]
    for name in columns:
        columns[name] = columns[name][7:] + columns[name][:7]
    expected = read_curves(written(tmp_path, straight))
    got = read_curves(written(tmp_path, mixed))
    np.testing.assert_array_equal(got.iteration["m"], expected.iteration["m"])
    np.testing.assert_array_equal(got.data["m"]["bench"], expected.data["m"]["bench"])
    assert sq_of_file(written(tmp_path, mixed))["m"]["bench"].rho == 1.0


@pytest.mark.parametrize("what", ["models", "points"])
def test_what_would_take_all_memory_is_refused(tmp_path, what):
    columns = {"iteration": [4000], "gtokens": [1], "bench": [0.5]}
    if what == "points":
        columns = {name: [*range(100_001)] for name in columns}
    data = {f"m{n}": columns for n in range(10_001 if what == "models" else 1)}
    with pytest.raises(
        StudioError, match=rf"{'10' if what == 'models' else '100'},001 {what}; at most .* are read"
    ):
        sq_of_file(written(tmp_path, {"data": data}))


def test_labels_are_no_benchmarks_and_a_byte_order_mark_is_no_error(tmp_path):
    path = tmp_path / "bom.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(small()).encode())
    curves = read_curves(path)
    assert set(curves.data["m"]) == {"bench"}
    assert curves.competition_points("m").all()
    assert sq_of_file(path)["m"]["bench"] == signal_quality(curves.data["m"]["bench"])


@pytest.mark.parametrize("hole", [None, math.nan])
def test_a_missing_point_makes_the_curve_undefined_and_names_it(tmp_path, hole):
    content = small()
    content["data"]["m"]["bench"][3] = hole
    content["data"]["m"]["other"] = [0.1 * i for i in range(14)]
    got = sq_of_file(written(tmp_path, content))["m"]
    assert got["bench"].sq is None
    assert got["bench"].points == 13
    assert "16,000" in got["bench"].why
    assert got["other"].sq == pytest.approx(1.0)


def test_a_hole_outside_the_competitions_points_does_no_harm(tmp_path):
    content = small()
    columns = content["data"]["m"]
    columns["gtokens"][-1] = 300.0
    columns["bench"][-1] = None
    assert sq_of_file(written(tmp_path, content))["m"]["bench"].points == 13


def test_a_file_without_competition_points_is_undefined_not_zero(tmp_path):
    content = small()
    content["data"]["m"]["iteration"] = [1 + i for i in range(14)]
    got = sq_of_file(written(tmp_path, content))["m"]["bench"]
    assert (got.sq, got.points) == (None, 0)
    assert got.why


def changed(**columns):
    content = copy.deepcopy(small())
    for name, column in columns.items():
        content["data"]["m"][name] = column
    return content


def without(name):
    content = small()
    del content["data"]["m"][name]
    return content


BAD = {
    "empty": ("", "not JSON"),
    "not JSON": ('{"data": ', "line 1"),
    "a list": ("[]", "no curves"),
    "no data": ({"metadata": {}}, "no curves"),
    "no models": ({"data": {}}, "no curves"),
    "data a list": ({"data": [1]}, "no curves"),
    "model a list": ({"data": {"m": [1, 2]}}, "must be an object"),
    "no iteration": (without("iteration"), '"iteration"'),
    "no gtokens": (without("gtokens"), '"gtokens"'),
    "no benchmark": (without("bench"), "no benchmark"),
    "unequal lengths": (changed(bench=[0.1, 0.2]), '2 values in "bench" but 14'),
    "unequal gtokens": (changed(gtokens=[1.0]), '1 values in "gtokens"'),
    "text scores": (changed(bench=["0.1"] * 14), "numbers"),
    "boolean scores": (changed(bench=[True] * 14), "numbers"),
    "nested scores": (changed(bench=[[0.1]] * 14), "numbers"),
    "infinite scores": (changed(bench=[math.inf] * 14), "finite"),
    "a huge whole number": (changed(bench=[10**400] * 14), "finite"),
    "benchmark not a list": (changed(bench=0.5), "list of numbers"),
    "broken iteration": (changed(iteration=[0.5 * i for i in range(14)]), "whole number"),
    "null iteration": (changed(iteration=[None] * 14), "whole number"),
    "negative iteration": (changed(iteration=list(range(-1, 13))), "whole number"),
    "huge iteration": (changed(iteration=[1e300] * 14), "whole number"),
    "repeated iteration": (changed(iteration=[4000] * 14), "iteration 4000 twice"),
    "null gtokens": (changed(gtokens=[None] * 14), '"gtokens"'),
    "negative gtokens": (changed(gtokens=[-1.0] * 14), '"gtokens"'),
    "repeated key": ('{"data": {"m": {}, "m": {}}}', '"m" twice'),
    "too deep": ("[" * 200_000, "nests too deeply"),
    "a number of many digits": ('{"data": ' + "9" * 5000 + "}", "number too long"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_get_one_sentence(tmp_path, case):
    content, says = BAD[case]
    with pytest.raises(StudioError) as caught:
        read_curves(written(tmp_path, content))
    sentence = str(caught.value)
    assert says in sentence
    assert sentence.startswith("The curve file 'curves.json'")
    assert "\n" not in sentence
    assert sentence.endswith(".")


def test_not_utf8(tmp_path):
    path = tmp_path / "curves.json"
    path.write_bytes(json.dumps(small()).encode("utf-16"))
    with pytest.raises(StudioError, match="not UTF-8"):
        read_curves(path)


def test_missing_file_folder_and_impossible_name(tmp_path):
    for path in (tmp_path / "absent.json", tmp_path, tmp_path / "a\0b"):
        with pytest.raises(StudioError, match="cannot be read"):
            read_curves(path)


def test_too_large(tmp_path):
    with pytest.raises(StudioError, match="MB allowed"):
        read_curves(written(tmp_path, small()), Limits(max_file_bytes=10))
