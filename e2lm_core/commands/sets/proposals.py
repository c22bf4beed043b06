"""Command `question propose`: proposals of the language model that the deployer has configured.

commands/main.py adds it, with all others of `question`, to the program.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.settings import Settings
from e2lm_core.commands.options import Json, Mine
from e2lm_core.commands.output import ask_confirmation, print_table, read_file
from e2lm_core.commands.sets.alternatives import app


@app.command("propose")
def propose(
    task: Mine,
    identity: Annotated[
        str | None,
        Argument(metavar="[ID]", help="The question's id, see `question list`; not with --passage."),
    ] = None,
    kind: Annotated[
        str, Option("--kind", metavar="KIND", help="distractors (with --choice), paraphrases or cloze.")
    ] = "paraphrases",
    choice: Annotated[
        str | None, Option("--choice", metavar="LETTER", help="The wrong answer to replace, by its letter.")
    ] = None,
    passage: Annotated[
        Path | None, Option("--passage", metavar="FILE", help="Questions about the text in this file.")
    ] = None,
    show: Annotated[
        bool, Option("--show", help="Print the exact text that would be sent, and send nothing.")
    ] = False,
    agree: Annotated[
        bool, Option("--agree", help="Agree that texts of this set are sent; asked once a set otherwise.")
    ] = False,
    take: Annotated[
        str | None,
        Option(
            "--take",
            metavar="TEXT",
            help="Take this proposed text (of a passage: its JSON) and name the model; nothing is sent.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask the configured language model for proposals; nothing enters the set but by --take."""
    from e2lm_core.assist import answers, consent, service
    from e2lm_core.assist.requests import KINDS, MAX_PASSAGE
    from e2lm_core.runs.trials.choices import take_choice

    settings = Settings.from_env()
    server = service.require_help(settings, task)
    named = next((one for one in KINDS if one == ("passage" if passage is not None else kind)), None)
    if named is None or (named == "passage" and passage is None):
        raise StudioError(
            f"--kind is {quote(kind)}: use distractors, paraphrases or cloze, or --passage FILE."
        )
    text = "" if passage is None else read_file(passage, 4 * MAX_PASSAGE).decode("utf-8", "replace")
    request = service.prepare(settings, task, named, identity, _place(choice), text)
    document: dict[str, Any] = {"task": task, "kind": named, "model": server.model, "url": server.url}
    if show:
        if as_json:
            print_table(True, document | {"text": request.text}, ())
        else:
            typer.echo(request.text)
        return
    if take is not None:
        taken = answers.read_taken(request, take, server.model)
        if request.question is None:
            service.take_question(settings, task, taken.questions[0], server.model)
        elif request.place is not None:
            take_choice(settings, task, request.question, request.place, taken.texts[0], server.model)
        else:
            service.take_text(settings, task, request.question, named, taken.texts[0], server.model)
        print_table(as_json, document | {"taken": take}, (), notes=[f"Taken; `undo {task}` takes it back."])
        return
    if not consent.has_agreed(settings, task, server):
        if not agree:
            if not sys.stdin.isatty():
                raise StudioError(
                    f"Texts of {task} would go to {server.model} at {server.url}: read them with --show, and agree with --agree."
                )
            typer.echo(request.text, err=True)
            ask_confirmation(
                f"Send this and further texts of {task} to {server.model} at {server.url}?", False
            )
        service.agree(settings, task)
    found = service.propose(settings, task, request)
    rows = [{"proposal": one} for one in found.texts] + [
        {"proposal": one.question, "right": one.choices[one.answer], "wrong": list(answers.wrong_of(one))}
        for one in found.questions
    ]
    print_table(
        as_json,
        document | {"proposals": rows, "left_out": found.left_out, "text": request.text},
        rows,
        notes=["These are proposals: read each before you take it."],
    )


def _place(letter: str | None) -> int | None:
    """Index of a choice by its letter.

    Raises:
        StudioError: It is no letter.
    """
    if letter is None:
        return None
    named = letter.strip().upper()
    if len(named) != 1 or not "A" <= named <= "Z":
        raise StudioError(f"--choice is {quote(letter)}: name a choice by its letter, such as B.")
    return ord(named) - ord("A")
