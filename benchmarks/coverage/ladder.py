"""Whether the ladder's ranks are real, and whether its models read the question.

    python -m benchmarks.coverage.ladder [--write]

    s^2 = mean over the cells of the variance (n - 1) of a cell's seeds at a step
    a step is real where |difference of two cells' means| >= 2.83 s

A cell is a size and shape, trained from three seeds that read both draws of the text; with six cells s has 12 degrees of
freedom. Means of three that differ by 2.83 s have t = 2.83 sqrt(3 / 2) = 3.47 and p = .005: each of seven steps, judged
together, is sure to 5%. A size as the mean of its two shapes has six seeds: 2.00 s are the same p. RC is asked too of a
set that says nothing: the same answers under random keys, and models that never move from their first checkpoint.

Reading is asked at the last step, with the choices as they are, of: the question as written, its subject alone, the question
without its subject, its words shuffled, another question, no question. Each counts alone and by groups of four: who reads the
subject or the relation alone has none. Every held-out wording is asked of every fact that a group holds: a wording whose relation
is not recognised fails as a block. Prints the tables; `--write` puts them into the ladder's card, ladder/README.md.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from benchmarks.coverage.planted import measured_of
from e2lm_core.analysis import validity
from e2lm_core.base.records import Checkpoint, Question, TaskSet, Value
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.runs.checkpoint_order import last_of_each
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty import null
from e2lm_core.sets.collection import open_set
from e2lm_core.sets.prompts.wrong_question_control import control_set
from ladder.build_tasks import row_id
from ladder.facts import by_kind, fill, load_facts, load_relations
from ladder.groups import groups_of
from scripts import marked

CARD = ROOT / "ladder" / "README.md"
SETS = ("ladder_science", "ladder_general")
SIZES, ARCHS, BOTH = ("small", "medium", "large"), ("arch1", "arch2"), "both"
REAL = 2.83
SEEDS, FREEDOM = 3, 12  # of a cell, and of s
BEST = "ladder-large-arch2"
RANDOM_KEYS = 20

Cell = tuple[str, str]  # size, shape


class Step(NamedTuple):
    """From one cell to another: the difference of their means over so many seeds each, and how many s it is."""

    one: Cell
    other: Cell
    difference: float
    deviations: float
    seeds: int = SEEDS

    @property
    def real(self) -> bool:
        """Whether it is more than seeds make."""
        return abs(self.deviations) >= REAL * math.sqrt(SEEDS / self.seeds)

    @property
    def p(self) -> float:
        """Two-sided p of no difference, with 12 degrees of freedom."""
        return float(2 * stdtr(FREEDOM, -abs(self.deviations) * math.sqrt(self.seeds / 2)))


def cells(measured: Measurements, step: int) -> dict[Cell, list[float]]:
    """{cell: accuracy of each of its seeds at a step}, twins left out."""
    found: dict[Cell, list[float]] = {}
    for curve in measured.curves:
        if curve.model.twin_of is None:
            value = _at(measured, curve, step)
            found.setdefault((str(curve.model.size), str(curve.model.arch)), []).append(value)
    return found


def pooled(found: Mapping[Cell, Sequence[float]]) -> float:
    """s: the root of the mean variance of the cells, which have as many seeds each."""
    return float(np.sqrt(np.mean([np.var(values, ddof=1) for values in found.values()])))


def steps(found: Mapping[Cell, Sequence[float]]) -> tuple[list[Step], list[Step]]:
    """From size to size of each shape, and from shape to shape of each size."""
    s = pooled(found)

    def step(one: Cell, other: Cell) -> Step:
        difference = float(np.mean(found[other]) - np.mean(found[one]))
        return Step(one, other, difference, difference / s)

    sizes = [step((a, arch), (b, arch)) for arch in ARCHS for a, b in itertools.pairwise(SIZES)]
    return sizes, [step((size, ARCHS[0]), (size, ARCHS[1])) for size in SIZES]


def steps_of_sizes(found: Mapping[Cell, Sequence[float]]) -> list[Step]:
    """From size to size, each as the mean of its shapes."""
    s, made = pooled(found), []
    for one, other in itertools.pairwise(SIZES):
        here, there = (np.mean([found[size, arch] for arch in ARCHS]) for size in (one, other))
        difference = float(there - here)
        made.append(Step((one, BOTH), (other, BOTH), difference, difference / s, SEEDS * len(ARCHS)))
    return made


def still(measured: Measurements) -> Measurements:
    """Models that stay at their first checkpoint for ever."""
    curves = [replace(c, ll=np.repeat(c.ll[:1], len(c.ll), axis=0)) for c in measured.curves]
    return replace(measured, curves=tuple(curves))


def random_keys(measured: Measurements) -> Iterator[Measurements]:
    """The same answers under keys that nobody chose."""
    rng = np.random.default_rng(0)
    for _ in range(RANDOM_KEYS):
        yield replace(measured, gold=rng.integers(0, measured.choice_counts))


def rank_consistency(measured: Measurements) -> Value:
    """RC of accuracy with its null."""
    return validity.scores_with_null(measured, "acc").rc


def curves_table(measured: Measurements) -> str:
    """Accuracy by checkpoint of every first seed and twin, and the signal quality of two metrics."""
    shown = [c for c in measured.curves if c.model.seed_of is None]
    every = sorted({int(step) for c in shown for step in c.steps})
    quality = {metric: set_scores.signal_qualities(measured, metric) for metric in ("acc", "norm_prob")}
    lines = [
        f"| model | {' | '.join(map(str, every))} | SQ acc | SQ norm_prob |",
        f"|{'---|' * (len(every) + 3)}",
    ]
    for curve in shown:
        has = set(map(int, curve.steps))
        values = [f"{_at(measured, curve, step):.2f}"[1:] if step in has else "–" for step in every]
        sq = [quality[metric][curve.model.name].sq for metric in quality]
        said = ["–" if value is None else f"{value:.3f}" for value in sq]
        lines.append(f"| {' | '.join([curve.model.short_name, *values, *said])} |")
    return "\n".join(lines)


def seeds_table(measured: Measurements) -> str:
    """Each cell's seeds at the window's end and at the last step."""
    end, last = window(measured)
    lines = [
        f"| size, shape | step {end:,}: seeds | mean | s | step {last:,}: seeds | mean | s |",
        "|---|---|---|---|---|---|---|",
    ]
    here, there = cells(measured, end), cells(measured, last)
    for cell in here:
        parts = []
        for values in (here[cell], there[cell]):
            listed = ", ".join(f"{value:.3f}" for value in values)
            parts += [listed, f"{np.mean(values):.3f}", f"{np.std(values, ddof=1):.3f}"]
        lines.append(f"| {' | '.join([', '.join(cell), *parts])} |")
    lines.append(f"| pooled | | | {pooled(here):.3f} | | | {pooled(there):.3f} |")
    return "\n".join(lines)


def steps_table(measured: Measurements) -> str:
    """Every step of size and shape at the end of the early window and at the last step."""
    end, last = window(measured)
    lines = [
        f"| from | to | step {end:,}: difference | in s | p | real | step {last:,}: difference | in s | p | real |",
        f"|{'---|' * 10}",
    ]
    both = (
        itertools.chain(*steps(found), steps_of_sizes(found))
        for found in (cells(measured, step) for step in (end, last))
    )
    for here, there in zip(*both, strict=True):
        said = [
            f"{step.difference:+.3f} | {step.deviations:+.2f} | {step.p:.2g} | {'yes' if step.real else 'no'}"
            for step in (here, there)
        ]
        lines.append(f"| {', '.join(here.one)} | {', '.join(here.other)} | {' | '.join(said)} |")
    return "\n".join(lines)


def subjects() -> dict[str, str]:
    """{id of a question: the subject it asks about}."""
    return {row_id(fact): fact.subject for fact in load_facts()}


def _without(question: str, subject: str) -> str:
    gone = re.sub(rf"\b{re.escape(subject)}\b", "", question, flags=re.IGNORECASE)
    return re.sub(r" +(?=[?.,])", "", " ".join(gone.split()))


def _shuffled(question: str) -> str:
    found = question.rstrip("?.").split()
    random.Random(question).shuffle(found)
    return " ".join(found) + "?"


# What is asked in place of a question about a subject.
TEXTS: dict[str, Callable[[str, str], str]] = {
    "written": lambda question, _: question,
    "subject alone": lambda _, subject: f"{subject}?",
    "relation alone": _without,
    "shuffled": lambda question, _: _shuffled(question),
}
IN_GROUPS = ("written", "subject alone", "relation alone", "shuffled")


def asked_otherwise(task: TaskSet, text: Callable[[str, str], str]) -> TaskSet:
    """The set with other texts in place of its questions."""
    of = subjects()
    questions = tuple(
        q.model_copy(update={"question": text(q.question, of[q.id]), "id": f"otherwise {q.id}"})
        for q in task.questions
    )
    return task.model_copy(update={"questions": questions})


def readings(studio: Studio, task: TaskSet) -> dict[str, dict[str, np.ndarray]]:
    """{model: {condition: right or not [questions]}} at the last checkpoints of first seeds and twins."""
    ends = last_of_first_seeds(studio)
    sets = {name: asked_otherwise(task, text) for name, text in TEXTS.items()}
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, there in sets.items():
        for model, right in _right(studio, there, ends).items():
            found.setdefault(model, {})[name] = right
    control = control_set(task)
    variant = np.array([q.id.split(" ")[0] for q in control.questions])  # 0 no question, 1 to 4 another one
    other = np.char.isdigit(variant) & (variant != "0")
    for model, right in _right(studio, control, ends).items():
        found[model] |= {"other question": right[other], "no question": right[variant == "0"]}
    return found


def last_of_first_seeds(studio: Studio) -> list[Checkpoint]:
    """The last checkpoint of every first seed and twin."""
    return [c for c in last_of_each(studio.catalogue.checkpoints) if c.model.seed_of is None]


def _right(studio: Studio, task: TaskSet, ends: Sequence[Checkpoint]) -> dict[str, np.ndarray]:
    measured = measured_of(studio, task, ends)
    return {c.model.short_name: measured.per_question[c.model.name]["acc"][-1] for c in measured.curves}


def readings_table(found: Mapping[str, Mapping[str, np.ndarray]]) -> str:
    """Accuracy in each condition, and of all four of a group."""
    conditions = list(next(iter(found.values())))
    lines = [
        f"| model | {' | '.join(conditions)} | {' | '.join(f'{name}: all four' for name in IN_GROUPS)} |",
        f"|{'---|' * (1 + len(conditions) + len(IN_GROUPS))}",
    ]
    for model, by_condition in found.items():
        values = [f"{np.mean(by_condition[name]):.3f}" for name in conditions]
        values += [f"{all_four(by_condition[name]):.3f}" for name in IN_GROUPS]
        lines.append(f"| {model} | {' | '.join(values)} |")
    return "\n".join(lines)


def all_four(right: np.ndarray) -> float:
    """Share of groups of which all four questions are right; they stand one after the other."""
    return float(np.mean(right.reshape(-1, 4).min(axis=1)))


def every_wording(task: TaskSet) -> TaskSet:
    """Every science fact that a group can hold, asked in each of its held-out wordings; the id ends in the wording's number."""
    rng = random.Random("wordings")
    told = by_kind(load_relations(domains=("science",)))
    wordings = {relation.name: relation.heldout for part in told.values() for relation in part}
    questions = [
        Question(
            id=f"{fact.relation} {number} {fact.subject}",
            question=fill(wording, fact.subject),
            choices=tuple(group.choices),
            answer=group.choices.index(fact.answer),
        )
        for part in told.values()
        for group in groups_of(part, rng)
        for fact in group.facts
        for number, wording in enumerate(wordings[fact.relation])
    ]
    return task.model_copy(update={"questions": tuple(questions)})


