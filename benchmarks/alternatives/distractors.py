"""Proposed wrong answers against hidden ones and random ones; false and found alarms of second right answers.

200 questions that the mini models know, of both examples; one distractor of each is hidden. The product's own rule
proposes a text in its place on the models of one architecture. On the models of the other architecture, which took no
part, each text is judged by its share of the answers of checkpoints that miss the question. The random text is an
answer of the question's own kind whose length is within three characters of the proposal's, else the nearest.

Planted second answers: a known question's right answer is replaced by a WordNet synonym of its, and the answer itself,
which the models know, is offered as a wrong answer. Both are true.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from e2lm_core.analysis.alternatives.distractors import PREFERRED_BY, TriedChoices, evaluate_candidates
from e2lm_core.analysis.alternatives.halves import Halves, split_models
from e2lm_core.base.records import Checkpoint, Question, TaskSet
from e2lm_core.checkpoints.ladder.training_facts import open_facts
from e2lm_core.runs import state
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import Studio
from e2lm_core.runs.trials import choices as alternatives
from e2lm_core.runs.trials.choices import ChoiceTrial, plan_choice_trial
from e2lm_core.runs.trials.trial import Trial
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets import collection
from e2lm_core.sets.candidates import plain
from e2lm_core.sets.variants import Variant

# The alarm's bound was set on the draws of 20261130 (a half: 3.0% false) and 20261201 (two thirds: 2.5% false).
SEED = 20261202
COUNTS = {"ladder_science": 130, "ladder_general": 70}
PLANTED = 100
NEAR = 3  # characters
BELOW = 0.03  # the proposal may be judged so much below the hidden choice
WORDNET = Path("/usr/share/wordnet")


@dataclass(frozen=True)
class Judged:
    """Shares of the missing answers of one question on the judging models; NaN if none of their checkpoints misses."""

    question: str
    proposal: float
    hidden: float
    random: float
    is_hidden_alarmed: bool
    alarmed: int
    candidates: int
    p: float | None


def judge_proposals(studio: Studio) -> list[Judged]:
    """The 200 questions, each with its proposal, hidden and random text."""
    found = []
    for name, wanted in COUNTS.items():
        task = collection.open_set(studio.settings, name)
        draw = random.Random(f"{SEED} {name}")
        questions = draw.sample(_known(studio, task), wanted)
        pairs = [(q, draw.choice([i for i in range(len(q.choices)) if i != q.answer])) for q in questions]
        for planned, result, tried in tried_choices(studio, task, pairs):
            found += judged_texts(planned, result, tried, draw)
    return found


def judged_texts(
    planned: ChoiceTrial, result: TriedChoices, tried: Measurements, draw: random.Random
) -> Iterator[Judged]:
    if result.proposal is None:
        return
    row_of = {candidate.text: row for row, candidate in enumerate(planned.candidates, start=1)}
    proposal = row_of[result.proposal.text]
    others = [c.text for c in planned.candidates if c.text != result.proposal.text and c.same is None]
    length = len(result.proposal.text)
    near = [text for text in others if abs(len(text) - length) <= NEAR]
    near = near or sorted(others, key=lambda text: abs(len(text) - length))[:1]
    if not near:
        return
    texts = {"proposal": proposal, "hidden": 0, "random": row_of[draw.choice(near)]}
    gold = planned.question.answer
    shares = {
        what: missing_share(tried, result.halves, row, planned.place, gold) for what, row in texts.items()
    }
    yield Judged(
        planned.question.id,
        **shares,
        is_hidden_alarmed=result.present.is_second_answer,
        alarmed=sum(one.is_second_answer for one in result.tried),
        candidates=len(result.tried),
        p=result.p_value,
    )


def missing_share(tried: Measurements, halves: Halves, row: int, place: int, gold: int) -> float:
    """Share of a choice among the judging models' checkpoints that miss the question; NaN if none does."""
    lls = [curve.ll[:, row] for curve in tried.curves if curve.model.name in halves.judging]
    answers = np.concatenate([ll.argmax(axis=1) for ll in lls])
    missed = answers[answers != gold]
    return float((missed == place).mean()) if len(missed) else float("nan")


