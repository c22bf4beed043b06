"""The packed file: figures come back to the last bit, and a damaged file is one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import ModelInfo
from e2lm_core.imported.shelf import packing
from e2lm_core.imported.shelf.packing import Axis, Benchmark, Source, open_packed, pack

SOURCE = Source(
    key="x",
    title="X",
    repository="a/b",
    commit="0" * 40,
    files="x.json",
    licence="MIT",
    licence_file="LICENSE",
    copyright="Copyright 2026 X",
)


def axis(name: str, points: int) -> Axis:
    model = ModelInfo(name=name, family="x")
    steps = tuple(range(points))
    return Axis(model=model, series="", steps=steps, tokens_seen=steps, early=(None,) * points)


AXES = {"0": [axis("one", 3), axis("two", 2)]}
# Figures that text or a narrower type would not bring back.
HARD = np.array([0.1 + 0.2, np.nextafter(0.25, 1), 5e-324, -0.0, 3559787.05379182])
WITH_ERRORS = Benchmark(name="hard", num_fewshot=0, questions=7, metrics={"acc": True})
ALONE = Benchmark(name="alone", num_fewshot=0, questions=None, metrics={"a": False, "b": True})


def packed() -> bytes:
    figures = {"acc": (HARD, HARD[::-1])}
    return pack(
        SOURCE, AXES, [(WITH_ERRORS, figures), (ALONE, {"a": (HARD + 1,), "b": (HARD + 2, HARD + 3)})]
    )


def test_figures_come_back_to_the_last_bit(tmp_path: Path) -> None:
    (tmp_path / "x.shelf").write_bytes(packed())
    opened = open_packed(tmp_path / "x.shelf")
    assert opened.header.source == SOURCE
    hard, alone = opened.header.benchmarks
    scores, errors = opened.figures(hard)["acc"]
    assert errors is not None
    assert (scores.tobytes(), errors.tobytes()) == (HARD.tobytes(), HARD[::-1].tobytes())
    assert opened.figures(alone)["a"][1] is None
    assert opened.figures(alone)["b"][1].tobytes() == (HARD + 3).tobytes()  # type: ignore[union-attr]
    assert [a.model.name for a in opened.header.axes_of(hard)] == ["one", "two"]


def test_the_same_figures_give_the_same_bytes() -> None:
    assert packed() == packed()


@pytest.mark.parametrize("wrong", [HARD[:4], np.append(HARD[:4], np.nan)])
def test_figures_that_do_not_fit_are_not_packed(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="hard: expected 2 × 5 finite figures"):
        pack(SOURCE, AXES, [(WITH_ERRORS, {"acc": (wrong, wrong)})])


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path, data = tmp_path / "x.shelf", packed()
    for damaged in (b"", b"x" * 40, data[:30], data[:20] + b"\xff" + data[21:]):
        path.write_bytes(damaged)
        with pytest.raises(StudioError, match=r"x\.shelf of the shelf is damaged: install the studio again"):
            open_packed(path)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    opened = open_packed(path)
    opened.figures(opened.header.benchmarks[0])
    with pytest.raises(StudioError, match="damaged"):
        opened.figures(opened.header.benchmarks[1])


def test_a_file_of_another_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.shelf"
    path.write_bytes(packed().replace(packing.MAGIC + b"\x01", packing.MAGIC + b"\x02", 1))
    with pytest.raises(StudioError, match="has format 2, and this studio reads 1"):
        open_packed(path)
