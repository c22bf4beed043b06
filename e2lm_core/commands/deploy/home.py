"""Commands `backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import Json, print_table

Target = Annotated[Path, typer.Argument(metavar="FILE", help="The backup to write, such as home.tar.gz.")]
Source = Annotated[Path, typer.Argument(metavar="FILE", help="A file that `backup` has written.")]
Yes = Annotated[bool, typer.Option("--yes", help="Put what the home holds aside, in its folder `aside`.")]


def backup(file: Target, as_json: Json = False) -> None:
    """Write the whole home to one file, while people write and runs compute; the cache is left out."""
    from e2lm_core.deploy.home.backup import write_backup as write

    made = write(Settings.from_env(), file)
    print_table(as_json, made.model_dump(mode="json"), [made.model_dump(exclude={"damaged"})])
    for name in made.damaged:
        typer.echo(
            f"{name} is damaged: it is in the backup as it is, as {name}.damaged; the rest is whole.",
            err=True,
        )


def restore(file: Source, yes: Yes = False, as_json: Json = False) -> None:
    """Make the home what a backup holds; the app may run meanwhile, and what was there is put aside."""
    from e2lm_core.deploy.home.restore import restore as bring_back

    restored = bring_back(Settings.from_env(), file, replace=yes)
    print_table(as_json, restored.model_dump(mode="json"), [restored.model_dump()])
