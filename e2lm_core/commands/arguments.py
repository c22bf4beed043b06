"""The arguments that several commands share, each with its one name and help text."""

from __future__ import annotations

from typing import Annotated

import typer

Task = Annotated[str, typer.Argument(metavar="TASK", help="The name of a set, or its task folder.")]
Checkpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoints", metavar="GLOB", help="Which checkpoints, as model/iter_…; may be repeated."
    ),
]
Fewshot = Annotated[
    int | None,
    typer.Option("--num-fewshot", metavar="K", help="Examples in the prompt (default: the set's)."),
]
