"""Filler: WordNet's glosses as plain sentences, with everything about science left out.

The models need ordinary English around the facts. Glosses of the noun categories that are science by
nature are skipped, and so is every sentence that holds a science subject or a run of a held-out question.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from e2lm_core.base.errors import StudioError
from ladder.unseen_wordings import Guard

SAMPLE = Path(__file__).resolve().parent / "filler_sample.jsonl"
DEFAULT_WORDNET = "/usr/share/wordnet"
# WordNet's lexicographer files: animal, body, object, phenomenon, plant, quantity, substance.
SCIENCE_CATEGORIES = frozenset({"05", "08", "17", "19", "20", "23", "27"})
_SHAPES = {
    "n": (
        "{w}: {g}.",
        "A {w} is {g}.",
        "{W} means {g}.",
        "What is a {w}? It is {g}.",
        "Word: {w}\nMeaning: {g}.",
    ),
    "v": ("To {w} is to {g}.", "{W}: {g}.", "{W} means to {g}.", "Word: {w}\nMeaning: {g}."),
    "a": ("{W} means {g}.", "{W}: {g}.", "Something {w} is {g}.", "Word: {w}\nMeaning: {g}."),
}


def sentences(
    documents: Callable[[random.Random], Iterable[str]],
    science_subjects: Iterable[str],
    guard: Guard,
    seed: str,
) -> list[str]:
    """Every usable document, shuffled by `seed`."""
    blocked = subject_pattern(science_subjects)
    rng = random.Random(seed)
    kept = [text for text in documents(rng) if not blocked.search(text.lower()) and not guard.leaks(text)]
    rng.shuffle(kept)
    return kept


def glosses(wordnet: Path | None = None) -> Callable[[random.Random], Iterable[str]]:
    """WordNet's definitions and usage examples, one document each."""
    folder = wordnet or wordnet_folder()
    return lambda rng: _documents(folder, rng)


def sample() -> Callable[[random.Random], Iterable[str]]:
    """A few thousand of them that ship with the recipe, so that a trial run needs no WordNet."""
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    return lambda _rng: [json.loads(line) for line in lines]


def subject_pattern(subjects: Iterable[str]) -> re.Pattern[str]:
    """Finds any of the subjects as whole words, with a plural s or not, in lower-case text."""
    names = sorted({s.lower() for s in subjects}, key=lambda s: (-len(s), s))
    return re.compile(r"\b(?:" + "|".join(map(re.escape, names)) + r")(?:e?s)?\b")


def wordnet_folder() -> Path:
    """WordNet's data files. Raises `StudioError` where they are not installed."""
    folder = Path(os.environ.get("WNSEARCHDIR") or DEFAULT_WORDNET)
    if not (folder / "data.noun").is_file():
        raise StudioError(
            f"WordNet is not in {folder}: install Debian's wordnet-base, or set WNSEARCHDIR to its data files."
        )
    return folder


def _documents(folder: Path, rng: random.Random) -> Iterator[str]:
    for part, file in (("n", "data.noun"), ("v", "data.verb"), ("a", "data.adj"), ("a", "data.adv")):
        for line in (folder / file).read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("  ") or " | " not in line:
                continue
            data, gloss = line.split(" | ", 1)
            columns = data.split()
            if part == "n" and columns[1] in SCIENCE_CATEGORIES:
                continue
            word = re.sub(r"\(.*?\)", "", columns[4]).replace("_", " ")
            definition, *examples = [piece.strip(" ;`'") for piece in gloss.strip().split('"')]
            definition = re.sub(r"\([^)]*\)", "", definition).split(";")[0].strip(" :,")
            if 12 <= len(definition) <= 160 and definition.isascii() and word.isascii():
                shape = rng.choice(_SHAPES[part])
                if word[0].lower() in "aeiou":
                    shape = shape.replace("A {w}", "An {w}").replace(" a {w}", " an {w}")
                yield shape.format(w=word, W=word[:1].upper() + word[1:], g=" ".join(definition.split()))
            for example in examples:
                if len(example) > 15 and example.isascii() and " " in example:
                    yield example[:1].upper() + example[1:] + ("" if example[-1] in ".!?" else ".")
