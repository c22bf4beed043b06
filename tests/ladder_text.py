"""The ladder's training text, for the tests that read all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tokenizers import Tokenizer

from e2lm_core.errors import StudioError
from e2lm_core.settings import ROOT
from ladder.filler import wordnet_folder
from ladder.mixture import Sources, role_texts
from ladder.recipe import LADDER


def training_text(role: str) -> Iterator[str]:
    """Every document that the role's models read, written again from the recipe."""
    try:
        wordnet_folder()
    except StudioError as error:
        pytest.skip(f"The filler cannot be written here: {error}")
    tokenizer = Tokenizer.from_file(str(ROOT / "ladder" / "weights" / "tokenizer.json"))
    for text, _ in role_texts(Sources(LADDER.data_seed), tokenizer, LADDER, role):
        yield text
