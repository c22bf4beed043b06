"""Files that lighteval 0.13 and Inspect 0.3.285 wrote of two checkpoints of the ladder: `benchmarks.interop.written --keep`.

The tools ran in a folder with relative paths alone, so that nothing in their files had to be changed; the | in
names of lighteval's details is kept as %7C, since not every system has it in a name.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from benchmarks.interop.written import reading
from e2lm_core.base.settings import Settings
from e2lm_core.imported.formats import inspect_logs
from e2lm_core.runs.studio import Studio, open_studio
from tests.conftest import needs


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    home = tmp_path_factory.mktemp("written")
    return open_studio(Settings(home=home, ladder=needs("ladder"), device="cpu", threads=1))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reading.kept(tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="module")
def numbers(studio: Studio, written: Path) -> list[reading.Number]:
    return reading.numbers(written, studio)


def test_means_are_the_tools_own(numbers: list[reading.Number]) -> None:
    assert {(n.tool, n.step, n.metric) for n in numbers} == {
        *(("lighteval", step, m) for step in reading.STEPS for m in ("acc", "acc_norm", "norm_prob")),
        *(("inspect", step, m) for step in reading.STEPS for m in ("acc", "acc,includes")),
    }
    assert [n.read for n in numbers] == pytest.approx([n.said for n in numbers], abs=1e-9)
    assert max(n.said for n in numbers if n.tool == "inspect") > 0


def test_lightevals_means_are_the_studios_score(numbers: list[reading.Number]) -> None:
    own = [n for n in numbers if n.tool == "lighteval"]
    for n in own:
        assert n.said == pytest.approx(n.own, abs=1e-12 if n.metric != "norm_prob" else 1e-4)


def test_lightevals_log_likelihoods_are_read_and_are_the_studios(studio: Studio, written: Path) -> None:
    found = reading.likelihoods(written, studio)
    assert found["said"].shape == (2, 12, 4)
    np.testing.assert_array_equal(found["read"], found["said"])
    np.testing.assert_allclose(found["own"], found["said"], atol=reading.WITHIN, rtol=2e-6)
    assert reading.equal(reading.numbers(written, studio), found)


def test_all_five_metrics_and_no_problem(studio: Studio, written: Path) -> None:
    found = reading.opened(written, studio)
    assert not [seen.why for seen in found.files if seen.why]
    assert {"acc", "acc_norm", "margin", "norm_prob", "bpb"} <= {
        curve.metric for curve in found.curves if curve.per_question
    }


def test_an_eval_is_packed_with_zstandard_and_what_is_cut_is_said(written: Path) -> None:
    [path] = (written / "inspect").glob("*.eval")
    data = path.read_bytes()
    assert inspect_logs.header(data, path.name)["status"] == "success"
    place = data.index(b"header.json") + len("header.json") + 60
    broken = data[:place] + bytes(20) + data[place + 20 :]
    with pytest.raises(inspect_logs.TaskError, match="copy it again"):
        inspect_logs.header(broken, path.name)


def test_no_path_of_a_machine_is_in_them(written: Path) -> None:
    said = []
    for path in written.rglob("*"):
        if path.suffix == ".parquet":
            said.append(json.dumps(parquet.read_table(path).to_pylist(), default=str))
        elif path.suffix == ".eval":
            said.append(json.dumps(inspect_logs.header(path.read_bytes(), path.name)))
        elif path.is_file():
            said.append(path.read_text(encoding="utf-8"))
    for part in ("/tmp", "/root", "/home", "/opt", "/work"):
        assert part not in "".join(said)
