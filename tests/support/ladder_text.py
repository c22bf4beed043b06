"""The ladder's training text, for the tests that read all of it."""

from __future__ import annotations

from collections.abc import Iterator

from tokenizers import Tokenizer

from e2lm_core.base.settings import ROOT
from ladder.mixture import Sources, role_texts
from ladder.recipe import LADDER
from tests.conftest import needs


def training_text(role: str) -> Iterator[str]:
    """Every document that the role's models read, written again from the recipe."""
    needs("wordnet")
    tokenizer = Tokenizer.from_file(str(ROOT / "ladder" / "weights" / "tokenizer.json"))
    for text, _ in role_texts(Sources(LADDER.data_seed), tokenizer, LADDER, role):
        yield text