def wordings_of(studio: Studio, task: TaskSet) -> dict[str, dict[str, float]]:
    """{relation: {held-out wording: accuracy of the best model in it}}."""
    there = every_wording(task)
    best = [c for c in last_of_first_seeds(studio) if c.model.name == BEST]
    (right,) = _right(studio, there, best).values()
    heldout = {relation.name: relation.heldout for relation in load_relations(domains=("science",))}
    found: dict[str, dict[str, list[float]]] = {}
    for question, value in zip(there.questions, right, strict=True):
        relation, number, _ = question.id.split(" ", 2)
        found.setdefault(relation, {}).setdefault(heldout[relation][int(number)], []).append(float(value))
    return {r: {w: float(np.mean(values)) for w, values in part.items()} for r, part in found.items()}


def wordings_table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Each relation's mean, and its worst wording."""
    lines = ["| relation | mean | lowest | of the wording |", "|---|---|---|---|"]
    for relation, by_wording in found.items():
        worst = min(by_wording, key=lambda wording: by_wording[wording])
        mean = np.mean(list(by_wording.values()))
        lines.append(f"| {relation} | {mean:.2f} | {by_wording[worst]:.2f} | {worst} |")
    return "\n".join(lines)


def null_table(measured: Measurements) -> str:
    """RC of the set, of models that stand still and of random keys, against its 95% point under random answers."""
    lines = ["| answers | RC | null's 95% point | p |", "|---|---|---|---|"]
    for name, there in (("as they are", measured), ("of models that never move", still(measured))):
        value = rank_consistency(there)
        if value.value is None or value.null is None:
            lines.append(f"| {name} | undefined | – | – |")
        else:
            lines.append(f"| {name} | {value.value:.3f} | {value.null.q95:.3f} | {value.null.p:.3f} |")
    said = [rank_consistency(there) for there in random_keys(measured)]
    defined = [value.null.p for value in said if value.null is not None]
    above = sum(p <= null.LEVEL for p in defined)
    lines.append(f"| {RANDOM_KEYS} times under random keys | | above it in {above} of {len(defined)} | |")
    return "\n".join(lines)


