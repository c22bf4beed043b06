"""Entry point of the command line.

Tables for people by default; with `--json`, `--csv` or `--latex` that form alone on stdout, and progress on stderr. Exit 0; 1 if `check`
or `verify` finds a fault of a set; 2 with one sentence on bad input. Heavy libraries are imported by the
commands that need them.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.settings import misspelt_variables
from e2lm_core.base.version import VERSION
from e2lm_core.commands import (
    checkpoints,
    deploy,
    export,
    facts,
    fleets,
    questions,
    results,
    runs,
    shelf,
    starter,
)
from e2lm_core.commands.analysis import compare, decide, forms, learning_map, order, plan, ranks, score
from e2lm_core.commands.output import warn
from e2lm_core.commands.sets import collection, groups, history, judgements, people, proposals
from e2lm_core.commands.table_formats import add_table_formats

PROGRAM = "e2lm"  # command of an installed studio

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {VERSION}")
        raise typer.Exit


@app.callback()
def program(
    person: people.Acting = None,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit."),
    ] = False,
) -> None:
    """E2LM Task Studio: question sets that tell young language models apart."""
    people.act_as(person)


for command in (
    *(collection.tasks, history.undo, history.redo, history.versions),
    *(checkpoints.checkpoints, runs.evaluate, runs.worker),
    *(score.sq, score.score, ranks.ranks, ranks.parting),
    *(questions.questions, questions.suspects, questions.problems, questions.choose, questions.relevance),
    judgements.judgements,
    *(forms.forms, order.order, compare.compare, decide.decide, plan.plan, groups.groups, facts.facts),
    *(export.check, export.export, export.verify, export.report, results.import_results),
    *(deploy.backup, deploy.restore, deploy.deploy, deploy.publish),
):
    app.command()(command)
app.command("app")(deploy.serve)
app.command("smollm2")(checkpoints.unpack_smollm2)
app.command("import")(collection.import_set)
app.command("map")(learning_map.learning_map)
for sharing in (people.share, people.unshare, people.shares, people.link):
    collection.app.command()(sharing)
checkpoints.app.command("starter")(starter.starter)
app.add_typer(collection.app, name="sets")
app.add_typer(people.app, name="people")
app.add_typer(proposals.app, name="question")  # commands on one question and on many
app.add_typer(history.app, name="version")
app.add_typer(checkpoints.app, name="hub")
app.add_typer(checkpoints.folders_app, name="folders")
app.add_typer(fleets.app, name="fleet")
app.add_typer(results.app, name="results")
app.add_typer(shelf.app, name="shelf")
add_table_formats(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its status; bad input gives one sentence, never a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = PROGRAM if Path(sys.argv[0]).stem == PROGRAM else "python -m e2lm_core"
    asked = os.environ.get(people.AS)
    try:
        _require_text(words)
        _require_completable(words, name)
        if words[:1] != ["app"]:  # the server logs these sentences itself
            warn(*misspelt_variables())
        code = _program().main(args=words, prog_name=name, standalone_mode=False)
    except StudioError as error:
        _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:  # the reader of the output, such as head, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _fail(
            f"{error.filename or 'A file'} cannot be used ({error.strerror or error}): check its path and rights."
        )
    except Exception as error:
        # Usage errors of the argument parser, whichever copy of click typer was built with.
        if not hasattr(error, "format_message"):
            raise
        text = error.format_message().rstrip()
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(text)
            sys.exit(0)
        _fail(text if text.endswith((".", "?")) else f"{text}.")
    finally:
        os.environ.pop(people.AS, None)
        if asked is not None:
            os.environ[people.AS] = asked
    sys.exit(code if isinstance(code, int) else 0)


# --- within -------------------------------------------------------------------------------------------


@functools.cache
def _program() -> typer.core.TyperGroup:
    """The parser of every command: a twentieth of a second to build."""
    program = typer.main.get_command(app)
    assert isinstance(program, typer.core.TyperGroup)
    return program


def _require_text(words: Sequence[str]) -> None:
    """Raise StudioError for a word that is no text: with bytes that are not UTF-8, or with a NUL."""
    for word in words:
        if "\0" in word or any("\ud800" <= c <= "\udfff" for c in word):
            raise StudioError(
                f"{quote(word)} is no text in UTF-8: write it anew, or name the file otherwise."
            )


def _require_completable(words: Sequence[str], name: str) -> None:
    """Raise StudioError for completion of `python -m e2lm_core`: a shell completes programs of one word."""
    for word in words:
        if word in ("--install-completion", "--show-completion") and name != PROGRAM:
            raise StudioError(
                f"{word} is for the installed program: run `pip install .`, then `{PROGRAM} {word}`."
            )


def _fail(sentence: str) -> None:
    typer.echo(formatting.one_line(sentence), err=True)
    sys.exit(2)
