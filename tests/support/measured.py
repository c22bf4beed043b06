"""Small measurements made by hand, whose scores can be computed on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from e2lm_core.analysis.compare import comparison
from e2lm_core.analysis.compare.comparison import Comparison
from e2lm_core.analysis.plan import plan as planning
from e2lm_core.analysis.plan.fleet import FleetPart, Pace
from e2lm_core.analysis.plan.plan import Plan
from e2lm_core.analysis.questions.rules import Sample
from e2lm_core.analysis.ranks import stability
from e2lm_core.analysis.ranks.stability import RankStability
from e2lm_core.base.records import Checkpoint, ModelInfo, TaskConfig, TaskSet, Value
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import set_intervals
from tests.support import studios

STEPS = tuple(range(100, 1700, 100))  # of the fleet
EARLY = 12
LADDER = {
    name: ModelInfo(
        name=name,
        family="ladder",
        size=size,
        arch=arch,
        parameters=n,
        seed=seed,
        twin_of=twin,
        seed_of=of,
        role="web" if twin else "science",
    )
    for name, (size, arch, n, seed, twin, of) in studios.MODELS.items()
}
SMALL, LARGE, WEB, SEED2 = LADDER.values()


def curve(model: ModelInfo, acc: Sequence[float], early: int = 8, questions: int = 10) -> ModelCurve:
    """A curve whose accuracy is as given: of ten questions that many are answered rightly; NaN: not run."""
    ll = np.full((len(acc), questions, 2), -2.0)
    for k, share in enumerate(acc):
        if math.isnan(share):
            ll[k, -1] = np.nan
        else:
            right = round(share * questions)
            ll[k, :right, 0] = -1.0
            ll[k, right:, 1] = -1.0
    checkpoints = tuple(
        Checkpoint(model=model, step=100 * (k + 1), tokens_seen=1_000 * (k + 1), early=k < early)
        for k in range(len(acc))
    )
    return ModelCurve(model=model, checkpoints=checkpoints, ll=ll)


def measurements(*curves: ModelCurve) -> Measurements:
    questions = curves[0].ll.shape[1] if curves else 0
    return Measurements(
        task="little",
        question_ids=tuple(f"q{n}" for n in range(questions)),
        subjects=("",) * questions,
        gold=np.zeros(questions, int),
        chars=np.full((questions, 2), 3.0),
        gold_bytes=np.full(questions, 3.0),
        curves=curves,
    )


RISING = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.8, 0.9]


FASTER = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 1.0]


FLAT = [0.5, 0.4, 0.5, 0.6, 0.5, 0.4, 0.5, 0.6, 0.5, 0.4]


def with_values(scores: Scores, **values: Value) -> Scores:
    """The scores with other values under their names; RC and Score in the reading that they have."""
    update: dict[str, object] = {}
    for name, value in values.items():
        if name in ("rc", "score"):
            update[f"{name}_readings"] = {**getattr(scores, f"{name}_readings"), scores.rc_reading: value}
        else:
            update[name] = value
    return scores.model_copy(update=update)


def noisy(questions: int = 60, groups: tuple[str | None, ...] = ()) -> Measurements:
    """Two science models, a seed and a twin: the gold choice gains with every checkpoint, but for the twin."""
    random = np.random.default_rng(0)
    gold = np.arange(questions) % 4
    steps = np.arange(1, 17)
    curves = []
    for model, gain in ((SMALL, 0.10), (LARGE, 0.16), (SEED2, 0.11), (WEB, 0.0)):
        ll = np.repeat(random.normal(-5, 1, (1, questions, 4)), len(steps), axis=0)
        ll += random.normal(0, 0.2, ll.shape)
        ll[:, np.arange(questions), gold] += gain * steps[:, None]
        checkpoints = tuple(
            Checkpoint(model=model, step=int(s), tokens_seen=int(s) * 1_000, early=bool(s <= 12))
            for s in steps
        )
        curves.append(ModelCurve(model=model, checkpoints=checkpoints, ll=ll))
    return Measurements(
        task="noisy",
        question_ids=tuple(f"q{n}" for n in range(questions)),
        subjects=("",) * questions,
        gold=gold,
        chars=np.full((questions, 4), 5.0),
        gold_bytes=np.full(questions, 5.0),
        curves=tuple(curves),
        groups=groups,
    )


FLEET: dict[str, tuple[str, str]] = {
    f"{size}-{arch}": (size, arch) for size in ("small", "large") for arch in ("arch1", "arch2")
}


def question_set(count: int = 60) -> TaskSet:
    questions = tuple(
        studios.question(n, subject="physics" if n % 2 else "history", source=f"source {n % 3}", group=None)
        for n in range(count)
    )
    return TaskSet(config=TaskConfig(task="fleet"), questions=questions)


def fleet_measured(
    count: int = 60, models: tuple[str, ...] = tuple(FLEET), twin: bool = True, structure: float = 1.0
) -> Measurements:
    """Models in two sizes and two shapes, a seed and a twin; easy questions are easy for all by `structure`."""
    random = np.random.default_rng(0)
    infos = [ModelInfo(name=n, family="f", size=FLEET[n][0], arch=FLEET[n][1], parameters=1) for n in models]
    if twin and models:
        infos.append(ModelInfo(name="seed2", family="f", size="small", arch="arch1", seed_of=models[0]))
        infos.append(ModelInfo(name="web", family="f", role="web", twin_of=models[0]))
    ease = random.normal(0, structure, count)
    steps = np.array(STEPS)
    curves = []
    for info in infos:
        gain = 0.0 if info.role == "web" else 0.12 if info.size == "small" else 0.18
        ll = random.normal(-5, 0.4, (len(steps), count, 4)) + random.normal(0, 0.5, (count, 4))
        ll[:, :, 0] += gain * np.arange(len(steps))[:, None] + (ease if gain else 0.0)
        checkpoints = tuple(
            Checkpoint(model=info, step=int(s), tokens_seen=int(s) * 1000, early=k < EARLY)
            for k, s in enumerate(steps)
        )
        curves.append(ModelCurve(model=info, checkpoints=checkpoints, ll=ll))
    task = question_set(count)
    return Measurements(
        task="fleet",
        question_ids=tuple(q.id for q in task.questions),
        subjects=tuple(q.subject or "" for q in task.questions),
        gold=np.zeros(count, int),
        chars=np.full((count, 4), 5.0),
        gold_bytes=np.full(count, 5.0),
        curves=tuple(curves),
        groups=(None,) * count,
    )


def sample(margin: np.ndarray, early: int | None = None, **more) -> Sample:
    """Margins [..., M, K, Q] as measured; the other metrics follow them."""
    checkpoints = margin.shape[-2]
    return Sample(
        values={"margin": margin, "acc": (margin > 0) * 1.0, "norm_prob": 1 / (1 + np.exp(-margin))},
        doublings=np.arange(checkpoints, dtype=float),
        early=np.arange(checkpoints) < (checkpoints if early is None else early),
        **more,
    )


def with_subjects() -> Measurements:
    """Thirty questions of physics, twenty of biology, ten without a subject."""
    names = ["physics"] * 30 + ["biology"] * 20 + [""] * 10
    return replace(noisy(questions=60), subjects=tuple(names))


def full() -> Measurements:
    """Two models that count, a web-only twin and a further seed."""
    return measurements(curve(SMALL, RISING), curve(LARGE, FASTER), curve(WEB, FLAT), curve(SEED2, FLAT))


# --- two sets beside each other ----------------------------------------------------------------------------

FIRST = studios.task(10, "first")
# What leaves little or nothing to compare: the accuracies of the ladder's models on either set.
DEGENERATE_PAIRS: dict[str, tuple[tuple[list[float], ...], tuple[list[float], ...]]] = {
    "one model": ((RISING,), (RISING,)),
    "all equal": (([0.5] * 10, [0.5] * 10, [0.5] * 10), ([0.5] * 10, [0.5] * 10, [0.5] * 10)),
    "one not run": (([math.nan] * 10,), (RISING,)),
    "one checkpoint": (([0.5],), ([0.5],)),
    "nothing": ((), ()),
}


def ladder_measured(*accs: Sequence[float], questions: int = 10) -> Measurements:
    """The ladder's first models with these accuracies: small, large, the small one's twin."""
    models = (SMALL, LARGE, WEB)
    return measurements(*(curve(m, acc, questions=questions) for m, acc in zip(models, accs, strict=False)))


def compared(
    first: Measurements, second: Measurements, one: TaskSet = FIRST, two: TaskSet = FIRST, metric: str = "acc"
) -> Comparison:
    """The two under the names `first` and `second`, over 200 resamples."""
    return comparison.compare(
        ("first", "second"), first, second, comparison.match_questions(one, two), metric, 200
    )


# --- plans ---------------------------------------------------------------------------------------------------

FLEET_PARTS = (
    FleetPart(model="a", parameters=100, checkpoints=10),
    FleetPart(model="b", parameters=300, checkpoints=5),
)


def planned(
    measured: Measurements,
    of: str = "mean",
    wanted: float = 0.1,
    pace: Pace | None = None,
    models: Sequence[str] = (),
) -> Plan:
    """A plan on accuracy for the fleet of `FLEET_PARTS`."""
    return planning.plan_questions(
        measured, planning.Goal(of, "acc", wanted, tuple(models)), FLEET_PARTS, pace
    )


# --- orders --------------------------------------------------------------------------------------------------


def order_of(measured: Measurements, metric: str = "acc") -> RankStability:
    """The models' order over the default resamples."""
    order = stability.rank_stability(measured, set_intervals.resample(measured, (metric,)), metric)
    assert order is not None
    return order