def paired(first: list[float], second: list[float]) -> tuple[float, float, float, int]:
    """Mean of a paired difference over questions with its 95% interval, by resampling of questions, and their number."""
    difference = np.array(first) - np.array(second)
    difference = difference[np.isfinite(difference)]
    draws = np.random.default_rng(SEED).integers(0, len(difference), (10_000, len(difference)))
    low, high = np.quantile(difference[draws].mean(axis=1), [0.025, 0.975])
    return float(difference.mean()), float(low), float(high), len(difference)


# --- planted second answers --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planted:
    """One planted true second answer: whether the models, the facts, or either raise an alarm."""

    question: str
    key: str
    second: str
    by_models: bool
    by_facts: bool


def judge_planted(studio: Studio) -> list[Planted]:
    """100 known questions whose right answer is a synonym and whose taught answer is offered as a wrong one."""
    found: list[Planted] = []
    synonyms = Synonyms(WORDNET)
    for name, wanted in (("ladder_general", 40), ("ladder_science", PLANTED)):
        task = collection.open_set(studio.settings, name)
        draw = random.Random(f"{SEED} planted {name}")
        known = _known(studio, task)
        pool = []
        for question in draw.sample(known, len(known)):
            if len(found) + len(pool) >= wanted:
                break
            answer = question.choices[question.answer]
            if synonym := synonyms.of(answer):
                choices = tuple(
                    synonym if i == question.answer else c for i, c in enumerate(question.choices)
                )
                place = draw.choice([i for i in range(len(choices)) if i != question.answer])
                pool.append((question.model_copy(update={"choices": choices}), place, answer))
        changed = {q.id: q for q, _, _ in pool}
        planted = task.model_copy(update={"questions": tuple(changed.get(q.id, q) for q in task.questions)})
        own = {q.id: answer for q, _, answer in pool}
        pairs = [(q, place) for q, place, _ in pool]
        for planned, result, _ in tried_choices(studio, planted, pairs, own):
            second = own[planned.question.id]
            one = next(effect for effect in result.tried if effect.text == second)
            found.append(
                Planted(
                    planned.question.id,
                    planned.question.choices[planned.question.answer],
                    second,
                    by_models=one.preferred >= PREFERRED_BY,
                    by_facts=next(c for c in planned.candidates if c.text == second).fact is not None,
                )
            )
    return found


class Synonyms:
    """Synonyms of a noun's first sense, from WordNet's own files."""

    def __init__(self, folder: Path) -> None:
        self._index: dict[str, int] = {}
        for line in (folder / "index.noun").read_text(encoding="latin-1").splitlines():
            parts = line.split()
            if not line.startswith(" "):
                self._index[parts[0]] = int(parts[-int(parts[2])])
        self._data = (folder / "data.noun").read_bytes()

    def of(self, text: str) -> str | None:
        """A synonym of a noun that shares no word with it; None without one."""
        words = plain(text).replace(" ", "_")
        for form in (words, words.removesuffix("s"), words.removesuffix("es")):
            if (start := self._index.get(form)) is not None:
                parts = self._data[start : start + 4000].split(b"\n", 1)[0].decode("latin-1").split()
                lemmas = [parts[4 + 2 * i].replace("_", " ") for i in range(int(parts[3], 16))]
                own = set(form.split("_"))
                return next((one for one in lemmas if own.isdisjoint(one.casefold().split())), None)
        return None


# --- the trial of many questions at once -------------------------------------------------------------------


def _known(studio: Studio, task: TaskSet) -> list[Question]:
    facts = open_facts(studio.catalogue.taught_file)
    assert facts is not None
    return [q for q in task.questions if facts.is_known(q)]


def tried_choices(
    studio: Studio,
    task: TaskSet,
    pairs: list[tuple[Question, int]],
    own: dict[str, str] | None = None,
    run_on: tuple[tuple[Checkpoint, ...], int | None] | None = None,
    halves: Halves | None = None,
) -> Iterator[tuple[ChoiceTrial, TriedChoices, Measurements]]:
    """Trials of one choice of each question, computed together, judged as the product judges each.

    On the set's fleet and by its halves, or on the given ones.
    """
    checkpoints, shots = run_on or state.fleet_of_set(studio, task.name).run_arguments
    final = alternatives.final_accuracy(
        load_measurements(studio, collection.open_set(studio.settings, task.name), checkpoints, shots)
    )
    plans = [
        plan_choice_trial(
            studio,
            task,
            q.id,
            place,
            checkpoints,
            shots,
            own=[own[q.id]] if own else (),
            from_set=own is None,
        )
        for q, place in pairs
    ]
    (measured,) = _compute(studio, task, plans, checkpoints, shots)
    begin = 0
    for planned in plans:
        rows = slice(begin, begin + 1 + len(planned.candidates))
        begin = rows.stop
        part = _rows(measured, rows)
        split = halves or split_models([curve.model for curve in part.curves])
        result = evaluate_candidates(
            part,
            planned.question.id,
            planned.place,
            planned.question.choices,
            planned.candidates,
            split,
            final,
        )
        yield planned, result, part


