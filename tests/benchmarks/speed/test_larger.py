import json
import os
import subprocess
import sys

import pytest

from benchmarks.speed import larger
from tests.conftest import ROOT


@pytest.mark.slow
def test_a_large_set_is_read_as_columns(tmp_path):
    count = larger.prepare(tmp_path, 5_000, 2, 2)
    studio = larger.opened(tmp_path)
    (packs,) = studio.store.database.connection().execute("SELECT count(*) FROM packs").fetchone()
    assert (count, packs) == (80_000, 4)
    # In a process of its own: the peak of this one is that of the tests before.
    command = [sys.executable, "-m", larger.__name__, "--child"]
    env = os.environ | larger.environment(tmp_path)
    report = json.loads(subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE).stdout)
    assert set(report) == {
        f"{step}_{unit}"
        for step in ("open", "set", "measure", "after_edit", "curves")
        for unit in ("s", "mb", "own_mb")
    }
    assert report["measure_mb"] < 1_000
