"""A source of questions with known truth: a logistic item model for fleets that learn not at all, late or early.

Axes: M models, K checkpoints, Q questions, C choices. The simulated models answer with log-likelihoods, so that
the metrics and scores are computed by the code that computes the real ones.

    evidence = STRENGTH * sigmoid(a_q * (ability_mk - b_q))          nats, on the gold choice
    ll_mkqc  = -bits_mk ln 2 * bytes_qc + u_qc + v_mqc + e_mkqc + [c = gold] * evidence

b is a question's difficulty, a its discrimination; u is how plausible a choice sounds to every model, v to one
model, e is what changes from checkpoint to checkpoint. Ability grows with tokens, shifted by the model's size,
by its training seed and, at every checkpoint, by training noise.

Tested in tests/benchmarks/test_simulation.py: the coverage studies stand on it, and tests of scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.scores.layout import Run
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.metrics import per_question

LEARNERS = ("flat", "slow", "fast")
# All but done early; S-curves that take off late, and a twin that learns too; the same, of answers that linger.
FURTHER = ("done", "steps", "lingering")
SIZES = 6  # models that count; two more seeds of one of them and its web-only twin come with them
SEEDS = 2
CHECKPOINTS = 16
EARLY = 12
CHOICES = 4

# Ability in units of the spread of difficulty: slope per e-fold of tokens, and the share of training at which a
# model of middle size is level with a question of middle difficulty.
_GROWTH = {"slow": (1.8, 1.6), "fast": (2.2, 0.3), "done": (2.4, 0.2)}
_UNTAUGHT = -9.0  # evidence below 0.001 nats
# Steps: where they come from, how far apart in training models take off, and how far below the twin ends.
_BELOW, _TAKES_OFF, _TWIN_BELOW = -4.0, 0.07, 1.5
# Lingering: what changes from checkpoint to checkpoint is as large as what sounds plausible to all, and goes by slowly.
_LINGERING, _MEMORY = 0.8, 0.7
_STRENGTH = 4.0
_STRENGTH_WHEN_DONE = 5.5
_SHAPE_SPREAD = 0.6
_SIZE_SPREAD, _SEED_SPREAD, _WOBBLE = 0.22, 0.06, 0.08
_SHARED, _OWN, _PASSING = 0.8, 0.6, 0.35
_DISCRIMINATION = 0.3  # of its logarithm


@dataclass(frozen=True)
class Fleet:
    """Trained models, fixed: what a source of questions is put to. `ability`, `bits` (per byte) are [M, K]; `sizes` [M].

    `strength` is what knowing an answer adds in nats, `window` how many checkpoints are early. What changes from checkpoint
    to checkpoint has the deviation `passing`, and `memory` is its correlation between two that follow each other.
    """

    names: tuple[str, ...]
    ability: NDArray[np.float64]
    bits: NDArray[np.float64]
    sizes: tuple[str | None, ...] = (None,) * (SIZES + SEEDS + 1)
    strength: float = _STRENGTH
    window: int = EARLY
    passing: float = _PASSING
    memory: float = 0.0

    @property
    def steps(self) -> NDArray[np.intp]:
        return np.arange(1, CHECKPOINTS + 1)

    @property
    def early(self) -> NDArray[np.bool_]:
        return self.steps <= self.window


def fleet(learner: str, seed: int, shapes: bool = False, spread: float = 1.0, window: int = EARLY) -> Fleet:
    """Six sizes, two more seeds of the third, and its web-only twin, which learns no answers.

    With `shapes` three sizes in two shapes, which differ a little, one pair hardly at all. Models stand `spread` times
    as far apart as usual, and `window` checkpoints are early.
    Raises: ValueError for a learner that is neither in `LEARNERS` nor in `FURTHER`.
    """
    known = (*LEARNERS, *FURTHER)
    if learner not in known:
        raise ValueError(f"unknown learner {learner!r}; known are {', '.join(known)}")
    rng = np.random.default_rng([seed, known.index(learner)])
    middle = SIZES // 2 - 1
    size = np.linspace(-1.5, 1.5, SIZES) + rng.normal(0, 0.15, SIZES)
    if shapes:
        apart = rng.normal(0, _SHAPE_SPREAD, SIZES // 2) * np.array([1.0, 1.0, 0.2])
        size = (
            np.repeat(np.linspace(-1.2, 1.2, SIZES // 2), 2) + np.stack([-apart, apart], axis=1).ravel() / 2
        )
    size = spread * np.append(size, [size[middle]] * (SEEDS + 1))
    tokens = np.arange(1, CHECKPOINTS + 1) / CHECKPOINTS
    models = len(size)
    ability = np.full((models, CHECKPOINTS), _UNTAUGHT)
    if learner in _GROWTH:
        slope, level_at = _GROWTH[learner]
        start = np.log(level_at) - _SIZE_SPREAD * size + rng.normal(0, _SEED_SPREAD, models)
        ability = slope * (np.log(tokens) - start[:, None])
        ability += rng.normal(0, _WOBBLE, ability.shape)
        ability[-1] = _UNTAUGHT
    elif learner in ("steps", "lingering"):
        middle_at = rng.uniform(0.2, 0.8) + rng.normal(0, _TAKES_OFF, models)
        risen = 1 / (1 + np.exp(-rng.uniform(5, 15) * (tokens - middle_at[:, None])))
        level = 1.0 + 0.5 * size
        level[-1] -= _TWIN_BELOW
        ability = _BELOW + (level[:, None] - _BELOW) * risen
        ability += rng.normal(0, _WOBBLE, ability.shape)
    bits = 1.6 - 0.25 * np.log(tokens) - 0.04 * size[:, None] + rng.normal(0, 0.004, (models, CHECKPOINTS))
    counted = [f"size{i + 1}" for i in range(SIZES)]
    seeds = [f"size{middle + 1}-seed{i + 2}" for i in range(SEEDS)]
    names = (*counted, *seeds, f"size{middle + 1}-web")
    sizes: list[str | None] = [None] * models
    if shapes:
        sizes = [name for name, _ in GAINS for _ in ("arch1", "arch2")]
        sizes += [sizes[middle]] * (SEEDS + 1)
    strength = _STRENGTH_WHEN_DONE if learner == "done" else _STRENGTH
    lingers = (_LINGERING, _MEMORY) if learner == "lingering" else (_PASSING, 0.0)
    return Fleet(names, ability, bits, tuple(sizes), strength, window, *lingers)


def draw(of: Fleet, questions: int, seed: int) -> dict[str, NDArray[np.float32]]:
    """A fresh set from the source, put to the fleet: {metric: [M, K, Q]}."""
    rng = np.random.default_rng([seed, 7])
    difficulty = rng.normal(0, 1, questions)
    discrimination = np.exp(rng.normal(0, _DISCRIMINATION, questions))
    letters = rng.integers(4, 15, (questions, 1)) + rng.integers(0, 2, (questions, CHOICES)).astype(
        np.float64
    )
    shared = rng.normal(0, _SHARED, (questions, CHOICES))
    # Choices are alike, so that the place of the gold one does not matter.
    gold = np.zeros(questions, dtype=np.intp)
    parts: dict[str, list[NDArray[np.float32]]] = {}
    for ability, bits in zip(of.ability, of.bits, strict=True):
        own = shared + rng.normal(0, _OWN, (questions, CHOICES))
        ll = _passing(rng, of, questions)
        ll += own - np.log(2.0) * bits[:, None, None] * letters
        ll[..., 0] += of.strength / (1.0 + np.exp(-discrimination * (ability[:, None] - difficulty)))
        for metric, values in per_question(ll, gold, letters, letters[:, 0]).items():
            parts.setdefault(metric, []).append(values.astype(np.float32))
    return {metric: np.stack(values) for metric, values in parts.items()}


def _passing(rng: np.random.Generator, of: Fleet, questions: int) -> NDArray[np.float32]:
    """e [K, Q, C], of one variance at every checkpoint."""
    fresh = rng.standard_normal((CHECKPOINTS, questions, CHOICES), dtype=np.float32)
    if of.memory:
        for k in range(1, CHECKPOINTS):
            fresh[k] = of.memory * fresh[k - 1] + np.sqrt(1 - of.memory**2) * fresh[k]
    return fresh * np.float32(of.passing)


def runs(of: Fleet, values: dict[str, NDArray]) -> dict[str, Run]:
    """The fleet's measurements on a set, as the scores take them. `values` {metric: [M, K, Q]}."""
    twin, science = of.names[-1], of.names[SIZES // 2 - 1]
    return {
        name: Run(
            per_question={metric: array[m] for metric, array in values.items()},
            steps=of.steps,
            early=of.early,
            counts=m < SIZES,
            twin_of=science if name == twin else None,
            size=of.sizes[m],
        )
        for m, name in enumerate(of.names)
    }


# --- whole measurements, with or without anything learned ---------------------------------------------------

GAINS = (("small", 4), ("medium", 8), ("large", 16))
POINTS, EARLY_POINTS = 16, 8


def answered(questions: int = 40, seed: int = 0, taught: float = 0.0, choices: int = 4) -> Measurements:
    """Log-likelihoods of three sizes in two shapes and a web-only twin; with `taught`, gold rises by size.

    Every model has its own slowly wandering taste for each choice, as real ones have for wrong answers.
    """
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, choices, questions)
    shared = rng.normal(size=(questions, choices))
    curves = []
    for name, gain, twin_of in (
        *((f"{size}-{arch}", gain, None) for size, gain in GAINS for arch in ("arch1", "arch2")),
        ("web", 0, "large-arch1"),
    ):
        size, _, arch = name.partition("-")
        model = ModelInfo(name=name, family="f", size=size, arch=arch or None, twin_of=twin_of)
        wander = np.cumsum(rng.normal(scale=0.3, size=(POINTS, questions, choices)), axis=0)
        ll = -10.0 + shared + wander
        grown = np.linspace(0, 1, POINTS) * taught * gain
        ll[np.arange(POINTS)[:, None], np.arange(questions), gold] += grown[:, None]
        checkpoints = tuple(
            Checkpoint(model=model, step=k + 1, tokens_seen=1000 * (k + 1), early=k < EARLY_POINTS)
            for k in range(POINTS)
        )
        curves.append(ModelCurve(model=model, checkpoints=checkpoints, ll=ll))
    chars = np.full((questions, choices), 5.0)
    return Measurements(
        task="made",
        question_ids=tuple(f"q{i}" for i in range(questions)),
        subjects=("",) * questions,
        gold=gold,
        chars=chars,
        gold_bytes=np.full(questions, 5.0),
        curves=tuple(curves),
        choice_bytes=chars,
    )
