"""How often a suspect is one: flaws planted in the ladder's sets, and sets that the models know nothing of.

    python -m benchmarks.coverage.planted [--plantings 20] [--quick] [--write]

Parts of the models: the same, as far as a training step or without the large ones, which know less.

Keys: 5% flipped at random on stored log-likelihoods; of what the list flags, how much was planted, and how much of what was
planted it holds of questions that the large models answered right before. Untaught: draws of 150 science exemplars with
5% flipped keys, where the list must stay empty and say why; and taught sets into which untaught questions are
mixed. Twins: in 5% of the questions a wrong choice says the same as another. Giveaways: in 5% of the questions all wrong choices are
words of no question's answer. The last two are run anew, so they take minutes; `--quick` leaves them out.
Prints the tables; `--write` puts them into docs/studies/suspects.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import study_pages
from benchmarks.coverage.meaningless import EXEMPLARS, part
from e2lm_core.analysis.questions.suspects import keys, messages
from e2lm_core.analysis.questions.suspects.records import Kind, SuspectList
from e2lm_core.base.records import Checkpoint, Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.relevance.embeddings import load_exemplars
from e2lm_core.runs.checkpoint_order import last_of_each
from e2lm_core.runs.evaluate import evaluate
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.sets.collection import open_set
from e2lm_core.sets.prompts.wrong_question_control import control_set

SETS = ("ladder_science", "ladder_general")
SHARE = 0.05


class Found(NamedTuple):
    """One planting: how many were flagged and planted, how many of the flagged were planted, and of those to be found how many were."""

    flagged: int
    planted: int
    right: int
    sought: int
    held: int

    @property
    def precision(self) -> float:
        """Of what is flagged; 1 where nothing is."""
        return self.right / self.flagged if self.flagged else 1.0

    @property
    def recall(self) -> float:
        """Of what is sought."""
        return self.held / self.sought if self.sought else float("nan")


def flipped(measured: Measurements, seed: int, share: float = SHARE) -> tuple[Measurements, set[str]]:
    """The same results under keys of which a share is wrong, and which."""
    rng = np.random.default_rng(seed)
    gold, counts = measured.gold.copy(), measured.choice_counts
    chosen = rng.choice(len(gold), max(1, round(share * len(gold))), replace=False)
    for q in chosen:
        gold[q] = rng.choice([c for c in range(counts[q]) if c != gold[q]])
    return replace(measured, gold=gold), {measured.question_ids[q] for q in chosen}


PARTS: dict[str, tuple[int | None, tuple[str, ...]]] = {
    "all": (None, ("small", "medium", "large")),
    **{f"to step {step:,}": (step, ("small", "medium", "large")) for step in (1000, 1500, 1700, 1800)},
    "small and medium": (None, ("small", "medium")),
}


def part_of_models(measured: Measurements, last: int | None, sizes: Sequence[str]) -> Measurements:
    """The same results on some models, as far as a step (None: to the end); web-only twins stay."""
    curves = []
    for curve in measured.curves:
        at = [k for k, one in enumerate(curve.checkpoints) if last is None or one.step <= last]
        if at and (curve.model.size in sizes or curve.model.twin_of is not None):
            own = tuple(curve.checkpoints[k] for k in at)
            curves.append(replace(curve, checkpoints=own, ll=curve.ll[at]))
    return replace(measured, curves=tuple(curves))


def parts_table(results: dict[str, Measurements], plantings: int) -> str:
    """Table of plantings on parts of the models: how often anything is listed, and how much of it was planted."""
    lines = [
        "| keys of | models | best model knows | plantings with a list | precision, where there is one | recall | right keys "
        "listed, none planted |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, whole in results.items():
        known = known_to_the_large(whole)
        for models, (last, sizes) in PARTS.items():
            some = part_of_models(whole, last, sizes)
            untouched = keys.find_doubtful_keys(some)
            found = [planting(some, seed, known) for seed in range(plantings)]
            speaks = [one for one in found if one.flagged]
            precision = f"{np.mean([one.precision for one in speaks]):.3f}" if speaks else "–"
            recall = f"{np.mean([one.recall for one in found]):.3f}" if speaks else "–"
            lines.append(
                f"| {name} | {models} | {untouched.knowledge or 0:.0%} | {len(speaks)} of {plantings} | {precision} | {recall} "
                f"| {len(flagged(untouched, 'wrong key'))} |"
            )
    return "\n".join(lines)


def known_to_the_large(measured: Measurements) -> set[str]:
    """The questions that the large models, taken together at their last checkpoints, answer as the key says."""
    large = [c for c in measured.curves if c.model.size == "large" and c.model.twin_of is None]
    chosen = np.mean(
        [keys.probabilities(c.ll[keys.last_quarter(measured, c)]).mean(axis=0) for c in large], axis=0
    ).argmax(axis=-1)
    rows = zip(measured.question_ids, chosen, measured.gold, strict=True)
    return {identity for identity, answer, gold in rows if answer == gold}


def flagged(found: SuspectList, kind: Kind) -> set[str]:
    """The questions that are listed as of a kind."""
    return {suspect.question_id for suspect in found.listed if suspect.kind == kind}


def planting(measured: Measurements, seed: int, known: set[str] | None = None) -> Found:
    """Keys flipped and looked for; sought are those of `known` questions, by default of those the large models know."""
    known = known_to_the_large(measured) if known is None else known
    there, planted = flipped(measured, seed)
    listed = flagged(keys.find_doubtful_keys(there), "wrong key")
    held = listed & planted
    return Found(len(listed), len(planted), len(held), len(planted & known), len(held & known))


def untaught(studio: Studio, plantings: int) -> tuple[list[SuspectList], Measurements]:
    """What is said of draws of exemplars, 5% of whose keys are flipped; and the results of all exemplars."""
    questions = tuple(e.question for e in load_exemplars() if e.accepted)
    whole = measured_of(studio, TaskSet(config=TaskConfig(task="exemplars"), questions=questions))
    rng = np.random.default_rng(1)
    said = []
    for seed in range(plantings):
        at = np.sort(rng.choice(len(questions), EXEMPLARS, replace=False))
        unsaid = replace(part(whole, at), told=None)  # else it is known that they cannot tell
        said.append(keys.find_doubtful_keys(flipped(unsaid, seed)[0]))
    return said, whole


def joined(one: Measurements, two: Measurements) -> Measurements:
    """The questions of both, on the checkpoints that are the same."""
    width = max(one.chars.shape[1], two.chars.shape[1])

    def wide(values: np.ndarray) -> np.ndarray:
        room = [(0, 0)] * (values.ndim - 1) + [(0, width - values.shape[-1])]
        return np.pad(values, room, constant_values=np.nan)

    return Measurements(
        task="joined",
        question_ids=one.question_ids + two.question_ids,
        subjects=one.subjects + two.subjects,
        gold=np.concatenate([one.gold, two.gold]),
        chars=np.concatenate([wide(one.chars), wide(two.chars)]),
        gold_bytes=np.concatenate([one.gold_bytes, two.gold_bytes]),
        curves=tuple(
            ModelCurve(
                model=a.model, checkpoints=a.checkpoints, ll=np.concatenate([wide(a.ll), wide(b.ll)], axis=1)
            )
            for a, b in zip(one.curves, two.curves, strict=True)
        ),
        told=None if one.told is None or two.told is None else one.told + two.told,
    )


def mixed(known: Measurements, unknown: Measurements, plantings: int, share: float) -> list[Found]:
    """Taught questions with so large a share of untaught ones among them, 5% of all keys flipped."""
    count = round(len(known.gold) * share / (1 - share))
    rng = np.random.default_rng(2)
    return [
        planting(
            joined(known, part(unknown, np.sort(rng.choice(len(unknown.gold), count, replace=False)))), seed
        )
        for seed in range(plantings)
    ]


def twins(task: TaskSet, seed: int) -> tuple[TaskSet, set[str]]:
    """The set with a wrong choice replaced by another one's twin, in 5% of the questions, and in which."""
    rng = np.random.default_rng(seed)
    changed = {}
    for q in rng.choice(len(task.questions), round(SHARE * len(task.questions)), replace=False):
        question = task.questions[q]
        wrong = [c for c in range(len(question.choices)) if c != question.answer]
        away = int(rng.choice(wrong))
        like = int(rng.choice([c for c in range(len(question.choices)) if c != away]))
        text = question.choices[like]
        same = text.removeprefix("the ") if text.startswith("the ") else f"the {text}"
        changed[question.id] = _with(question, {away: same})
    return _changed(task, changed), set(changed)


