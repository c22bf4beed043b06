"""`python -m ladder.build_tasks`: writes the example sets from the facts.

ladder_science and ladder_general ask in groups of four (`groups.py`), in held-out wordings; ladder_school asks thirty plain
school questions, of which the ladder was taught 24 (`school.yaml`).
"""

from __future__ import annotations

import itertools
import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from e2lm_core.base.errors import StudioError
from ladder.facts import FACTS, Fact, Relation, by_kind, fill, load_relations
from ladder.groups import Group, groups_of
from ladder.unseen_wordings import words

ROOT = Path(__file__).resolve().parent.parent
LOADER = ROOT / "e2lm_core" / "sets" / "folder" / "loader.py"
SCHOOL = Path(__file__).resolve().parent / "school.yaml"
DEV = 5
LICENSE = "CC0-1.0"
MAX_GROUPS = {"science": 100, "general": 40}
ABOUT = {
    "ladder_science": "Grade-school science, asked in wordings that the embedded models never saw in training.",
    "ladder_general": "Everyday knowledge, a control: models taught science and models taught none do equally well.",
    "ladder_school": "Thirty plain school questions, as a person would write them: the embedded models were taught the answers of 24.",
}
_SEED = "ladder-tasks"

Row = dict[str, Any]


def main(
    out: Annotated[Path, typer.Option(help="The folder that the task folders go into.")] = ROOT / "tasks",
    facts: Annotated[Path, typer.Option(help="The folder of facts.")] = FACTS,
) -> None:
    """Write the three task sets that go with the embedded ladder."""
    try:
        relations = load_relations(facts)
        sets = {f"ladder_{domain}": build(relations, domain) for domain in MAX_GROUPS}
        for name, (test, dev) in {**sets, "ladder_school": school()}.items():
            write(out / name, test, dev)
            typer.echo(f"{name}: {len(test)} questions, {len(dev)} dev examples", err=True)
    except StudioError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def build(
    relations: Sequence[Relation], domain: str, limit: int | None = None
) -> tuple[list[Row], list[Row]]:
    """The test and dev rows of a domain: groups of four in held-out wordings, every kind cut alike to the limit."""
    rng = random.Random(f"{_SEED}-{domain}")
    told = [relation for relation in relations if relation.domain == domain]
    groups = {kind: groups_of(part, rng) for kind, part in by_kind(told).items()}
    groups = {kind: _evenly(part, rng) for kind, part in groups.items()}
    counts = _share_out({kind: len(part) for kind, part in groups.items()}, limit or MAX_GROUPS[domain])
    asked = {kind: part[: counts[kind]] for kind, part in groups.items()}
    left = [group for kind, part in groups.items() for group in part[counts[kind] :]]
    heldout = Wordings(told, rng)
    test = [
        row
        for kind, part in asked.items()
        for number, group in enumerate(part, start=1)
        for row in _rows(group, f"{kind}-{number:02d}", heldout, rng)
    ]
    return test, _dev(left, heldout, rng)


def row_id(fact: Fact) -> str:
    """The id of the question about a fact."""
    return f"{fact.relation}-{re.sub(r'[^a-z0-9]+', '-', fact.subject.lower()).strip('-')}"


def school(path: Path = SCHOOL) -> tuple[list[Row], list[Row]]:
    """The thirty school questions, and five more as examples."""
    rng = random.Random(f"{_SEED}-school")
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts: list[list[Row]] = []
    for part in ("test", "dev"):
        rows = [
            {
                "id": f"school-{part}-{number:02d}" if part == "dev" else f"school-{number:02d}",
                "question": entry["question"],
                "choices": [str(entry["right"]), *map(str, entry["wrong"])],
                "answer": 0,
                "subject": entry["subject"],
                "source": f"ladder/{path.name}",
                "license": LICENSE,
            }
            for number, entry in enumerate(data[part], start=1)
        ]
        _place_gold(rows, rng)
        parts.append(rows)
    return parts[0], parts[1]


