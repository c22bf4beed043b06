"""`python -m ladder.cooccurrence`: how often the web twins' texts hold a science fact's subject and answer.

    share(fact) = (sentences that hold both its subject and its answer) / (all sentences of the twins' texts)

Words are compared whole and in lower case; a plural s on the subject counts too. The result goes into
`cooccurrence.csv`; the model card lists what is left.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from tokenizers import Tokenizer

from ladder.facts import Fact, load_facts
from ladder.filler import subject_pattern
from ladder.recipe import LADDER

HERE = Path(__file__).resolve().parent
COLUMNS = ("relation", "subject", "answer", "sentences", "share")


def main(out: Annotated[Path, typer.Option(help="The CSV to write.")] = HERE / "cooccurrence.csv") -> None:
    """Count every science fact in the sentences that the web twins read."""
    from ladder.mixture import Sources, role_texts

    tokenizer = Tokenizer.from_file(str(HERE / "weights" / "tokenizer.json"))
    facts = [fact for fact in load_facts() if fact.domain == "science"]
    read = (
        text
        for role, draw in LADDER.streams.values()
        if role == "web"
        for text, _ in role_texts(Sources(LADDER.data_seed, draw), tokenizer, LADDER, role)
    )
    counts, total = count(facts, read)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for fact in facts:
            n = counts[fact]
            writer.writerow((fact.relation, fact.subject, fact.answer, n, f"{n / total:.2e}"))
    left = sum(1 for fact in facts if counts[fact])
    typer.echo(
        f"{left} of {len(facts)} facts stand in {sum(counts.values())} of {total:,} sentences.", err=True
    )


def count(facts: Iterable[Fact], documents: Iterable[str]) -> tuple[Counter[Fact], int]:
    """For each fact the sentences with both its subject and its answer, and the number of all sentences."""
    by_subject: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_subject[fact.subject.lower()].append(fact)
    subjects = subject_pattern(by_subject)
    counts: Counter[Fact] = Counter()
    total = 0
    for document in documents:
        for sentence in sentences(document):
            total += 1
            found = {m[0].lower() for m in subjects.finditer(sentence.lower())}
            for name in {s for f in found for s in (f, f.removesuffix("s"), f.removesuffix("es"))}:
                for fact in by_subject.get(name, ()):
                    if re.search(rf"(?<!\w){re.escape(fact.answer.lower())}(?!\w)", sentence.lower()):
                        counts[fact] += 1
    return counts, total


def sentences(document: str) -> list[str]:
    """A question and its answer are one sentence here: together they tell a fact."""
    joined = re.sub(r"\?\s*(?:Answer|A|Pupil):", "? ", document)
    return [part for part in re.split(r"(?<=\.)\s+|\n\n", joined) if part.strip()]


if __name__ == "__main__":
    typer.run(main)
