"""The facts that the ladder is taught: one YAML file a kind of subject, in `facts/<domain>/`.

Every subject of a kind has an answer for each of the kind's relations, so that only a question's words tell which of
them is asked. A relation holds every wording of it: `statements` with `{s}` and `{a}`; `questions` with `{s}`, which
train the models; `heldout` with `{s}`, which the task sets alone ask.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from e2lm_core.base.errors import StudioError

FACTS = Path(__file__).resolve().parent / "facts"
DOMAINS = ("science", "general")
_SLOTS = {"statements": ("{s}", "{a}"), "questions": ("{s}",), "heldout": ("{s}",)}
# "a unit", "a euro", "a one": spelt with a vowel, spoken without.
_VOWEL = re.compile(r"(?!uni|use|eu|one\b|u-)[aeiou]", re.IGNORECASE)


class Fact(BaseModel):
    """A subject, its relation and the one right answer."""

    model_config = ConfigDict(frozen=True)

    subject: str
    answer: str
    relation: str
    field: str
    domain: str


class Relation(BaseModel):
    """What links the subjects of a kind to their answers, and the wordings that tell it and ask for it."""

    model_config = ConfigDict(frozen=True)

    name: str  # KIND_RELATION
    kind: str
    domain: str
    field: str
    about: str
    facts: tuple[Fact, ...]
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    heldout: tuple[str, ...]


class _Loader(yaml.BaseLoader):
    """Every value as text ("No" is a symbol, not a falsehood); no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = Counter(key.value for key, _ in node.value)
        for key, count in keys.items():
            if count > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load_relations(folder: Path = FACTS, domains: Sequence[str] = DOMAINS) -> list[Relation]:
    """Every relation of the domains, in the order of file names.

    Raises:
        StudioError: There are no facts, or a file is not in the format.
    """
    paths = [(domain, path) for domain in domains for path in sorted((folder / domain).glob("*.yaml"))]
    relations = [relation for domain, path in paths for relation in load_kind(path, domain)]
    if not relations:
        raise StudioError(f"{folder} holds no facts: it needs science/*.yaml and general/*.yaml.")
    return relations


def load_kind(path: Path, domain: str) -> list[Relation]:
    """The relations of one file.

    Raises:
        StudioError: The file is not in the format; the sentence names what is wrong.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudioError(f"{path.name} is not YAML in UTF-8: {error}.") from error
    try:
        kind, field, rows = data["kind"], data["field"], data["facts"]
        relations = [_relation(key, entry, data, domain) for key, entry in data["relations"].items()]
        for subject, row in rows.items():
            if odd := set(row) ^ set(data["relations"]):
                raise StudioError(
                    f"{path.name}: {subject}: {', '.join(sorted(odd))} is a relation or an answer without the other."
                )
    except (KeyError, TypeError, AttributeError) as error:
        raise StudioError(
            f"{path.name}: a kind needs kind, field, relations and facts; missing or misplaced: {error}."
        ) from error
    if path.stem != kind:
        raise StudioError(f"{path.name}: it holds the kind {kind}: name the file {kind}.yaml.")
    for relation in relations:
        for key, slots in _SLOTS.items():
            wordings = getattr(relation, key)
            if not wordings:
                raise StudioError(f"{path.name}: relation {relation.name} has no {key}.")
            for wording in wordings:
                if missing := [slot for slot in slots if slot not in wording]:
                    raise StudioError(
                        f"{path.name}: {key} of {relation.name}: {wording!r} lacks {missing[0]}."
                    )
    return [
        relation.model_copy(
            update={
                "facts": tuple(
                    Fact(subject=subject, answer=row[key], relation=relation.name, field=field, domain=domain)
                    for subject, row in rows.items()
                )
            }
        )
        for key, relation in zip(data["relations"], relations, strict=True)
    ]


def load_facts(folder: Path = FACTS) -> list[Fact]:
    """Every fact taught, science first."""
    return [fact for relation in load_relations(folder) for fact in relation.facts]


def by_kind(relations: Sequence[Relation]) -> dict[str, list[Relation]]:
    """The relations of each kind of subject."""
    kinds: dict[str, list[Relation]] = {}
    for relation in relations:
        kinds.setdefault(relation.kind, []).append(relation)
    return kinds


def answers_of(relations: Sequence[Relation]) -> dict[str, dict[str, str]]:
    """{subject: {relation: answer}} of one kind's relations."""
    rows: dict[str, dict[str, str]] = {}
    for relation in relations:
        for fact in relation.facts:
            rows.setdefault(fact.subject, {})[relation.name] = fact.answer
    return rows


def fill(template: str, subject: str, answer: str | None = None) -> str:
    """The wording about this subject: with "an" where it needs one, and a capital at the start of each sentence."""
    text = _article(template, "{s}", subject).replace("{s}", subject)
    if answer is not None:
        text = _article(text, "{a}", answer).replace("{a}", answer)
    if template.startswith(("{s}", "{a}")):
        text = text[:1].upper() + text[1:]
    return re.sub(r"([.!?] )([a-z])", lambda m: m[1] + m[2].upper(), text)


def _article(template: str, slot: str, value: str) -> str:
    return re.sub(rf"\b([Aa]) (?={re.escape(slot)})", r"\1n ", template) if _VOWEL.match(value) else template


def _relation(key: str, entry: dict[str, Any], data: dict[str, Any], domain: str) -> Relation:
    return Relation(
        name=f"{data['kind']}_{key}",
        kind=data["kind"],
        domain=domain,
        field=data["field"],
        about=entry["about"],
        facts=(),
        **{wordings: tuple(entry[wordings]) for wordings in _SLOTS},
    )