def _compute(
    studio: Studio,
    task: TaskSet,
    plans: list[ChoiceTrial],
    checkpoints: tuple[Checkpoint, ...],
    shots: int | None,
) -> list[Measurements]:
    questions = [
        q.model_copy(update={"id": f"{number} {q.id}"})
        for number, planned in enumerate(plans)
        for q in planned.trial.variants[0].questions or ()
    ]
    whole = Trial(studio, task, [Variant(label="all", questions=tuple(questions))], checkpoints, shots)
    whole.compute()
    return whole.measurements()


def _rows(measured: Measurements, rows: slice) -> Measurements:
    curves = tuple(replace(curve, ll=curve.ll[:, rows]) for curve in measured.curves)
    return replace(
        measured,
        question_ids=measured.question_ids[rows],
        subjects=measured.subjects[rows],
        gold=measured.gold[rows],
        chars=measured.chars[rows],
        gold_bytes=measured.gold_bytes[rows],
        curves=curves,
        groups=measured.groups[rows],
        keys=measured.keys[rows],
        choice_texts=None if measured.choice_texts is None else measured.choice_texts[rows],
        question_texts=None if measured.question_texts is None else measured.question_texts[rows],
    )


def differences(judged: list[Judged], is_asked_for: bool = True) -> str:
    """Table of the shares taken by proposals, hidden choices and random answers."""
    rows = []
    for label, first, second, bar in (
        ("proposal − random answer", "proposal", "random", "above 0"),
        ("proposal − hidden choice", "proposal", "hidden", f"not below −{BELOW}"),
        ("hidden choice − random answer", "hidden", "random", "–"),
    ):
        mean, low, high, count = paired(
            [getattr(one, first) for one in judged], [getattr(one, second) for one in judged]
        )
        rows.append(
            f"| {label} | {count} | {mean:+.3f} | {low:+.3f} to {high:+.3f} | {bar if is_asked_for else '–'} |"
        )
    means = " | ".join(
        f"{np.nanmean([getattr(one, what) for one in judged]):.3f}"
        for what in ("proposal", "hidden", "random")
    )
    head = (
        "| difference in share taken | questions | mean | 95% interval | asked for |\n|---|---|---|---|---|\n"
    )
    return (
        f"{head}{chr(10).join(rows)}\n\n| mean share taken: proposal | hidden choice | random answer |\n"
        f"|---|---|---|\n| {means} |"
    )


def tables(judged: list[Judged], planted: list[Planted]) -> Iterator[tuple[str, str]]:
    """Tables of the study, by name."""
    yield "proposals", differences(judged)
    hidden = sum(one.is_hidden_alarmed for one in judged)
    alarmed, tried = sum(one.alarmed for one in judged), sum(one.candidates for one in judged)
    either = sum(one.by_models or one.by_facts for one in planted)
    yield (
        "alarms",
        "| second right answers | number | alarms | share | asked for |\n|---|---|---|---|---|\n"
        f"| hidden wrong answers beside right keys | {len(judged)} | {hidden} | {hidden / len(judged):.1%} | ≤ 2% |\n"
        f"| all candidates beside right keys | {tried} | {alarmed} | {alarmed / tried:.1%} | – |\n"
        f"| planted true second answers | {len(planted)} | {either} | {either / max(1, len(planted)):.0%} | ≥ 80% |\n"
        f"| … by the models alone | {len(planted)} | {sum(o.by_models for o in planted)} | "
        f"{np.mean([o.by_models for o in planted]):.0%} | – |",
    )
    ps = [one.p for one in judged if one.p is not None]
    yield (
        "random_keys",
        "| proposals with a control | p ≤ .05 | p ≤ .10 | median p |\n|---|---|---|---|\n"
        f"| {len(ps)} | {np.mean(np.array(ps) <= 0.05):.0%} | {np.mean(np.array(ps) <= 0.1):.0%} | {np.median(ps):.2f} |",
    )
