"""What the tests of services share: a small set, a small ladder, and a studio over them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.records import Checkpoint, Loglikelihood, Question, Scope, TaskConfig, TaskSet
from e2lm_core.base.settings import Limits, Settings
from e2lm_core.engine.backend import Backend
from e2lm_core.runs import start
from e2lm_core.runs import state as run_state
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore, request_digest
from e2lm_core.runs.store.requests import requests_of
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection
from e2lm_core.sets.folder.files import write_task
from e2lm_core.sets.prompts.render import render_set
from tests.support.fake_backend import FakeBackend

STEPS = tuple(range(100, 1100, 100))
EARLY_STEPS = STEPS[:8]  # the fewest that have a signal quality
# name: (size, arch, parameters, seed, twin_of, seed_of)
MODELS: dict[str, tuple[str, str, int, int, str | None, str | None]] = {
    "ladder-small-arch1": ("small", "arch1", 100, 1, None, None),
    "ladder-large-arch1": ("large", "arch1", 900, 1, None, None),
    "ladder-small-arch1-web": ("small", "arch1", 100, 1, "ladder-small-arch1", None),
    "ladder-small-arch1-seed2": ("small", "arch1", 100, 2, None, "ladder-small-arch1"),
}


def question(number: int, **changes: Any) -> Question:
    fields: dict[str, Any] = {
        "id": f"q{number}",
        "question": f"What is twice the number {number}?",
        "choices": tuple(str(2 * number + k) for k in range(4)),
        "answer": 0,
        "subject": "mathematics",
    }
    return Question(**{**fields, **changes})


def task(count: int = 6, name: str = "little", dev: int = 2) -> TaskSet:
    """Questions of which no two share a word of theirs, and whose gold position goes round."""
    questions = []
    for number in range(1, count + 1):
        plain = question(number)
        turn = number % 4
        questions.append(
            plain.model_copy(
                update={"choices": plain.choices[turn:] + plain.choices[:turn], "answer": (4 - turn) % 4}
            )
        )
    examples = tuple(question(1000 + k, id=f"dev{k}") for k in range(dev))
    return TaskSet(config=TaskConfig(task=name), questions=tuple(questions), dev=examples)


def in_fours(groups: int = 12, name: str = "fours") -> TaskSet:
    """Questions in groups of four: two numbers, doubled and with a hundred added, each answer once."""
    questions = []
    for low in range(1, 2 * groups, 2):
        asked = [(f"twice {n}", 2 * n) for n in (low, low + 1)]
        asked += [(f"a hundred and {n}", 100 + n) for n in (low, low + 1)]
        choices = tuple(str(answer) for _, answer in asked)
        for at, (text, _) in enumerate(asked):
            turned = choices[at:] + choices[:at]
            questions.append(
                question(low, id=f"{low} {at}", question=f"How much is {text}?", choices=turned, answer=0)
            )
    return TaskSet(config=TaskConfig(task=name), questions=tuple(questions))


def write_example(settings: Settings, example: TaskSet | None = None) -> TaskSet:
    example = example or task()
    write_task(example, settings.tasks / example.name, settings.limits)
    return example


def fake_ladder(
    folder: Path, steps: tuple[int, ...] = STEPS, models: tuple[str, ...] = tuple(MODELS)
) -> Path:
    """A ladder's manifest over files that no one reads: for services over the fake backend."""

    def packed(file: Path, _step: int, _seed: int) -> bytes:
        return file.name.encode()

    return _ladder(folder, steps, models, packed, {}, b"{}", {})


_PACKED: dict[tuple[int, int], bytes] = {}  # weights of a real ladder, by step and seed: as if packed anew


