"""Sets with random answer keys, and with a planted gain, as models of one text answer them.

Tested in tests/benchmarks/coverage/test_random_keys.py: a study of the benchmarks stands on them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions import selection, selection_null
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.base.records import Checkpoint, ModelInfo, Question, SelectionOrigin, TaskConfig, TaskSet
from e2lm_core.scores.measurements import Measurements, ModelCurve

SEED = 29_11
QUESTIONS, CHOICES, PLANTED_QUESTIONS = 100, 4, 400
CHECKPOINTS, EARLY = 16, 8
SHARED, LASTING, PASSING = 0.8, 0.6, 0.3  # nats: taste of all models, of one model, of one checkpoint
SIZES, SHAPES = ("small", "medium", "large"), ("arch1", "arch2")
PARAMETERS = {"small": 100_000_000, "medium": 250_000_000, "large": 500_000_000}


@dataclass(frozen=True)
class RandomSet:
    """A set with its results."""

    task: TaskSet
    measured: Measurements

    @property
    def pool(self) -> Pool:
        """Item pool of the set."""
        return question_pool.build_pool(self.measured, self.task)


def fleet() -> list[ModelInfo]:
    """Six models in three sizes and two shapes, and a web-only twin."""
    models = [
        ModelInfo(name=f"{size}-{shape}", family="noise", size=size, arch=shape)
        for size in SIZES
        for shape in SHAPES
    ]
    return [*models, ModelInfo(name="web", family="noise", role="web", twin_of=models[-1].name)]


def made_set(ll: dict[str, np.ndarray], gold: np.ndarray, sources: list[str | None]) -> RandomSet:
    """Set of questions with these log-likelihoods, {model: [K, Q, C]}, and keys [Q]."""
    models = {model.name: model for model in fleet()}
    width = next(iter(ll.values())).shape[-1]
    questions = tuple(
        Question(
            id=f"q{n}",
            question=f"Question {n}?",
            choices=tuple(f"choice {n} {c}" for c in range(width)),
            answer=int(answer),
            source=source,
        )
        for n, (answer, source) in enumerate(zip(gold, sources, strict=True))
    )
    curves = tuple(
        ModelCurve(
            models[name],
            tuple(
                Checkpoint(
                    model=models[name], step=100 * (k + 1), tokens_seen=10_000 * (k + 1), early=k < EARLY
                )
                for k in range(len(values))
            ),
            values,
        )
        for name, values in ll.items()
    )
    measured = Measurements(
        task="made",
        question_ids=tuple(q.id for q in questions),
        subjects=("",) * len(questions),
        gold=np.asarray(gold, int),
        chars=np.full((len(questions), width), 8.0),
        gold_bytes=np.full(len(questions), 8.0),
        curves=curves,
        groups=(None,) * len(questions),
    )
    return RandomSet(TaskSet(config=TaskConfig(task="made"), questions=questions), measured)


def noise_set(seed: int, questions: int = QUESTIONS) -> RandomSet:
    """Random keys, and models that share which choices they like more and more."""
    rng = np.random.default_rng([SEED, seed])
    shared = rng.normal(0, SHARED, (questions, CHOICES))
    grows = np.linspace(0.3, 1.0, CHECKPOINTS)[:, None, None]
    ll = {
        model.name: -5.0
        + grows * (shared + rng.normal(0, LASTING, (questions, CHOICES)))
        + np.cumsum(rng.normal(0, PASSING / 4, (CHECKPOINTS, questions, CHOICES)), axis=0)
        + rng.normal(0, PASSING, (CHECKPOINTS, questions, CHOICES))
        for model in fleet()
    }
    return made_set(ll, rng.integers(0, CHOICES, questions), [None] * questions)


def planted_set(seed: int, questions: int = PLANTED_QUESTIONS) -> RandomSet:
    """As `noise_set`, but models learn some keys: of a good source so many more that it gains .08 of accuracy."""
    made = noise_set(seed, questions)
    rng = np.random.default_rng([SEED, seed, 1])
    good = np.arange(questions) % 2 == 0
    known = rng.random(questions) < np.where(good, 0.555, 0.335)
    gold = made.measured.gold
    bonus = np.zeros((CHECKPOINTS, questions, CHOICES))
    bonus[:, np.arange(questions), gold] = np.linspace(0.2, 5.0, CHECKPOINTS)[:, None] * known
    ll = {
        curve.model.name: curve.ll + (0.2 if curve.model.role == "web" else 1.0) * bonus
        for curve in made.measured.curves
    }
    return made_set(ll, gold, ["good" if one else "other" for one in good])


def with_sizes(measured: Measurements) -> Measurements:
    """The same results of models whose sizes are known, so that these stop no decision."""
    curves = tuple(
        ModelCurve(
            curve.model.model_copy(update={"parameters": PARAMETERS.get(curve.model.size or "")}),
            curve.checkpoints,
            curve.ll,
        )
        for curve in measured.curves
    )
    return replace(measured, curves=curves)


def with_keys(of: RandomSet, rows: np.ndarray, gold: np.ndarray) -> RandomSet:
    """These questions [Q] of a set, with other answer keys [Q]."""
    whole = of.measured
    questions = tuple(
        of.task.questions[row].model_copy(update={"answer": int(answer)})
        for row, answer in zip(rows, gold, strict=True)
    )
    measured = replace(
        whole,
        question_ids=tuple(q.id for q in questions),
        subjects=tuple(whole.subjects[row] for row in rows),
        gold=np.asarray(gold, int),
        chars=whole.chars[rows],
        gold_bytes=whole.gold_bytes[rows],
        curves=tuple(replace(curve, ll=curve.ll[:, rows]) for curve in whole.curves),
        groups=tuple(whole.groups[row] for row in rows),
        keys=(),
        choice_bytes=None,
        choice_texts=None if whole.choice_texts is None else whole.choice_texts[rows],
        question_texts=None if whole.question_texts is None else whole.question_texts[rows],
        taught=None,
        told=None,
    )
    return RandomSet(of.task.model_copy(update={"questions": questions}), measured)


def chosen_set(of: RandomSet, made: selection.Selection, trial: int | None = 1) -> Measurements:
    """Results of the questions that a rule chose, with their origin, as a copy of them is measured."""
    rows = np.flatnonzero(made.mask)
    kept = with_keys(of, rows, of.measured.gold[rows]).measured
    origin = SelectionOrigin(
        rule=made.rule,
        source=made.source,
        parent=of.task.name,
        parent_digest="",
        models=tuple(model.name for model in of.pool.models),
        model_count=len(of.pool.models),
        trial=trial,
    )
    return replace(kept, chosen=origin)


def chosen_twice(of: RandomSet, first: str, second: str, metric: str) -> Measurements:
    """Results of what the second rule chooses of what the first one chose, with both as their origin."""
    made = selection.select_questions(of.pool, first, metric)
    rows = np.flatnonzero(made.mask)
    once = with_keys(of, rows, of.measured.gold[rows])
    twice = chosen_set(once, selection.select_questions(once.pool, second, metric))
    assert twice.chosen is not None
    origin = twice.chosen.model_copy(update={"earlier": chosen_set(of, made).chosen})
    return replace(twice, chosen=origin)


def planted_gain(seed: int, rule: str, metric: str = "acc") -> selection.Selection:
    """Selection by a rule on a planted set, with its null."""
    of = planted_set(seed)
    pool = of.pool
    return selection_null.with_null(selection.select_questions(pool, rule, metric), pool, of.measured)