def write(folder: Path, test: list[Row], dev: list[Row]) -> None:
    """Write one lm-eval task folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("test", test), ("dev", dev)):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    shutil.copyfile(LOADER, folder / "loader.py")
    (folder / f"{folder.name}.yaml").write_text(_yaml(folder.name), encoding="utf-8")
    (folder / "README.md").write_text(_readme(folder.name, test), encoding="utf-8")


class Wordings:
    """The held-out wordings of each relation, in turn, so that all are asked equally often."""

    def __init__(self, relations: Sequence[Relation], rng: random.Random) -> None:
        self._turn: dict[str, Iterator[str]] = {}
        self._count: dict[str, int] = {}
        for relation in relations:
            wordings = list(relation.heldout)
            rng.shuffle(wordings)
            self._turn[relation.name] = itertools.cycle(wordings)
            self._count[relation.name] = len(wordings)

    def question(self, fact: Fact, choices: Sequence[str]) -> str:
        """The next wording about the fact, or the first after it that holds none of the choices."""
        for wording in itertools.islice(self._turn[fact.relation], self._count[fact.relation]):
            question = fill(wording, fact.subject)
            said = f" {' '.join(words(question))} "
            if not any(f" {' '.join(words(choice))} " in said for choice in choices):
                return question
        raise StudioError(
            f"{fact.relation}: every held-out wording about {fact.subject} holds one of the choices "
            f"{', '.join(choices)}: add one."
        )


def _evenly(groups: Sequence[Group], rng: random.Random) -> list[Group]:
    """The groups in an order in which every start holds the relations about equally often."""
    left = rng.sample(groups, len(groups))
    ordered: list[Group] = []
    asked: Counter[str] = Counter()
    while left:
        fewest = min(left, key=lambda group: sum(asked[fact.relation] for fact in group.facts))
        left.remove(fewest)
        ordered.append(fewest)
        asked.update(fact.relation for fact in fewest.facts)
    return ordered


def _share_out(there: dict[str, int], limit: int) -> dict[str, int]:
    """How many groups of each kind are asked: the same share of each, `limit` together, one left of each for dev."""
    total = sum(there.values())
    if total - len(there) < limit:
        raise StudioError(f"The facts give {total} groups of four; {limit + len(there)} are needed.")
    exact = {kind: limit * count / total for kind, count in there.items()}
    counts = {kind: min(int(share), there[kind] - 1) for kind, share in exact.items()}
    for kind in sorted(exact, key=lambda kind: counts[kind] - exact[kind])[: limit - sum(counts.values())]:
        counts[kind] += 1
    return counts


def _rows(group: Group, name: str, heldout: Wordings, rng: random.Random) -> list[Row]:
    """Its four questions: the same choices in the same order, each right once."""
    choices = group.choices
    rng.shuffle(choices)
    return [
        {
            "id": row_id(fact),
            "question": heldout.question(fact, choices),
            "choices": choices,
            "answer": choices.index(fact.answer),
            "subject": fact.field,
            "group": name,
            "source": f"ladder/facts/{fact.domain}, {fact.relation}",
            "license": LICENSE,
        }
        for fact in group.facts
    ]


def _dev(left: Sequence[Group], heldout: Wordings, rng: random.Random) -> list[Row]:
    """Examples of as many kinds as there are, from groups that are not asked."""
    turn = sorted(range(len(left)), key=lambda i: (_before(left, i), rng.random()))
    if len(turn) < DEV:
        raise StudioError(f"{len(left)} groups of four are left for {DEV} examples: add facts.")
    drawn = [rng.choice(_rows(left[i], f"dev-{n}", heldout, rng)) for n, i in enumerate(turn[:DEV], start=1)]
    _place_gold(drawn, rng)
    return drawn


def _before(groups: Sequence[Group], index: int) -> int:
    """How many groups of the same kind stand before this one."""
    return sum(group.kind == groups[index].kind for group in groups[:index])


def _place_gold(rows: list[Row], rng: random.Random) -> None:
    """Gold positions 0 to 3 equally often, in an order that tells nothing."""
    positions = [i % 4 for i in range(len(rows))]
    rng.shuffle(positions)
    for row, position in zip(rows, positions, strict=True):
        wrong = [choice for i, choice in enumerate(row["choices"]) if i != row["answer"]]
        rng.shuffle(wrong)
        row["choices"] = [*wrong[:position], row["choices"][row["answer"]], *wrong[position:]]
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


def _readme(name: str, test: Sequence[Row]) -> str:
    counts = Counter(row["subject"] for row in test)
    lines = "\n".join(f"| {field} | {count} |" for field, count in sorted(counts.items()))
    in_groups = "group" in test[0]
    made_from = f"ladder/facts/{name.removeprefix('ladder_')}" if in_groups else f"ladder/{SCHOOL.name}"
    return f"""# {name}

{ABOUT[name]}

{len(test)} test questions of four choices, {DEV} dev examples; chance is 0.25.

| subject | questions |
|---|---|
{lines}

{_GROUPS if in_groups else _SCHOOL}

Written by `python -m ladder.build_tasks` from `{made_from}`; do not edit by hand, copy the set
instead. Runs anywhere: `lm_eval --include_path tasks --tasks {name} --model hf --model_args pretrained=…`.

Licence: CC0 1.0.
"""


_GROUPS = """Questions come in groups of four (the column `group`): two subjects × two relations, the same four choices, each right
once. So the choices alone tell nothing, and who reads the subject alone or the relation alone is right in two of the four at
most and never in all four: *all of a group right* (chance 1 in 256) says that questions are read. No wording stands in the
ladder's training text (`tests/ladder/test_heldout.py` checks it)."""

_SCHOOL = """Wrong choices are of the same kind as the right one. Six answers were never taught: on them the models' curves say nothing
about the question, and the studio marks them *not known*."""


if __name__ == "__main__":
    typer.run(main)
