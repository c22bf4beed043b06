"""The recipe's mechanics on tiny models: schedule, streams, resume, and the whole command."""

from __future__ import annotations

import dataclasses
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from transformers import LlamaForCausalLM

from e2lm_core.base.settings import ROOT
from ladder.facts import load_relations
from ladder.primer import Primer, Shares
from ladder.recipe import LADDER, SMOKE, config_of
from ladder.training import checkpoint_file, train_member
from ladder.unseen_wordings import Guard


def test_learning_rate_by_hand() -> None:
    recipe = dataclasses.replace(LADDER, steps=100, warm_up=0.1, decay_from=0.6, decay_to=0.02)
    assert recipe.learning_rate(0) == pytest.approx(0.1)
    assert recipe.learning_rate(9) == recipe.learning_rate(59) == 1.0
    assert recipe.learning_rate(79) == pytest.approx(0.51)
    assert recipe.learning_rate(99) == pytest.approx(0.02)


def test_the_schedule_has_as_many_points_before_the_window_ends_as_after() -> None:
    for member in LADDER.members:
        early = [s for s in member.checkpoint_steps if s <= LADDER.early_end_step]
        assert LADDER.early_end_step in early, member.name
        assert member.checkpoint_steps[-1] == LADDER.steps, member.name
        if member.role == "science":
            assert len(early) == 8
            assert len(member.checkpoint_steps) - len(early) == (1 if member.seed_of else 8)
        shown = set(member.checkpoint_steps) - set(member.extra_steps)
        assert {LADDER.early_end_step, LADDER.steps} <= shown
        assert bool(member.extra_steps) == (member.seed_of is not None)
    assert LADDER.early_end_step == LADDER.steps / 2


def test_every_size_and_shape_is_trained_three_times_on_two_draws() -> None:
    science = [m for m in LADDER.members if m.role == "science"]
    cells = {(m.size, m.arch): [o for o in science if (o.size, o.arch) == (m.size, m.arch)] for m in science}
    assert len(cells) == 6
    for (_, arch), members in cells.items():
        assert sorted(m.draw for m in members) == {"arch1": ["a", "a", "b"], "arch2": ["a", "b", "b"]}[arch]
        assert [m.seed for m in members] == [1, 2, 3]
        assert {m.seed_of for m in members} == {None, members[0].name}


def test_the_models_have_their_sizes_and_a_twin_for_each_draw() -> None:
    named = {m.name: m for m in LADDER.members}
    assert len(named) == len(LADDER.members) == 20
    counts = {
        (m.size, m.arch): sum(p.numel() for p in LlamaForCausalLM(config_of(m.shape, LADDER)).parameters())
        for m in LADDER.members
    }
    for size, least in {"small": 0.11e6, "medium": 0.22e6, "large": 0.44e6}.items():
        assert counts[size, "arch1"] >= least
        assert 0.5 <= counts[size, "arch1"] / counts[size, "arch2"] <= 0.66, size
    for arch in ("arch1", "arch2"):
        sizes = [counts[size, arch] for size in ("small", "medium", "large")]
        assert all(1.5 <= more / fewer <= 2.3 for fewer, more in itertools.pairwise(sizes)), arch
    twins = [m for m in LADDER.members if m.role == "web"]
    assert {m.draw for m in twins} == {"a", "b"}
    for twin in twins:
        of = named[twin.twin_of]
        assert (twin.shape, twin.draw) == (of.shape, of.draw)
        assert set(twin.checkpoint_steps) <= set(of.checkpoint_steps)


def test_the_primer_is_reproducible_and_mixed() -> None:
    relations = load_relations(domains=("general",))
    guard = Guard(relations)
    primers = (Primer(relations, guard, "seed", draw) for draw in ("a", "a", "b"))
    one, two, other = (list(itertools.islice(primer.documents(), 4_000)) for primer in primers)
    assert one == two != other
    prompts = [text for text in one if text.startswith("Question: ")]
    assert len(prompts) / 4_000 == pytest.approx(
        0.35, abs=0.03
    )  # half question and answer, 70% of it in prompt form
    subjects = {f.subject for r in relations for f in r.facts}
    bare = [text for text in prompts if text[10:].split("?")[0].removeprefix("What about ") in subjects]
    assert len(bare) / len(prompts) == pytest.approx(Shares().bare, abs=0.02)


def test_the_primer_can_ask_a_subject_everything_in_a_row() -> None:
    relations = load_relations(domains=("general",))
    shares = Shares(statements=0, prompt_form=1, bare=0, same=1, surrounded=0)
    primer = Primer(relations, Guard(relations), "seed", "a", shares)
    about = {f.subject: [] for f in relations[0].facts}
    for text in itertools.islice(primer.documents(), 500):
        assert text.count("Question: ") == 3
        for subject, answers in about.items():
            if all(subject in part for part in text.split("\n\n")):
                answers.append({part.split("Answer: ")[1] for part in text.split("\n\n")})
    assert all(answers and all(len(part) == 3 for part in answers) for answers in about.values())


class Stopped(Exception):
    pass


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = dataclasses.replace(SMOKE, steps=6, trained_context=16, vocabulary=64)
    member = dataclasses.replace(recipe.members[0], checkpoint_steps=(2, 4, 6))
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
    for step in member.checkpoint_steps:
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
