import json

import pytest

from benchmarks.speed import larger


@pytest.mark.slow
def test_a_large_set_is_read_as_columns(tmp_path, monkeypatch):
    count = larger.prepare(tmp_path, 5_000, 2, 2)
    studio = larger.opened(tmp_path)
    (packs,) = studio.store.database.connection().execute("SELECT count(*) FROM packs").fetchone()
    assert (count, packs) == (80_000, 4)
    for name, value in larger.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    report = json.loads(json.dumps(larger.read()))
    assert set(report) == {
        f"{step}_{unit}"
        for step in ("open", "set", "measure", "after_edit", "curves")
        for unit in ("s", "mb", "own_mb")
    }
    assert report["measure_own_mb"] < 1_000
