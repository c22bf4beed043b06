"""The sweep through both command lines on a small set: what is compared, and that both give the same acc."""

from __future__ import annotations

import json

import pytest

from benchmarks.prepared import command_lines, made
from benchmarks.speed import sweep


@pytest.mark.slow
def test_both_command_lines_give_the_same_accuracy(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(made, "RESULTS", tmp_path)
    sweep.main(command_lines=True, questions=12, checkpoints=2, harness_checkpoints=1, batch_sizes="8")
    found = json.loads((tmp_path / "sweep_command_lines.json").read_text())
    assert (found["checkpoints"], found["harness_checkpoints"], found["scaled"]) == (2, 1, True)
    assert found["harness_s"] == pytest.approx(2 * found["harness_checkpoint_s"][0], abs=0.2)
    assert found["acc_compared"] == 1
    assert found["acc_equal"]
    assert "times_faster" in capsys.readouterr().out


@pytest.mark.slow
def test_the_made_prompts_are_as_long_as_those_of_the_engine(tmp_path) -> None:
    from transformers import AutoTokenizer

    from e2lm_core.base.settings import Settings
    from e2lm_core.sets.folder.files import read_task
    from e2lm_core.sets.prompts.render import render_set

    command_lines.prepare(tmp_path, "2m", questions=4, checkpoints=1)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "family" / "iter_0000001")
    task = read_task(tmp_path / "tasks" / "made", Settings(home=tmp_path).limits).task
    (doc, *_), (bare, *_) = render_set(task, 5), render_set(task, 0)
    assert len(tokenizer.encode(bare.context)) == pytest.approx(67, abs=3)
    prefix = doc.context.removesuffix(bare.context)
    assert len(tokenizer.encode(prefix)) == pytest.approx(430, abs=30)
    assert len(tokenizer.encode(bare.continuations[0])) == pytest.approx(15, abs=2)
