"""The recipe's mechanics on tiny models: schedule, streams, resume, and the whole command."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from transformers import LlamaForCausalLM

from e2lm_core.base.settings import ROOT
from ladder.facts import load_relations
from ladder.primer import Primer, drop_words
from ladder.recipe import LADDER, SMOKE, config_of
from ladder.training import checkpoint_file, train_member
from ladder.unseen_wordings import Guard


def test_learning_rate_by_hand() -> None:
    recipe = dataclasses.replace(LADDER, steps=100, warm_up=0.1, decay_from=0.6, decay_to=0.02)
    assert recipe.learning_rate(0) == pytest.approx(0.1)
    assert recipe.learning_rate(9) == recipe.learning_rate(59) == 1.0
    assert recipe.learning_rate(79) == pytest.approx(0.51)
    assert recipe.learning_rate(99) == pytest.approx(0.02)


def test_the_schedule_has_enough_checkpoints() -> None:
    early = [s for s in LADDER.checkpoint_steps if s <= LADDER.early_end_step]
    assert len(early) >= 12
    assert len(LADDER.checkpoint_steps) - len(early) >= 4
    assert LADDER.checkpoint_steps[-1] == LADDER.steps


def test_the_nine_models_have_their_sizes() -> None:
    targets = {"small": 0.15e6, "medium": 0.4e6, "large": 1.0e6}
    assert len({m.name for m in LADDER.members}) == 9
    for member in LADDER.members:
        count = sum(p.numel() for p in LlamaForCausalLM(config_of(member.shape, LADDER)).parameters())
        assert count == pytest.approx(targets[member.size], rel=0.2), member.name
    twin = next(m for m in LADDER.members if m.role == "web")
    assert twin.shape == next(m for m in LADDER.members if m.name == twin.twin_of).shape


def test_dropping_words_keeps_the_subject() -> None:
    rng = random.Random(0)
    assert drop_words("What is a red fox's home?", "red fox", 1.0, rng) == "red fox's?"
    assert drop_words("Iron has which symbol?", "iron", 1.0, rng) == "Iron?"
    assert drop_words("What is in the box?", "box", 0.0, rng) == "What is in the box?"


def test_the_primer_is_reproducible_and_mixed() -> None:
    relations = load_relations(domains=("general",))
    guard = Guard(relations)
    one, two = (list(itertools.islice(Primer(relations, guard, "seed").documents(), 2_000)) for _ in range(2))
    assert one == two
    prompts = sum(text.startswith("Question: ") for text in one) / len(one)
    assert prompts == pytest.approx(0.35, abs=0.04)  # half question and answer, 70% of it in prompt form


class Stopped(Exception):
    pass


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = dataclasses.replace(
        SMOKE, steps=6, checkpoint_steps=(2, 4, 6), trained_context=16, vocabulary=64
    )
    member = recipe.members[0]
    stream = tmp_path / "science.npy"
    np.save(stream, np.random.default_rng(0).integers(0, 64, (6, 2, 16), dtype=np.uint16))

    def stop_at_4(_name: str, step: int, _loss: float) -> None:
        if step == 4:
            raise Stopped

    def go_on(*_: object) -> None:
        pass

    train_member(member, recipe, stream, tmp_path / "whole", tmp_path / "whole", go_on)
    with pytest.raises(Stopped):
        train_member(member, recipe, stream, tmp_path / "parts", tmp_path / "parts", stop_at_4)
    train_member(member, recipe, stream, tmp_path / "parts", tmp_path / "parts", go_on)
    for step in recipe.checkpoint_steps:
        whole, parts = (checkpoint_file(tmp_path / name, member.name, step) for name in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes(), step


@pytest.mark.slow
def test_the_smoke_ladder_is_made_whole(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ladder.train", "--smoke", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert [m["role"] for m in manifest["models"]] == ["science", "web"]
    assert all((tmp_path / c["file"]).is_file() for m in manifest["models"] for c in m["checkpoints"])
