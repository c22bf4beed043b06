"""How `benchmarks.before_after` reads the other benchmarks and puts two checkouts side by side; nothing is timed."""

from __future__ import annotations

import json
import time

import pytest

from benchmarks import before_after


def test_an_edits_medians_are_read_by_shots() -> None:
    row = {
        "save_s_p50": 0.05,
        "coarse_s_p50": 0.24,
        "all_s_p50": 0.8,
        "all_s_p95": 1.07,
        "worker_cpu_s_p50": 0.95,
    }
    found = before_after.edit_figures({"store": [{"shots": 0, **row}, {"shots": 5, **row}]})
    assert found["edit, 0-shot: all checkpoints in the store"] == 0.8
    assert len(found) == 8
    assert 1.07 not in found.values()


def test_a_redraw_that_was_not_measured_in_a_browser_is_left_out() -> None:
    own = {"questions": 15_000, "page": "curves", "redraw_s": {"median": 0.18}, "browser_chart_s": None}
    found = before_after.redraw_figures({"rows": [own]})
    assert found == {"redraw, 15,000 questions, curves: script": 0.18}


def test_medians_stand_side_by_side_with_their_ratio() -> None:
    old = [{"start-up": 1.0, "gone": 1.0}, {"start-up": 3.0}, {"start-up": 2.0}]
    new = [{"start-up": 2.5}, {"start-up": 2.2}, {"start-up": 9.0}]
    (row,) = before_after.side_by_side(old, new)
    assert (row["figure"], row["old_median"], row["new_median"], row["ratio"]) == ("start-up", 2.0, 2.5, 1.25)
    cells = [list(column.cells) for column in before_after.table([row]).columns]
    assert cells == [["start-up"], ["2.000 (1.000–3.000)"], ["2.500 (2.200–9.000)"], ["1.25"]]


@pytest.mark.parametrize(
    ("folder", "module"), [("benchmarks/speed", "benchmarks.speed.edit"), ("benchmarks", "benchmarks.edit")]
)
def test_a_benchmark_is_found_where_the_checkout_has_it(tmp_path, folder, module) -> None:
    (tmp_path / folder / "results").mkdir(parents=True)
    (tmp_path / folder / "edit.py").touch()
    assert before_after.module(tmp_path, "edit") == module
    began = time.time()
    (tmp_path / folder / "results" / "edit.json").write_text(json.dumps({"store": []}))
    assert before_after.written_since(tmp_path, "edit", began) == {"store": []}
    with pytest.raises(SystemExit, match="no results"):
        before_after.written_since(tmp_path, "edit", began + 60)
    with pytest.raises(SystemExit, match="no benchmark redraw"):
        before_after.module(tmp_path, "redraw")
