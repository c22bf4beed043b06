"""`python -m ladder.check_facts`: whether facts and wordings are fit to be taught and asked, and how many groups they give.

A held-out wording has a *telling word*: one that stands, in that form, in a training wording of its relation and in none of
another relation of its kind. Without one a model cannot know which relation is asked.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from e2lm_core.base.errors import StudioError
from ladder.facts import DOMAINS, FACTS, Relation, answers_of, by_kind, fill, load_kind
from ladder.groups import groups_of
from ladder.unseen_wordings import Guard, words

LEAST = {"statements": 3, "questions": 6, "heldout": 3}
# Words that tell no relation. "Where", "who", "when", "how" and "many" do.
_EMPTY = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "do",
        "does",
        "did",
        "has",
        "have",
        "had",
        "to",
        "in",
        "on",
        "at",
        "for",
        "from",
        "with",
        "by",
        "as",
        "and",
        "or",
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "what",
        "which",
        "you",
        "we",
        "they",
        "he",
        "she",
        "i",
        "one",
        "would",
        "could",
        "should",
        "can",
        "may",
        "will",
        "me",
        "my",
        "your",
        "our",
        "their",
        "there",
        "here",
        "not",
        "no",
        "if",
        "so",
        "up",
        "out",
        "into",
        "about",
        "than",
        "then",
        "them",
        "him",
        "her",
    ]
)


def main(
    facts: Annotated[Path, typer.Option(help="The folder of facts, with science/ and general/.")] = FACTS,
) -> None:
    """Name everything that is wrong with the facts, and how many groups of four each kind gives."""
    relations: list[Relation] = []
    found: list[str] = []
    for domain in DOMAINS:
        for path in sorted((facts / domain).glob("*.yaml")):
            try:
                relations += load_kind(path, domain)
            except StudioError as error:
                found.append(str(error))
    found += faults(relations)
    for line in found:
        typer.echo(line)
    total: Counter[str] = Counter()
    for kind, told in by_kind(relations).items():
        groups = len(groups_of(told, random.Random(0)))
        subjects = len(told[0].facts)
        count = subjects * len(told)
        total.update({"facts": count, "groups": groups})
        typer.echo(
            f"{kind}: {subjects} subjects × {len(told)} relations = {count} facts, {groups} groups of four"
        )
    typer.echo(f"{total['facts']} facts, {total['groups']} groups of four, {len(found)} faults")
    if found:
        raise typer.Exit(1)


def faults(relations: Sequence[Relation]) -> list[str]:
    """A sentence for everything that is wrong."""
    found = list(_subjects(relations))
    for told in by_kind(relations).values():
        found += [*_answers(told), *_wordings(told)]
    return [*found, *_leaks(relations)]


def _subjects(relations: Sequence[Relation]) -> Iterator[str]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for kind, told in by_kind(relations).items():
        for subject in answers_of(told):
            kinds[subject.lower()].append(kind)
    for subject, where in kinds.items():
        if len(where) > 1:
            yield f"{subject}: a subject of {' and of '.join(where)}: name it otherwise, or leave it out of one."


def _answers(told: Sequence[Relation]) -> Iterator[str]:
    kind = told[0].kind
    rows: dict[tuple[str, ...], str] = {}
    for subject, row in answers_of(told).items():
        twin = rows.setdefault(tuple(row.values()), subject)
        if twin != subject:
            yield f"{kind}: {subject} and {twin} have the same answers."
        for answer, count in Counter(row.values()).items():
            if count > 1:
                yield f"{kind}: {subject}: {answer!r} answers two relations."
        for name, answer in row.items():
            own, plain = (f" {' '.join(words(text))} " for text in (subject, answer))
            if not answer.strip() or answer != answer.strip():
                yield f"{kind}: {subject}: the answer of {name} is {answer!r}."
            elif own in plain or plain in own:
                yield f"{kind}: {subject}: {name} is given away by its answer {answer!r}."
    for relation in told:
        common, count = Counter(fact.answer for fact in relation.facts).most_common(1)[0]
        if count > max(2, len(relation.facts) / 3):
            yield f"{relation.name}: {common!r} is the answer of {count} of {len(relation.facts)} subjects."
        for other in told:
            if other.name < relation.name:
                both = {f.answer for f in relation.facts} & {f.answer for f in other.facts}
                for answer in sorted(both):
                    yield f"{kind}: {answer!r} is an answer of {other.name} and of {relation.name}."


def _wordings(told: Sequence[Relation]) -> Iterator[str]:
    for relation in told:
        for key, least in LEAST.items():
            wordings = getattr(relation, key)
            if len(wordings) < least:
                yield f"{relation.name}: {len(wordings)} {key}, at least {least} are needed."
            for wording in wordings:
                if slots := sorted(set(re.findall(r"\{.*?\}", wording)) - {"{s}", "{a}"}):
                    yield f"{relation.name}: {wording!r} holds {slots[0]}."
                if key != "statements" and "{a}" in wording:
                    yield f"{relation.name}: the question {wording!r} holds its answer."
                if wording[-1] not in ".?":
                    yield f"{relation.name}: {wording!r} does not end as a sentence."
        every = [*relation.statements, *relation.questions, *relation.heldout]
        for wording, count in Counter(every).items():
            if count > 1:
                yield f"{relation.name}: {wording!r} stands twice."
        elsewhere = {
            word
            for other in told
            if other is not relation
            for w in (*other.statements, *other.questions)
            for word in content(w)
        }
        own = {word for w in (*relation.statements, *relation.questions) for word in content(w)}
        for wording in relation.heldout:
            if not content(wording) & own - elsewhere:
                yield (
                    f"{relation.name}: {wording!r} has no telling word: "
                    f"{_told_by(content(wording), own, elsewhere)}."
                )


def content(wording: str) -> set[str]:
    """The words of a wording that can tell its relation."""
    return set(words(wording.replace("{s}", " ").replace("{a}", " "))) - _EMPTY


def _told_by(asked: set[str], own: set[str], elsewhere: set[str]) -> str:
    said = [
        f"{word} ({'in another relation too' if word in elsewhere else 'in no training wording of it'})"
        for word in sorted(asked)
    ]
    good = ", ".join(sorted(own - elsewhere)) or "none"
    return f"{'; '.join(said) or 'no content word'}. Words that tell it: {good}"


def _leaks(relations: Sequence[Relation]) -> Iterator[str]:
    guard = Guard(relations)
    seen: set[tuple[str, str]] = set()
    for relation in relations:
        for key in ("statements", "questions"):
            for wording in getattr(relation, key):
                for fact in relation.facts:
                    run = guard.leaks(fill(wording, fact.subject, fact.answer))
                    if run and (relation.name, wording) not in seen:
                        seen.add((relation.name, wording))
                        yield f"{relation.name}: the {key[:-1]} {wording!r} holds the run {run!r} of a held-out question."


if __name__ == "__main__":
    typer.run(main)
