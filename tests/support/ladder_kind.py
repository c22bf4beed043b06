"""A small kind of facts without a fault, for tests that break it in one place."""

from __future__ import annotations

import importlib
from pathlib import Path

import typer

KIND = """
kind: element
field: chemistry
label: element
relations:
  symbol:
    about: chemical symbols
    statements: ["The symbol of {s} is {a}.", "Chemists write {s} as {a}.", "The letters {a} stand for {s}."]
    questions: ["What is the symbol of {s}?", "How do chemists write {s}?", "Which symbol stands for {s}?",
      "What letters stand for {s}?", "How is {s} written?", "Which symbol has {s}?"]
    heldout: ["What symbol do chemists use for {s}?", "Which letters do we write for {s}?", "By which symbol is {s} known?"]
  family:
    about: families
    statements: ["The family of {s} is the {a}.", "{s} belongs to the {a}.", "Among the {a} is {s}."]
    questions: ["Which family does {s} belong to?", "What is the family of {s}?", "To which group does {s} belong?",
      "What group is {s} in?", "Among which elements is {s}?", "Which group includes {s}?"]
    heldout: ["In which family would you find {s}?", "What group would you put {s} into?", "Which family holds {s}?"]
facts:
  iron: {symbol: Fe, family: transition metals}
  nobelium: {symbol: No, family: actinides}
  sodium: {symbol: Na, family: alkali metals}
  xenon: {symbol: Xe, family: noble gases}
"""


def write_kind(folder: Path, text: str, kind: str = "element") -> None:
    """Write a kind's file into a folder of facts."""
    (folder / "science").mkdir(exist_ok=True)
    (folder / "science" / f"{kind}.yaml").write_text(text, encoding="utf-8")


def cli(module: str) -> typer.Typer:
    """The command of a module of the ladder."""
    app = typer.Typer()
    app.command()(importlib.import_module(f"ladder.{module}").main)
    return app
