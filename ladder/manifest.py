"""`manifest.json`: what the ladder holds, for the studio; and `facts.json`: what its models were told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from transformers import LlamaForCausalLM

from ladder.facts import Relation, fill
from ladder.recipe import Member, Recipe, config_of
from ladder.tokenizer import tokenizer_config
from ladder.training import checkpoint_file

VERSION = 1


def write_manifest(folder: Path, recipe: Recipe) -> Path:
    """Write `folder/manifest.json` from the files that lie there."""
    tokenizer = folder / "weights" / "tokenizer.json"
    manifest = {
        "version": VERSION,
        "tokens_per_step": recipe.tokens_per_step,
        "context": recipe.context,
        "trained_context": recipe.trained_context,
        "early_window": {
            "end_step": recipe.early_end_step,
            "end_tokens": recipe.early_end_step * recipe.tokens_per_step,
            "fraction": recipe.early_end_step / recipe.steps,
        },
        "tokenizer": {
            "file": "weights/tokenizer.json",
            "sha256": sha256(tokenizer),
            "config": tokenizer_config(recipe),
        },
        "models": [_model(folder, member, recipe) for member in recipe.members],
    }
    return _write_json(folder / "manifest.json", manifest)


def write_facts(folder: Path, relations: list[Relation]) -> Path:
    """Write `folder/facts.json`: the facts, each with the first wording that asks for it, and their relations.

    A relation comes with all its wordings, those of the task sets too: they tell the studio what a question asks for.
    """
    facts = [
        {
            "subject": f.subject,
            "answer": f.answer,
            "relation": f.relation,
            "domain": f.domain,
            "question": fill(relation.questions[0], f.subject),
        }
        for relation in relations
        for f in relation.facts
    ]
    told = [
        {
            "name": r.name,
            "about": r.about,
            "field": r.field,
            "wordings": [*r.statements, *r.questions, *r.heldout],
        }
        for r in relations
    ]
    return _write_json(folder / "facts.json", {"facts": facts, "relations": told})


def sha256(path: Path) -> str:
    """The digest of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _model(folder: Path, member: Member, recipe: Recipe) -> dict[str, Any]:
    config = config_of(member.shape, recipe)
    checkpoints = []
    for step in member.checkpoint_steps:
        path = checkpoint_file(folder / "weights", member.name, step)
        checkpoints.append(
            {
                "name": path.stem,
                "step": step,
                "tokens_seen": step * recipe.tokens_per_step,
                "file": path.relative_to(folder).as_posix(),
                "sha256": sha256(path),
                "early": step <= recipe.early_end_step,
                "extra": step in member.extra_steps,
            }
        )
    return {
        "name": member.name,
        "size": member.size,
        "arch": member.arch,
        "role": member.role,
        "draw": member.draw,
        "seed": member.seed,
        "twin_of": member.twin_of,
        "seed_of": member.seed_of,
        "parameters": sum(p.numel() for p in LlamaForCausalLM(config).parameters()),
        "hidden": member.shape.hidden,
        "layers": member.shape.layers,
        "config": json.loads(config.to_json_string(use_diff=True)),
        "checkpoints": checkpoints,
    }


def _write_json(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
