from benchmarks.coverage.elsewhere import running
from benchmarks.coverage.elsewhere.generator import Cell


def test_a_study_that_was_stopped_goes_on_where_it_was(tmp_path):
    counted = []

    def count(cell: Cell) -> int:
        counted.append(cell.questions)
        return 2 * cell.questions

    cells = {"few": Cell(20), "many": Cell(300)}
    assert running.finished({"few": cells["few"]}, tmp_path, count) == {"few": 40}
    assert running.finished(cells, tmp_path, count) == {"few": 40, "many": 600}
    assert running.finished(cells, tmp_path, count, "other, ") == {"few": 40, "many": 600}
    assert running.finished(cells, None, count) == {"few": 40, "many": 600}
    assert counted == [20, 300, 20, 300, 20, 300]
