"""Stacked checkpoints: the numbers of the decoder of each, and the same bits whoever stands beside it."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from e2lm_core.base.errors import Cancelled
from e2lm_core.base.records import Request
from e2lm_core.engine import scorer
from e2lm_core.engine.batches import tree
from e2lm_core.engine.forward import stack
from e2lm_core.engine.forward.recipes import NoRecipeError
from e2lm_core.engine.local import LocalBackend
from tests.engine.forward.test_recipes import KNOWN, backend, make
from tests.engine.test_scorer import REQUESTS, SHOTS, close
from tests.support import tiny_models

STACKED = [name for name in KNOWN if not name.startswith("neox")]
FEW = REQUESTS[:8]


def folders(home: Path, name: str, count: int) -> list[Path]:
    made = []
    for number in range(count):
        folder = make(home / f"m{number}", KNOWN[name])
        model = AutoModelForCausalLM.from_pretrained(folder)
        torch.manual_seed(number)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1 + 0.1 * torch.randn_like(parameter))
        model.save_pretrained(folder)
        made.append(folder)
    return made


def together(own: LocalBackend, made: list[Path], requests: list[Request], **more: Any) -> list[dict]:
    chunks = list(own.chunks_of_all([tiny_models.checkpoint(folder) for folder in made], requests, **more))
    return [dict(chain.from_iterable(chunk[c] for chunk in chunks)) for c in range(len(made))]


@pytest.mark.parametrize("name", STACKED)
def test_a_stack_gives_each_checkpoints_numbers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folders(tmp_path, name, 3)
    own = backend(tmp_path)
    assert own.together([tiny_models.checkpoint(f) for f in made], FEW) != []
    found = together(own, made, FEW)
    monkeypatch.setattr(scorer, "STACKED_TOKENS", 0)
    one_by_one = backend(tmp_path)
    for folder, each in zip(made, found, strict=True):
        assert close(each, dict(chain.from_iterable(one_by_one.chunks(tiny_models.checkpoint(folder), FEW))))
    assert own.notes() == []


def test_no_bit_depends_on_who_stands_beside(tmp_path: Path) -> None:
    made = folders(tmp_path, "llama", 5)
    whole = together(backend(tmp_path), made, FEW)
    assert together(backend(tmp_path), made[::-1], FEW)[::-1] == whole
    assert together(backend(tmp_path), made[1:3], FEW) == whole[1:3]
    alone = backend(tmp_path)
    for folder, each in zip(made, whole, strict=True):
        assert dict(chain.from_iterable(alone.chunks(tiny_models.checkpoint(folder), FEW))) == each


def test_nor_on_how_many_are_computed_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = folders(tmp_path, "qwen2", 5)
    whole = together(backend(tmp_path), made, FEW)
    monkeypatch.setattr(scorer, "_STACKED_LOGITS", 1)
    assert together(backend(tmp_path), made, FEW) == whole


def test_the_shots_of_an_edit_are_those_of_the_edit_before_it_to_the_last_bit(tmp_path: Path) -> None:
    made = [tiny_models.checkpoint(folder) for folder in folders(tmp_path, "llama", 3)]
    shots = SHOTS * 2
    before, edited = (
        [Request(f"{shots}Question: {words}?\nAnswer:", choice) for choice in (" six", " six legs")]
        for words in ("iron water", "spider legs")
    )
    own = backend(tmp_path)
    tokens = [[one.tokens for one in next(own.chunks_of_all(made, few))] for few in (before, edited)]
    saved = tokens[0][0] - tokens[1][0]
    assert saved >= tree.PREFIX_TOKENS
    assert saved % tree.PREFIX_TOKENS == 0 or abs(saved % tree.PREFIX_TOKENS) <= 4  # their own words differ
    assert len(set(tokens[1])) == 1
    again = dict(chain.from_iterable(own.chunks(made[0], edited)))
    fresh = backend(tmp_path)
    assert dict(chain.from_iterable(fresh.chunks(made[0], edited))) == again
    whole = list(fresh.chunks_of_all(made, edited))
    assert dict(chain.from_iterable(chunk[0] for chunk in whole)) == again


def test_what_is_done_is_left_out_and_a_cancelled_run_stops(tmp_path: Path) -> None:
    made = folders(tmp_path, "llama", 2)
    own = backend(tmp_path)
    assert together(own, made, FEW, skip=range(len(FEW))) == [{}, {}]
    with pytest.raises(Cancelled):
        together(own, made, FEW, cancelled=lambda: True)


def test_many_tokens_and_large_models_go_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [tiny_models.checkpoint(folder) for folder in folders(tmp_path, "llama", 3)]
    own = backend(tmp_path)
    assert own.together(made, FEW) == [tuple(made)]
    monkeypatch.setattr(scorer, "STACKED_TOKENS", 10)
    assert own.together(made, FEW) == [(one,) for one in made]
    monkeypatch.undo()
    monkeypatch.setattr(scorer, "STACKED_PARAMETERS", 10)
    assert own.together(made, FEW) == [(one,) for one in made]


def test_a_family_without_a_stack_goes_one_by_one(tmp_path: Path) -> None:
    made = [tiny_models.checkpoint(folder) for folder in folders(tmp_path, "neox", 2)]
    own = backend(tmp_path)
    assert own.together(made, FEW) == [(one,) for one in made]
    models = [own.read(one) for one in made]
    with pytest.raises(NoRecipeError, match="is a norm that is not stacked"):
        stack.StackedDecoder(models, None)


def test_a_wrong_stack_is_found_by_the_probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [tiny_models.checkpoint(folder) for folder in folders(tmp_path, "llama", 2)]
    monkeypatch.setattr(
        stack.StackedDecoder, "_embedded", lambda self, ids: self._parts.embedding[ids.flatten() * 0]
    )
    own = backend(tmp_path)
    assert own.together(made, FEW) == [(one,) for one in made]
    assert own.notes() == []  # the engine's own forward is as right as ever


def test_stacks_are_kept_within_their_bytes(tmp_path: Path) -> None:
    own = backend(tmp_path)
    models = [own.read(tiny_models.checkpoint(folder)) for folder in folders(tmp_path, "llama", 4)]
    kept = stack.Stacks(most_bytes=2 * models[0].bytes)
    first = kept.stack_models((models[0], models[1]), None)
    assert kept.stack_models((models[0], models[1]), None) is first
    kept.stack_models((models[2], models[3]), None)
    assert kept.stack_models((models[0], models[1]), None) is not first