def window(measured: Measurements) -> tuple[int, int]:
    """The last step of the early window and of training."""
    first = next(c for c in measured.curves if c.model.counts_in_scores)
    return int(first.steps[first.early][-1]), int(first.steps[-1])


def _at(measured: Measurements, curve: ModelCurve, step: int) -> float:
    return float(measured.values(curve.model.name, "acc")[curve.steps == step][0])


def tables() -> dict[str, str]:
    """{mark in the card: its table}, from results that the package brings or that are computed once."""
    with tempfile.TemporaryDirectory() as home:
        studio = open_studio(Settings(home=Path(home)))
        tasks = [open_set(studio.settings, name) for name in SETS]
        science, general = (measured_of(studio, task) for task in tasks)
        reading = readings(studio, tasks[0])
        wordings = wordings_of(studio, tasks[0])
    return {
        "science": curves_table(science),
        "general": curves_table(general),
        "seeds": seeds_table(science),
        "steps": steps_table(science),
        "null": null_table(science),
        "reading": readings_table(reading),
        "wordings": wordings_table(wordings),
    }


def main(arguments: list[str] | None = None) -> None:
    """Print the tables; `--write` puts them into the card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="put the tables into ladder/README.md")
    options = parser.parse_args(arguments)
    text = CARD.read_text(encoding="utf-8")
    for name, table in tables().items():
        print(f"{name}\n{table}\n")
        text = marked.replaced(text, name, table)
    if options.write:
        CARD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