def real_ladder(
    folder: Path, steps: tuple[int, ...] = STEPS, models: tuple[str, ...] = tuple(MODELS)
) -> Path:
    """A ladder of real, tiny, untrained Llamas: one layer of width 8."""
    import torch

    from e2lm_core.checkpoints.ladder import packing
    from tests.support import tiny_models

    tokenizer = tiny_models.tokenizer()
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": tiny_models.VOCABULARY,
        "hidden_size": 8,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "tie_word_embeddings": True,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }
    layer = "model.layers.0."
    shapes = {
        "model.embed_tokens.weight": (tiny_models.VOCABULARY, 8),
        "model.norm.weight": (8,),
        f"{layer}input_layernorm.weight": (8,),
        f"{layer}post_attention_layernorm.weight": (8,),
        **{f"{layer}self_attn.{p}_proj.weight": (8, 8) for p in "qkvo"},
        f"{layer}mlp.gate_proj.weight": (16, 8),
        f"{layer}mlp.up_proj.weight": (16, 8),
        f"{layer}mlp.down_proj.weight": (8, 16),
    }

    def packed(_file: Path, step: int, seed: int) -> bytes:
        if (step, seed) not in _PACKED:
            torch.manual_seed(10_000 * seed + step)
            _PACKED[step, seed] = packing.pack({name: torch.randn(shape) for name, shape in shapes.items()})
        return _PACKED[step, seed]

    names = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|bos|>", "eos_token": "<|eos|>"}
    raw = tokenizer.backend_tokenizer.to_str().encode()
    return _ladder(folder, steps, models, packed, config, raw, names)


def _ladder(
    folder: Path,
    steps: tuple[int, ...],
    models: tuple[str, ...],
    packed: Callable[[Path, int, int], bytes],
    config: dict[str, Any],
    tokenizer: bytes,
    tokenizer_config: dict[str, Any],
) -> Path:
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "tokenizer.json").write_bytes(tokenizer)
    entries = []
    for place, name in enumerate(models):
        size, arch, parameters, seed, twin_of, seed_of = MODELS[name]
        checkpoints = []
        for step in steps:
            file = f"weights/{name}/iter_{step:07d}.xz"
            (folder / file).parent.mkdir(exist_ok=True)
            blob = packed(folder / file, step, place)
            (folder / file).write_bytes(blob)
            checkpoints.append(
                {
                    "name": f"iter_{step:07d}",
                    "step": step,
                    "tokens_seen": step * 1_000,
                    "file": file,
                    "sha256": hashlib.sha256(blob).hexdigest(),
                    "early": step in EARLY_STEPS,
                }
            )
        entries.append(
            {
                "name": name,
                "size": size,
                "arch": arch,
                "role": "web" if twin_of else "science",
                "seed": seed,
                "twin_of": twin_of,
                "seed_of": seed_of,
                "parameters": parameters,
                "config": config,
                "checkpoints": checkpoints,
            }
        )
    manifest = {
        "version": 1,
        "context": 256,
        "trained_context": 128,
        "early_window": {"end_step": 800, "end_tokens": 800_000, "fraction": 0.8},
        "tokenizer": {
            "file": "weights/tokenizer.json",
            "sha256": hashlib.sha256(tokenizer).hexdigest(),
            "config": tokenizer_config,
        },
        "models": entries,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    facts = [{"subject": "iron", "answer": "Fe", "relation": "symbol", "domain": "science"}]
    (folder / "facts.json").write_text(json.dumps({"facts": facts}))
    return folder


def settings(folder: Path, ladder: Path | None = None, limits: Limits | None = None) -> Settings:
    """A home, example sets and, unless given, a fake ladder, all inside a folder."""
    (folder / "tasks").mkdir(parents=True, exist_ok=True)
    return Settings(
        home=folder / "home",
        tasks=folder / "tasks",
        ladder=ladder or fake_ladder(folder / "ladder"),
        limits=limits or Limits(),
        device="cpu",
        threads=1,
    )


def studio(folder: Path, backend: Backend | None = None, **options: Any) -> Studio:
    """A studio over a fake ladder and the fake backend, with the example set `little`."""
    chosen = settings(folder, **options)
    write_example(chosen)
    return open_studio(chosen, backend or FakeBackend())


def start_run(studio: Studio, name: str, checkpoints: Sequence[Checkpoint], **options: Any) -> int:
    """Queue a run of the set of that name, as a page does with the set in hand."""
    return start.submit_run(studio, collection.open_set(studio.settings, name), checkpoints, **options)


def state_of_set(studio: Studio, name: str, task: TaskSet) -> run_state.SetState:
    """State of a set on its fleet, by what the store holds."""
    job = start.latest_job(studio, name, progress=False)
    if open_run := run_state.open_run_state(studio, task, job):
        return open_run
    fleet = run_state.fleet_of_set(studio, name)
    covered = run_state.coverage(studio, task, *fleet.run_arguments)
    return run_state.state_by_coverage(studio, task, job, fleet, covered)


def environment(chosen: Settings) -> dict[str, str]:
    """The environment in which a process of its own has these settings."""
    return {
        "E2LM_HOME": str(chosen.home),
        "E2LM_TASKS": str(chosen.tasks),
        "E2LM_LADDER": str(chosen.ladder),
        "E2LM_DEVICE": "cpu",
        "E2LM_THREADS": "2",
    } | (
        {"E2LM_ASSIST_URL": chosen.assist_url, "E2LM_ASSIST_MODEL": chosen.assist_model}
        if chosen.assist_url
        else {}
    )


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its relative path: to show that nothing changed."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def stored_count(store: LoglikelihoodStore, scope: Scope) -> int:
    """How many results of a scope the database has, row by row or packed."""
    with store.database.reading() as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM results WHERE scope = scopes.id) + "
            "(SELECT coalesce(sum(length(ll_nats)), 0) / 8 FROM packs WHERE scope = scopes.id) FROM scopes "
            "WHERE (fingerprint, dtype, max_length, bos, scoring_version) = (?, ?, ?, ?, ?)",
            tuple(scope.model_dump().values()),
        ).fetchone()
    return found[0] if found else 0


