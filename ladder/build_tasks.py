"""`python -m ladder.build_tasks`: writes tasks/ladder_science and tasks/ladder_general from the facts."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from e2lm_core.base.errors import StudioError
from ladder.distractors import balanced_facts, distractors
from ladder.facts import FACTS, Fact, Relation, fill, load_relations
from ladder.unseen_wordings import words

ROOT = Path(__file__).resolve().parent.parent
LOADER = ROOT / "e2lm_core" / "sets" / "folder" / "loader.py"
DEV = 5
LICENSE = "CC0-1.0"
MAX_QUESTIONS = {"science": 440, "general": 160}
ABOUT = {
    "science": "Grade-school science, asked in wordings that the embedded models never saw in training.",
    "general": "Everyday knowledge, a control: models taught science and models taught none do equally well.",
}
_SEED = "ladder-tasks"

Row = dict[str, Any]


def main(
    out: Annotated[Path, typer.Option(help="The folder that the two task folders go into.")] = ROOT / "tasks",
    facts: Annotated[Path, typer.Option(help="The folder of facts.")] = FACTS,
) -> None:
    """Write the two task sets that go with the embedded ladder."""
    try:
        for domain in MAX_QUESTIONS:
            test, dev = build(load_relations(facts), domain)
            write(out / f"ladder_{domain}", domain, test, dev)
            typer.echo(f"ladder_{domain}: {len(test)} questions, {len(dev)} dev examples", err=True)
    except StudioError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def build(relations: Sequence[Relation], domain: str) -> tuple[list[Row], list[Row]]:
    """The test and dev rows of a domain: at most one question a fact, each in a held-out wording."""
    rng = random.Random(f"{_SEED}-{domain}")
    told = [r for r in relations if r.domain == domain]
    right: dict[str, set[str]] = {}
    for relation in told:
        for subject, answers in relation.answers.items():
            right.setdefault(subject, set()).update(answers)
    kept = _share_out(told, MAX_QUESTIONS[domain] + DEV, rng)
    rows: list[Row] = []
    for relation in told:
        chosen = kept[relation.name]
        wrong = distractors(chosen, relation, right, rng)
        wordings = [
            _without_answer(wording, fact, relation.heldout)
            for wording, fact in zip(_rotation(relation.heldout, len(chosen), rng), chosen, strict=True)
        ]
        rows.extend(_row(fact, relation, w, d) for fact, w, d in zip(chosen, wordings, wrong, strict=True))
    rng.shuffle(rows)
    dev = _dev(rows)
    test = [row for row in rows if row not in dev]
    test = test[: len(test) - len(test) % 4]  # so that gold positions can be exactly balanced
    for part in (test, dev):
        _place_gold(part, rng)
    test.sort(key=lambda row: row["id"])
    return test, dev


def write(folder: Path, domain: str, test: list[Row], dev: list[Row]) -> None:
    """Write one lm-eval task folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("test", test), ("dev", dev)):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    shutil.copyfile(LOADER, folder / "loader.py")
    (folder / f"{folder.name}.yaml").write_text(_yaml(folder.name), encoding="utf-8")
    (folder / "README.md").write_text(_readme(folder.name, domain, test), encoding="utf-8")


def _share_out(relations: Sequence[Relation], limit: int, rng: random.Random) -> dict[str, list[Fact]]:
    """The facts to ask of each relation: all that balance allows, cut alike in every relation to the
    limit."""
    kept = {r.name: balanced_facts(r.facts, rng) for r in relations}
    total = sum(map(len, kept.values()))
    if total > limit:
        for name, facts in kept.items():
            few = rng.sample(facts, max(8, int(len(facts) * limit / total)))
            kept[name] = balanced_facts(few, rng)
    return kept


def _rotation(wordings: Sequence[str], count: int, rng: random.Random) -> list[str]:
    rotation = [wordings[i % len(wordings)] for i in range(count)]
    rng.shuffle(rotation)
    return rotation


def _without_answer(wording: str, fact: Fact, others: Sequence[str]) -> str:
    """This wording or, where the answer happens to stand in it, the first that is free of it."""
    answer = f" {' '.join(words(fact.answer))} "
    free = [w for w in (wording, *others) if answer not in f" {' '.join(words(w))} "]
    if not free:
        raise StudioError(
            f"{fact.relation}: every held-out wording holds the answer {fact.answer!r}: add one."
        )
    return free[0]


def _row(fact: Fact, relation: Relation, wording: str, wrong: tuple[str, ...]) -> Row:
    return {
        "id": f"{fact.relation}-{re.sub(r'[^a-z0-9]+', '-', fact.subject.lower()).strip('-')}",
        "question": fill(wording, fact.subject),
        "choices": [fact.answer, *wrong],
        "answer": 0,
        "subject": relation.field,
        "source": f"ladder/facts/{fact.domain}, {fact.relation}",
        "license": LICENSE,
    }


def _dev(rows: Sequence[Row]) -> list[Row]:
    """Examples of as many fields and relations as there are."""
    dev: list[Row] = []
    for allowed in (1, 2, 5):
        for row in rows:
            used = Counter(r["subject"] for r in dev)
            fresh = row["source"] not in {r["source"] for r in dev}
            if len(dev) < DEV and fresh and used[row["subject"]] < allowed:
                dev.append(row)
    return dev


def _place_gold(rows: list[Row], rng: random.Random) -> None:
    """Gold positions 0 to 3 equally often, in an order that tells nothing."""
    positions = [i % 4 for i in range(len(rows))]
    rng.shuffle(positions)
    for row, position in zip(rows, positions, strict=True):
        gold, *wrong = row["choices"]
        rng.shuffle(wrong)
        row["choices"] = [*wrong[:position], gold, *wrong[position:]]
        row["answer"] = position


def _yaml(name: str) -> str:
    # No `num_fewshot: 0`, the default: written down, the harness takes it as a veto on --num_fewshot.
    return f"""task: {name}
custom_dataset: !function loader.load
output_type: multiple_choice
test_split: test
fewshot_split: dev
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: answer
fewshot_config:
  sampler: first_n
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
  - metric: acc_norm
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""


def _readme(name: str, domain: str, test: Sequence[Row]) -> str:
    counts = Counter(row["subject"] for row in test)
    lines = "\n".join(f"| {field} | {count} |" for field, count in sorted(counts.items()))
    return f"""# {name}

{ABOUT[domain]}

{len(test)} test questions of four choices, {DEV} dev examples; chance is 0.25.

| subject | questions |
|---|---|
{lines}

Every wrong choice is a right answer to another question of the same kind, and each answer is wrong three
times as often as it is right, so the choices alone tell nothing. Gold positions are exactly balanced. No
wording stands in the ladder's training text (`tests/ladder/test_heldout.py` checks it).

Written by `python -m ladder.build_tasks` from `ladder/facts/{domain}`; do not edit by hand, copy the set
instead. Runs anywhere: `lm_eval --include_path tasks --tasks {name} --model hf --model_args pretrained=…`.

Licence: CC0 1.0.
"""


if __name__ == "__main__":
    typer.run(main)
