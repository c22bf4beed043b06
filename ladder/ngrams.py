"""`python -m ladder.ngrams`: every 13-gram that the ladder's models read, to check questions against.

Written again from the recipe, so it needs WordNet's data files as training does.
"""

from __future__ import annotations

from pathlib import Path

import typer
from tokenizers import Tokenizer

from e2lm_core.base.atomic import replace_file
from e2lm_core.checkpoints.ladder import ngrams
from e2lm_core.sets.checks import text as text_checks
from ladder.mixture import Sources, role_texts
from ladder.recipe import LADDER, Recipe

FOLDER = Path(__file__).resolve().parent
FILE = "ngrams.bin"


def training_ngrams(recipe: Recipe, tokenizer: Tokenizer) -> set[str]:
    """Of all roles' and draws' documents together."""
    found: set[str] = set()
    for role, draw in recipe.streams.values():
        for text, _ in role_texts(Sources(recipe.data_seed, draw), tokenizer, recipe, role):
            found |= text_checks.ngrams(text)
    return found


def main() -> None:
    """Write `ngrams.bin`."""
    tokenizer = Tokenizer.from_file(str(FOLDER / "weights" / "tokenizer.json"))
    data = ngrams.pack(training_ngrams(LADDER, tokenizer))
    replace_file(FOLDER / FILE, data)
    typer.echo(f"{FILE}: {len(data) // 8:,} runs of {text_checks.NGRAM} words, {len(data):,} bytes")


if __name__ == "__main__":
    typer.run(main)