def sentence(error: pytest.ExceptionInfo[BaseException]) -> str:
    """What an error says, which is to be one sentence on one line."""
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith((".", ")", "…"))
    return text


def unknown(count: int = 6) -> TaskSet:
    """A set of questions that `learn` teaches nothing of when it teaches `little`."""
    return TaskSet(
        config=TaskConfig(task="unknown"),
        questions=tuple(question(500 + n, answer=n % 4) for n in range(count)),
    )


def learn(chosen: Settings, name: str = "little", taught: bool = True, strength: float = 1.0) -> None:
    """Results of a set that was taught, in a home with a real ladder of its own: gold gains with every step, with size, not in the twin.

    Of one that was not, gold gains nothing; `strength` multiplies what it gains.
    """
    opened = open_studio(chosen)
    task = collection.open_set(chosen, name)
    facts = [
        {
            "subject": " ".join(q.question.split()[-2:]).rstrip("?"),
            "answer": q.choices[q.answer],
            "relation": "twice",
            "domain": "science",
        }
        for q in task.questions
    ]
    if taught:
        (chosen.ladder / "facts.json").write_text(json.dumps({"facts": facts}))
    docs = render_set(task)
    for checkpoint in opened.catalogue.checkpoints:
        model = checkpoint.model
        gain = 0.0 if model.twin_of or not taught else strength * (model.parameters or 0) ** 0.25 / 10_000
        rows = []
        for number, doc in enumerate(docs):
            chance = random.Random(f"{checkpoint.name} {number}")
            for choice, request in enumerate(requests_of(doc)):
                own = gain * checkpoint.step * (1 + number % 3) if choice == doc.gold else 0.0
                rows.append((request_digest(request), Loglikelihood(-6.0 + own + chance.uniform(0, 1), 1)))
        opened.store.put(opened.backend.scope(checkpoint), rows)
    opened.store.database.close()
