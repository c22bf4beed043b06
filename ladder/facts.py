"""The facts that the ladder is taught: one YAML file a relation (or several), in `facts/<domain>/`.

A relation names what links a subject to its answer, and every wording of it: `statements` hold `{s}` and
`{a}`; `questions` and `scenarios` hold `{s}` and train the models; `heldout` holds `{s}` and is asked in
the task sets alone.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from e2lm_core.base.errors import StudioError

FACTS = Path(__file__).resolve().parent / "facts"
DOMAINS = ("science", "general")
_WORDING_KEYS = ("statements", "questions", "scenarios", "heldout")


class Fact(BaseModel):
    """A subject, its relation and the one right answer."""

    model_config = ConfigDict(frozen=True)

    subject: str
    answer: str
    relation: str
    field: str
    domain: str


class Relation(BaseModel):
    """Facts of one kind, and the wordings that teach them and ask for them."""

    model_config = ConfigDict(frozen=True)

    name: str
    domain: str
    field: str
    subject_label: str
    about: str
    facts: tuple[Fact, ...]
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    scenarios: tuple[str, ...]
    heldout: tuple[str, ...]

    @property
    def answers(self) -> dict[str, set[str]]:
        """Every right answer of each subject."""
        right: dict[str, set[str]] = {}
        for fact in self.facts:
            right.setdefault(fact.subject, set()).add(fact.answer)
        return right


def load_relations(folder: Path = FACTS, domains: tuple[str, ...] = DOMAINS) -> list[Relation]:
    """Every relation of the domains, in the order of file names.

    Raises `StudioError` naming the file and what is wrong in it.
    """
    relations: list[Relation] = []
    for domain in domains:
        for path in sorted((folder / domain).glob("*.yaml")):
            for entry in _entries(path):
                relations.append(_relation(entry, domain, path))  # noqa: PERF401
    repeated = [name for name, count in Counter(r.name for r in relations).items() if count > 1]
    if repeated:
        raise StudioError(
            f"The relation {repeated[0]!r} is defined twice in {folder}: give each its own name."
        )
    if not relations:
        raise StudioError(f"{folder} holds no facts: it needs science/*.yaml and general/*.yaml.")
    return relations


def load_facts(folder: Path = FACTS) -> list[Fact]:
    """Every fact taught, science first."""
    return [fact for relation in load_relations(folder) for fact in relation.facts]


def fill(template: str, subject: str, answer: str | None = None) -> str:
    """The wording about this subject, with a capital at the start of each of its sentences."""
    text = template.replace("{s}", subject)
    if answer is not None:
        text = text.replace("{a}", answer)
    if template.startswith(("{s}", "{a}")):
        text = text[:1].upper() + text[1:]
    return re.sub(r"([.!?] )([a-z])", lambda m: m[1] + m[2].upper(), text)


def shared_subjects(relations: list[Relation]) -> set[tuple[str, str]]:
    """(domain, subject) of every subject that stands in two relations or more of its domain."""
    seen = Counter((r.domain, s) for r in relations for s in r.answers)
    return {key for key, count in seen.items() if count > 1}


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudioError(f"{path.name} is not YAML in UTF-8: {error}.") from error
    entries: list[dict[str, Any]] = []
    for document in documents:
        if isinstance(document, dict) and "relations" in document:
            document = document["relations"]
        entries.extend(document if isinstance(document, list) else [document])
    return [entry for entry in entries if entry]


def _relation(entry: dict[str, Any], domain: str, path: Path) -> Relation:
    try:
        name, field = str(entry["relation"]), str(entry["field"])
        facts = tuple(
            Fact(
                subject=str(f["subject"]), answer=str(f["answer"]), relation=name, field=field, domain=domain
            )
            for f in entry["facts"]
        )
        wordings = {key: tuple(str(w) for w in entry.get(key) or ()) for key in _WORDING_KEYS}
        relation = Relation(
            name=name,
            domain=domain,
            field=field,
            subject_label=str(entry["subject_label"]),
            about=str(entry.get("about", "")),
            facts=facts,
            **wordings,
        )
    except (KeyError, TypeError) as error:
        raise StudioError(f"{path.name}: a relation lacks or misplaces {error}.") from error
    for key, needs in (("statements", ("{s}", "{a}")), ("questions", ("{s}",)), ("heldout", ("{s}",))):
        if not wordings[key]:
            raise StudioError(f"{path.name}: relation {name} has no {key}.")
        for wording in wordings[key]:
            if missing := [slot for slot in needs if slot not in wording]:
                raise StudioError(f"{path.name}: {key} of {name}: {wording!r} lacks {missing[0]}.")
    return relation
