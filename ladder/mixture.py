"""The data streams: documents of three sources, mixed by tokens.

One stream a role and draw. Models of one role and draw, whatever their size and shape, read the same tokens in
the same order; another draw tells the same facts as often, in other documents and another order. A web twin reads
the general facts and more filler.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from e2lm_core.base.errors import StudioError
from ladder import filler
from ladder.facts import FACTS, Relation, load_relations
from ladder.primer import Primer
from ladder.recipe import SEPARATOR, Recipe
from ladder.tokenizer import train_tokenizer
from ladder.unseen_wordings import Guard

_CHUNK = 2_000  # documents encoded at a time
TOKENIZER_DOCUMENTS = 20_000  # of each source


class Sources:
    """Where a draw's documents come from: `science`, `general` and `filler`, each reproducible from seed and draw."""

    def __init__(
        self,
        seed: str,
        draw: str,
        facts: Path = FACTS,
        wordnet: Path | None = None,
        sample_only: bool = False,
    ) -> None:
        """`sample_only`: the filler that ships with the recipe, for runs that need little of it."""
        self.relations: list[Relation] = load_relations(facts)
        self._seed, self.draw = seed, draw
        self._guard = Guard(self.relations)
        self._wordnet = wordnet
        self._sample_only = sample_only
        self._filler: list[str] | None = None

    def documents(self, source: str) -> Iterator[str]:
        """An endless stream; the filler starts again when it is used up."""
        if source == "filler":
            return itertools.cycle(self._sentences())
        return self._primer(source).documents()

    def _primer(self, domain: str) -> Primer:
        told = [r for r in self.relations if r.domain == domain]
        if not told:
            raise StudioError(f"There are no {domain} facts to teach: add facts/{domain}/*.yaml.")
        return Primer(told, self._guard, f"{self._seed}-{domain}", self.draw)

    def _sentences(self) -> list[str]:
        if self._filler is None:
            subjects = {f.subject for r in self.relations if r.domain == "science" for f in r.facts}
            read = filler.sample() if self._sample_only else filler.glosses(self._wordnet)
            self._filler = filler.sentences(read, subjects, self._guard, f"{self._seed}-filler-{self.draw}")
        return self._filler


def build_tokenizer(sources: Sources, recipe: Recipe) -> Tokenizer:
    """Trained on equally many documents of each source, so that every model can spell every domain."""
    samples = (
        itertools.islice(sources.documents(s), TOKENIZER_DOCUMENTS) for s in ("science", "general", "filler")
    )
    return train_tokenizer(itertools.chain.from_iterable(samples), recipe.vocabulary)


def role_texts(
    sources: Sources, tokenizer: Tokenizer, recipe: Recipe, role: str
) -> list[tuple[str, list[int]]]:
    """The documents that a role reads, in order, each with its tokens.

    Each source is read until its share of the tokens is full, then all documents are shuffled.
    """
    total = recipe.steps * recipe.tokens_per_step
    read: list[tuple[str, list[int]]] = []
    for source, share in recipe.shares[role].items():
        if share:
            read.extend(_take(sources.documents(source), tokenizer, round(total * share)))
    random.Random(f"{recipe.data_seed}-order-{sources.draw}").shuffle(read)
    return read


def role_stream(sources: Sources, tokenizer: Tokenizer, recipe: Recipe, role: str) -> np.ndarray:
    """uint16[steps, batch, trained_context]: the tokens that a role's models are trained on."""
    texts = role_texts(sources, tokenizer, recipe, role)
    flat = np.fromiter(itertools.chain.from_iterable(ids for _, ids in texts), dtype=np.uint16)
    total = recipe.steps * recipe.tokens_per_step
    return flat[:total].reshape(recipe.steps, recipe.batch, recipe.trained_context)


def _take(documents: Iterator[str], tokenizer: Tokenizer, budget: int) -> Iterator[tuple[str, list[int]]]:
    separator = tokenizer.token_to_id(SEPARATOR)
    if separator is None:
        raise StudioError(
            f"The tokenizer has no {SEPARATOR} token: delete weights/tokenizer.json, train again."
        )
    taken = 0
    while True:
        chunk = list(itertools.islice(documents, _CHUNK))
        for text, encoding in zip(chunk, tokenizer.encode_batch(chunk), strict=True):
            ids = [separator, *encoding.ids]
            yield text, ids
            taken += len(ids)
            if taken >= budget:
                return
