"""Trains one model of the ladder: Muon on its matrices, AdamW on the tied embedding and the norms.

    average <- b average + (1 - b) weights,      b = min(`averaging`, (step + 1) / (step + 10))

A checkpoint is that moving average: at a constant learning rate it stands where a decay would lead, so a curve shows
what was learnt and not where the last steps happened to go. It is packed into `weights/<model>/`; the weights, the
average and the optimizers' state are saved in the build folder, so a run that was stopped goes on from there.

Source: Izmailov et al. 2018, arXiv 1803.05407 (averaged weights); a moving average as in Hägele et al. 2024, arXiv
2405.18392.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM

from e2lm_core.checkpoints.ladder.packing import pack
from ladder.recipe import Member, Recipe, config_of

Progress = Callable[[str, int, float], None]  # model, steps done, loss in nats


def checkpoint_file(weights: Path, model: str, step: int) -> Path:
    """Where a model's packed weights of a step lie."""
    return weights / model / f"iter_{step:07d}.xz"


def train_member(
    member: Member, recipe: Recipe, stream: Path, weights: Path, build: Path, progress: Progress
) -> None:
    """Train `member` on the stream, from its last saved state where there is one."""
    torch.manual_seed(recipe.seed + member.seed)
    model = LlamaForCausalLM(config_of(member.shape, recipe))
    average = copy.deepcopy(model).requires_grad_(False)
    optimizers = _optimizers(model, recipe)
    state_file = build / f"{member.name}.pt"
    done = _resume(state_file, model, average, optimizers)
    data = np.load(stream, mmap_mode="r")
    model.train()
    for step in range(done, recipe.steps):
        factor = recipe.learning_rate(step)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * factor
        loss = _step(model, torch.from_numpy(data[step].astype(np.int64)))
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        kept = min(recipe.averaging, (step + 1) / (step + 10))
        with torch.no_grad():
            for slow, own in zip(average.parameters(), model.parameters(), strict=True):
                slow.lerp_(own, 1 - kept)
        reached = step + 1 in member.checkpoint_steps or step + 1 == recipe.steps
        if reached:
            if step + 1 in member.checkpoint_steps:
                _pack(average, member, checkpoint_file(weights, member.name, step + 1))
            _save(state_file, step + 1, model, average, optimizers)
        if reached or (step + 1) % 10 == 0:
            progress(member.name, step + 1, loss)


def _step(model: LlamaForCausalLM, tokens: torch.Tensor) -> float:
    """One forward and backward pass; the mean loss in nats a token."""
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=tokens, use_cache=False).logits
    loss = cross_entropy(logits[:, :-1].flatten(0, 1).float(), tokens[:, 1:].flatten())
    loss.backward()
    return float(loss.detach())


def _optimizers(model: LlamaForCausalLM, recipe: Recipe) -> list[torch.optim.Optimizer]:
    matrices: list[torch.nn.Parameter] = []
    rest: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (matrices if parameter.ndim == 2 and "embed" not in name else rest).append(parameter)
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.Muon(matrices, lr=recipe.muon_lr, weight_decay=recipe.muon_weight_decay),
        torch.optim.AdamW(rest, lr=recipe.adamw_lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers


def _resume(
    state_file: Path,
    model: LlamaForCausalLM,
    average: LlamaForCausalLM,
    optimizers: list[torch.optim.Optimizer],
) -> int:
    if not state_file.is_file():
        return 0
    state: dict[str, Any] = torch.load(state_file, weights_only=True)
    model.load_state_dict(state["model"])
    average.load_state_dict(state["average"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return int(state["step"])


def _pack(average: LlamaForCausalLM, member: Member, path: Path) -> None:
    # The head is the embedding: stored once.
    tensors = {name: t for name, t in average.state_dict().items() if name != "lm_head.weight"}
    _replace(path, lambda p: p.write_bytes(pack(tensors, member.pack_levels)))


def _save(
    state_file: Path,
    step: int,
    model: LlamaForCausalLM,
    average: LlamaForCausalLM,
    optimizers: list[torch.optim.Optimizer],
) -> None:
    state = {
        "step": step,
        "model": model.state_dict(),
        "average": average.state_dict(),
        "optimizers": [o.state_dict() for o in optimizers],
    }
    _replace(state_file, lambda p: torch.save(state, p))


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    """A stop in the middle of writing leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    write(temporary)
    os.replace(temporary, path)