def giveaways(task: TaskSet, seed: int) -> tuple[TaskSet, set[str]]:
    """The set with wrong choices that no model has met as an answer, in 5% of the questions, and in which."""
    rng = np.random.default_rng(seed)
    strange = [
        f"{a}{b}" for a in ("zor", "quib", "vex", "plon", "drax", "mub") for b in ("bic", "tle", "lum", "ody")
    ]
    changed = {}
    for q in rng.choice(len(task.questions), round(SHARE * len(task.questions)), replace=False):
        question = task.questions[q]
        wrong = [c for c in range(len(question.choices)) if c != question.answer]
        drawn = rng.choice(strange, len(wrong), replace=False)
        changed[question.id] = _with(question, dict(zip(wrong, map(str, drawn), strict=True)))
    return _changed(task, changed), set(changed)


def _with(question: Question, new: dict[int, str]) -> Question:
    choices = tuple(new.get(c, text) for c, text in enumerate(question.choices))
    return question.model_copy(update={"choices": choices})


def _changed(task: TaskSet, changed: dict[str, Question]) -> TaskSet:
    questions = tuple(changed.get(q.id, q) for q in task.questions)
    return task.model_copy(update={"questions": questions})


def run_anew(
    studio: Studio,
    task: TaskSet,
    plant: Callable[[TaskSet, int], tuple[TaskSet, set[str]]],
    kind: Kind,
    plantings: int,
) -> list[Found]:
    """Planted, run and looked for; everything planted is sought."""
    rows = []
    for seed in range(plantings):
        there, planted = plant(task, seed)
        measured = measured_of(studio, there)
        unread = measured_of(studio, control_set(there), last_of_each(studio.catalogue.checkpoints))
        listed = flagged(messages.all_suspects(measured, unread)[0], kind)
        held = len(listed & planted)
        rows.append(Found(len(listed), len(planted), held, len(planted), held))
    return rows


