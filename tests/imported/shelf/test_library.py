"""The library: all figures of its sources and no other, their licences in NOTICE, and what a reader asks for."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.imported.records import Curve
from e2lm_core.imported.shelf import library
from e2lm_core.imported.shelf.library import Shelved
from tests.conftest import ROOT, needs

# Of all figures as `python -m benchmarks.shelf` read them in the sources, number by number.
FIGURES = 176_432
DIGEST = "d4069332fa59ccc6aafd09cc15a5ce89e0327451789864e831f392697c641b9c"
MAX_BYTES = 2_000_000


def one(name: str, source: str | None = None, num_fewshot: int | None = None) -> Shelved:
    (found,) = library.find_benchmarks(name, source, num_fewshot)
    return found


def lines() -> set[str]:
    """Every figure with its identity, as the benchmark digests it."""
    found = set()

    def add(*fields: object) -> None:
        found.add("\t".join(map(str, fields)))

    for shelved in library.benchmarks():
        if shelved.parts:
            continue
        key, of = shelved.source.key, shelved.benchmark
        shots = "" if of.num_fewshot is None else of.num_fewshot
        for axis in shelved.file.header.axes_of(of):
            for step, billions in zip(axis.steps, axis.gtokens, strict=bool(axis.gtokens)):
                add(key, "", "", axis.model.name, step, "gtokens", repr(billions))
        for curve in library.open_curves(shelved):
            for k, step in enumerate(curve.steps):
                where = (key, of.name, shots, curve.model.name, step)
                add(*where, curve.metric, repr(curve.scores[k]))
                if curve.stderr:
                    add(*where, f"{curve.metric}_stderr", repr(curve.stderr[k]))
    return found


def test_the_figures_are_those_of_the_sources() -> None:
    figures = lines()
    assert len(figures) == FIGURES
    assert hashlib.sha256("\n".join(sorted(figures)).encode()).hexdigest() == DIGEST


def test_the_competitions_curves_are_those_of_the_reference() -> None:
    """Another copy of a part of the curves: what both have is equal, number by number."""
    reference = json.loads((needs("reference") / "e2lm-curves-arch1.json").read_bytes())["data"]
    compared = 0
    for model, columns in reference.items():
        for name, column in columns.items():
            if name in ("iteration", "gtokens", "model_type", "experiment"):
                continue
            (curve,) = (c for c in library.open_curves(one(name, "e2lm")) if c.model.name == model)
            ours = dict(zip(curve.steps, curve.scores, strict=True))
            for step, score in zip(columns["iteration"], column, strict=True):
                assert ours[step] == score
                compared += 1
    assert compared > 1_000


def test_all_lies_in_two_megabytes() -> None:
    assert sum(path.stat().st_size for path in library.FOLDER.iterdir()) < MAX_BYTES


def test_the_notice_quotes_every_source() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for source in library.sources():
        for quoted in (source.repository, source.commit, source.licence_file, source.copyright, source.files):
            assert quoted in notice, quoted


def test_the_shelf_has_what_it_says() -> None:
    competition, pythia = library.benchmarks("e2lm"), library.benchmarks("pythia")
    assert (len(competition), len(pythia)) == (24, 2 * (65 + 1)), "and MMLU as a whole"
    assert {len(one.models) for one in competition} == {6}
    assert {len(one.models) for one in pythia} == {16}
    assert {len(c.steps) for c in library.open_curves(one("piqa", "pythia", 0))} == {27}
    assert {len(c.steps) for c in library.open_curves(one("piqa", "pythia", 5))} == {15}
    assert {len(c.steps) for c in library.open_curves(one("piqa", "e2lm"))} == {16, 32}


def of_model(curves: tuple[Curve, ...], name: str) -> Curve:
    return next(curve for curve in curves if curve.model.name == name)


def test_a_curve_has_its_axes_and_errors() -> None:
    curve = of_model(library.open_curves(one("piqa", "pythia", 0), "acc"), "pythia-160m")
    assert (curve.steps[:4], curve.steps[-1]) == ((0, 1, 2, 4), 143_000)
    assert curve.tokens_seen[-1] == 143_000 * 2_097_152
    assert (curve.scores[0], curve.stderr[0]) == (0.5244831338411317, 0.011651830225709977)
    assert (curve.num_fewshot, curve.questions, curve.model.size) == (0, 1_838, "160m")
    bare = of_model(library.open_curves(one("mmluvar", "e2lm")), "dense-1b-arch1")
    assert (bare.stderr, bare.num_fewshot, bare.questions) == ((), None, 14_042)
    assert bare.model.family == "e2lm"
    assert library.open_curves(one("lambada_openai", "pythia", 0), "ppl")[0].lower_is_better


def test_the_number_of_questions_explains_every_share_and_error() -> None:
    for shelved in library.benchmarks():
        number = shelved.benchmark.questions
        for curve in library.open_curves(shelved) if number else ():
            if curve.metric not in ("acc", "acc_norm", "score"):
                continue
            shares = np.array(curve.scores)
            assert (np.round(shares * number) / number == shares).all(), (shelved.label, curve.metric)
            if curve.stderr:
                wanted = np.sqrt(shares * (1 - shares) / (number - 1))
                np.testing.assert_allclose(curve.stderr, wanted, rtol=1e-9, atol=1e-12)


def test_mmlu_as_a_whole_is_the_mean_over_its_questions() -> None:
    whole = one("mmlu", "pythia", 5)
    subjects = [s for s in library.benchmarks("pythia") if s.benchmark in whole.parts]
    assert len(subjects) == 57
    assert whole.benchmark.questions == sum(s.benchmark.questions or 0 for s in subjects) == 14_042
    curve = of_model(library.open_curves(whole, "acc_norm"), "pythia-12b")
    right = 0
    for subject in subjects:
        share = of_model(library.open_curves(subject, "acc_norm"), "pythia-12b").scores[-1]
        right += round(share * (subject.benchmark.questions or 0))
    assert curve.scores[-1] == right / 14_042
    assert curve.stderr[-1] == pytest.approx((curve.scores[-1] * (1 - curve.scores[-1]) / 14_041) ** 0.5)


def test_series_run_from_small_to_large() -> None:
    by_size = library.series(one("piqa", "pythia", 0))
    assert [len(names) for names in by_size] == [8, 8]
    assert by_size[1][:4] == ("pythia-70m", "pythia-160m", "pythia-410m", "pythia-1b-bf16")
    assert library.series(one("piqa", "e2lm")) == [
        tuple(f"dense-{size}-{arch}" for size in ("500m", "1b", "3b")) for arch in ("arch1", "arch2")
    ]


def test_chance_is_that_of_the_benchmarks_choices() -> None:
    assert one("hendrycksTest-virology", "pythia", 0).chance("acc_norm") == 0.25
    assert one("anli_r1").chance("score") == pytest.approx(1 / 3)
    assert one("lambada_openai", "pythia", 0).chance("acc") is None
    assert one("piqa", "pythia", 0).chance("ppl") is None
    assert one("boolq").chance("score") is None, "always yes is right in 62%"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("piqa", "olmo", None), "no source 'olmo': it has e2lm and pythia"),
        (("virology", None, None), "no benchmark 'virology': close to it are hendrycksTest-virology"),
        (("zzz", None, None), "no benchmark 'zzz': `shelf list` shows all"),
        (("piqa", None, 3), "'piqa' with an unknown number, 0 and 5 few-shot examples, not with 3"),
    ],
)
def test_what_is_not_there_is_one_sentence(asked: tuple[str, str | None, int | None], says: str) -> None:
    with pytest.raises(StudioError, match=says):
        library.find_benchmarks(*asked)


def test_a_metric_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(StudioError, match=r"no metric 'f1' of piqa \(0-shot\): it has acc and acc_norm"):
        library.open_curves(one("piqa", "pythia", 0), "f1")


def test_no_heavy_library_is_loaded_for_it() -> None:
    code = (
        "import sys; from e2lm_core.imported.shelf import library; "
        "library.open_curves(library.find_benchmarks('piqa', 'pythia', 0)[0]); "
        "print(*sorted({'torch', 'pandas', 'pyarrow', 'plotly', 'streamlit', 'scipy'} & set(sys.modules)))"
    )
    call = [sys.executable, "-c", code]
    found = subprocess.run(call, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
