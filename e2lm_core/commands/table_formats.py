"""Options `--csv` and `--latex` of every command that prints a table.

Tested in tests/commands/test_table_formats.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Annotated, Any

from typer import Option, Typer
from typer.core import TyperCommand
from typer.main import get_command

from e2lm_core.base.errors import StudioError
from e2lm_core.commands import output

HELPS = {
    "csv": "Print the table's values as CSV on stdout, unrounded; notes go to stderr.",
    "latex": "Print the table as a LaTeX tabular (booktabs) on stdout.",
}
_PACKAGE = "e2lm_core.commands"


class TableCommand(TyperCommand):
    """Command that prints its table as text, CSV or LaTeX."""

    def __init__(self, *arguments: Any, params: list[Any] | None = None, **options: Any) -> None:
        own = _options()
        given = list(params or [])
        place = next((n for n, one in enumerate(given) if one.name == "as_json"), len(given) - 1) + 1
        super().__init__(*arguments, params=[*given[:place], *own, *given[place:]], **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command with the chosen form of output.

        Raises:
            StudioError: More than one form was asked for.
        """
        forms = [form for form in HELPS if ctx.params.pop(form, False)]
        if len(forms) + bool(ctx.params.get("as_json")) > 1:
            raise StudioError("--json, --csv and --latex are forms of one output: give one of them.")
        with output.table_form(forms[0] if forms else None):
            return super().invoke(ctx)


@lru_cache
def _options() -> tuple[Any, ...]:
    """The options of both forms, made once by Typer itself from a command of their own."""
    own = Typer(add_completion=False)

    @own.command()
    def forms(
        csv: Annotated[bool, Option("--csv", help=HELPS["csv"])] = False,
        latex: Annotated[bool, Option("--latex", help=HELPS["latex"])] = False,
    ) -> None:
        pass

    return tuple(get_command(own).params)


def add_table_formats(app: Typer) -> None:
    """Give every command of an application that has `--json` and prints a table the other two forms."""
    for command in app.registered_commands:
        if command.callback is not None and prints_table(command.callback):
            command.cls = TableCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            add_table_formats(group.typer_instance)


def prints_table(callback: Callable[..., Any]) -> bool:
    """Whether a command has `--json` and calls `output.print_table`, itself or by a function of its room."""
    return "as_json" in getattr(callback, "__annotations__", {}) and _calls_print_table(callback, set())


def _calls_print_table(function: Any, looked_at: set[CodeType]) -> bool:
    if not isinstance(function, FunctionType) or not function.__module__.startswith(_PACKAGE):
        return False
    if function.__code__ in looked_at or function is output.print_result:
        return False
    looked_at.add(function.__code__)
    called = [function.__globals__.get(name) for name in function.__code__.co_names]
    return output.print_table in called or any(_calls_print_table(one, looked_at) for one in called)