def measured_of(
    studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint] | None = None
) -> Measurements:
    """The set's results, computed where they are missing."""
    chosen = without_extras(studio.catalogue.checkpoints) if checkpoints is None else checkpoints
    evaluate(studio, task, chosen)
    return load_measurements(studio, task, chosen)


def row(name: str, found: Sequence[Found]) -> str:
    """A line of the table: means over plantings."""
    precision = np.mean([one.precision for one in found])
    recall = np.nanmean([one.recall for one in found])
    return (
        f"| {name} | {np.mean([one.planted for one in found]):.0f} | {np.mean([one.flagged for one in found]):.1f} "
        f"| {precision:.3f} | {recall:.3f} | {len(found)} |"
    )


HEAD = "| planted in | planted | flagged | precision | recall | plantings |\n|---|---|---|---|---|---|"


def main(arguments: list[str] | None = None) -> None:
    """Plant, look, print; `--write` puts the tables into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plantings", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="leave out what must be run anew")
    parser.add_argument("--home", type=Path, help="a home whose results are used and added to")
    parser.add_argument("--write", action="store_true", help="put the tables into the study's page")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        studio = open_studio(Settings(home=options.home or Path(folder)))
        tables = _tables(studio, options.plantings, options.quick)
    for name, table in tables.items():
        print(f"{name}\n{table}\n")
        if options.write:
            study_pages.put("suspects", name, table)


def _tables(studio: Studio, plantings: int, quick: bool) -> dict[str, str]:
    tasks = {name: open_set(studio.settings, name) for name in SETS}
    results = {name: measured_of(studio, task) for name, task in tasks.items()}
    seeds = range(plantings)
    lines = [row(f"keys of {name}", [planting(r, seed) for seed in seeds]) for name, r in results.items()]
    said, unknown = untaught(studio, plantings)
    science = results["ladder_science"]
    for share in (0.1, 0.25):
        name = f"keys of ladder_science, {share:.0%} of its questions untaught"
        lines.append(row(name, mixed(science, unknown, plantings, share)))
        unsaid = mixed(replace(science, told=None), replace(unknown, told=None), plantings, share)
        lines.append(row(f"{name} by models of which it is not known what they were told", unsaid))
    silent = sum(one.why is not None for one in said)
    listed = np.mean([len(one.listed) for one in said])
    know = np.mean([one.knowledge or 0.0 for one in said])
    tables = {
        "keys": "\n".join([HEAD, *lines]),
        "parts": parts_table(results, plantings),
        "untaught": "By models of which it is not known what they were told: "
        f"in {silent} of {len(said)} draws it is said that it cannot be told; {listed:.1f} keys are listed on average. "
        f"The best model is {know:.0%} of the way from chance to all right.",
    }
    if quick:
        return tables
    ends = last_of_each(studio.catalogue.checkpoints)
    lines = [
        "| set | right under others' prompts | chance | p | giveaways | by luck |",
        "|---|---|---|---|---|---|",
    ]
    for name, task in tasks.items():
        _, controlled = messages.all_suspects(results[name], measured_of(studio, control_set(task), ends))
        if controlled is not None:
            lines.append(
                f"| {name} | {controlled.others:.3f} | {controlled.chance:.3f} | {controlled.p:.3f} "
                f"| {len(controlled.listed)} | {controlled.by_luck:.1f} |"
            )
    tables["control"] = "\n".join(lines)
    anew = min(plantings, 5)
    tables["anew"] = "\n".join(
        [
            HEAD,
            *(
                row(f"twins in {n}", run_anew(studio, t, twins, "twin answers", anew))
                for n, t in tasks.items()
            ),
            *(
                row(f"giveaways in {n}", run_anew(studio, t, giveaways, "giveaway", anew))
                for n, t in tasks.items()
            ),
        ]
    )
    return tables


if __name__ == "__main__":
    main()
