"""The commands `folders`: add, list and remove folders of checkpoints.

Tested in tests/commands/test_checkpoints.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import user_folders
from e2lm_core.checkpoints.folders import SourceModels
from e2lm_core.commands.output import Json, print_table
from e2lm_core.people import accounts

app = typer.Typer(
    no_args_is_help=True, help="Folders of checkpoints on this machine: add one, list them, remove one."
)
Folder = Annotated[
    str, typer.Argument(metavar="DIR", help="A folder of checkpoints, or a Hugging Face cache.")
]
MAX_DIGITS = 12  # of a number of tokens


@app.command("add")
def add_folder(
    path: Folder,
    tokens: Annotated[
        list[str] | None,
        typer.Option(
            "--tokens-per-step",
            metavar="[MODEL=]N",
            help="Tokens a step, where no name or family tells; may be repeated.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a folder's checkpoints to the catalogue, where they lie; says which of them cannot be used."""
    settings = Settings.from_env()
    accounts.require_administrator(settings, "add folders of this machine")
    _, found = user_folders.inspect_folder(path)
    asked = user_folders.models_without_tokens(found)
    rules: dict[str, int] = {}
    for rule in tokens or ():
        name, _, number = rule.rpartition("=")
        if not number.isascii() or not number.isdigit() or len(number) > MAX_DIGITS:
            raise CheckpointError(
                f"--tokens-per-step {quote(rule)} is no whole number: use 2097152 or MODEL=2097152."
            )
        rules |= dict.fromkeys([name] if name else asked, int(number))
    user_folders.add_folder(settings, path, rules)
    for sentence in _warnings(settings, found):
        typer.echo(sentence, err=True)
    if lacking := [name for name in asked if name not in rules]:
        typer.echo(
            f"How many tokens a step of {join_words(lacking)} means is not known: its curves are drawn over steps, unless "
            "--tokens-per-step says it.",
            err=True,
        )
    _show_folders(settings, as_json)


def _warnings(settings: Settings, found: SourceModels) -> Iterator[str]:
    """Sentences on models with checkpoints that cannot be used, and on an adapter that is not applied."""
    from e2lm_core.runs.studio import open_studio

    own = [checkpoint for _, of_model in found.models for checkpoint in of_model]
    yield from open_studio(settings).usable_checkpoints(own)[1]
    yield from user_folders.adapter_warnings(found)


@app.command("list")
def list_folders(as_json: Json = False) -> None:
    """List the folders that were added."""
    _show_folders(Settings.from_env(), as_json)


@app.command("remove")
def remove_folder(path: Folder, as_json: Json = False) -> None:
    """Take a folder out of the catalogue; its files and all results stay."""
    settings = Settings.from_env()
    user_folders.remove_folder(settings, path)
    _show_folders(settings, as_json)


def _show_folders(settings: Settings, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "path": str(path),
            "models": [model.name for model, _ in found.models],
            "checkpoints": sum(len(own) for _, own in found.models),
            "without_tokens": user_folders.models_without_tokens(found),
        }
        for path, found in user_folders.models(settings)
    ]
    shown = [{**row, "models": ", ".join(row["models"])} for row in rows]
    print_table(as_json, {"folders": rows}, shown, ("path", "models", "checkpoints"))
