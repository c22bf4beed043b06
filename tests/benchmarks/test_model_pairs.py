"""One answer for every two models: all pairs of the examples in numbers, some of them on the pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import model_pairs
from e2lm_core.sets import collection
from tests.conftest import ROOT, needs

pytestmark = pytest.mark.slow
EXAMPLES = sorted(folder.name for folder in (ROOT / "tasks").iterdir() if folder.is_dir())


@pytest.mark.parametrize("name", EXAMPLES)
def test_curves_ranking_decide_and_report_give_one_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    needs("ladder")
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("E2LM_SHIPPED", "1")
    studio = model_pairs.opened(tmp_path)
    task = collection.open_set(studio.settings, name)
    own = model_pairs.measured(studio, task)
    models = len(own.curves)
    assert models == 20
    compared, wrong = model_pairs.different_numbers(studio, task, model_pairs.METRICS)
    assert compared == len(model_pairs.METRICS) * models * (models - 1) // 2
    assert not wrong, "\n".join(wrong)
    drawn, wrong = model_pairs.different_pages(tmp_path, name, own, ("acc", "bpb"), every=90)
    everywhere = 3 * 2 * 3 * 2
    if name == "ladder_school":  # of thirty questions inside their null Decide says why it is silent
        assert 2 * 2 * 3 * 2 <= drawn < everywhere
    else:
        assert drawn == everywhere
    assert not wrong, "\n".join(wrong)
    studio.store.database.close()
