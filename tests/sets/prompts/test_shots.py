"""Draws of examples beside the harness's own samplers."""

from __future__ import annotations

from typing import Any

import pytest

from e2lm_core.base.records import TaskConfig
from e2lm_core.sets.prompts.shots import draw_examples

CASES = [
    (sampler, split, leaves)
    for sampler in ("default", "first_n")
    for split in ("dev", "test")
    for leaves in (True, False)
]


@pytest.mark.parametrize(("sampler", "split", "leaves"), CASES)
@pytest.mark.parametrize("shots", [0, 1, 3])
def test_draws_are_the_harness_s(sampler: Any, split: Any, leaves: bool, shots: int) -> None:
    samplers = pytest.importorskip("lm_eval.api.samplers")
    docs = [{"n": n} for n in range(9)]
    pool = docs if split == "test" else [{"dev": n} for n in range(7)]
    theirs = samplers.get_sampler(sampler)(pool, rnd=None).set_rnd(1234)
    config = TaskConfig(task="t", fewshot_sampler=sampler, fewshot_split=split, fewshot_leaves_out=leaves)
    ours = draw_examples(config, len(docs), len(pool), shots)
    wanted = [theirs.sample(shots, eval_doc=doc if leaves else None) if shots else [] for doc in docs]
    assert [[pool[i] for i in indices] for indices in ours] == [list(chosen) for chosen in wanted]
