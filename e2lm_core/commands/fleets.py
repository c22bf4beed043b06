"""Commands `fleet`: model groups, and which of them a set's numbers are of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ValidationError
from typer import Argument, Option, Typer

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.formatting import quote
from e2lm_core.checkpoints.folders import ModelRoles
from e2lm_core.commands.opening import chosen_checkpoints, open_studio, open_task
from e2lm_core.commands.options import Json, Task, Yes
from e2lm_core.commands.output import ask_confirmation, print_result, print_table

app = Typer(
    no_args_is_help=True,
    help="Model groups: make one, list them, and choose the one that a set's numbers are of.",
)
Name = Annotated[str, Argument(metavar="NAME", help="The name of a model group.")]
ROLES = tuple(ModelRoles.model_fields)


@app.command("list")
def list_fleets(as_json: Json = False) -> None:
    """List the model groups: built-in models, families of a hub, your own."""
    from e2lm_core.runs import fleets

    studio = open_studio()
    rows = []
    for fleet in fleets.list_fleets(studio):
        opened = fleets.open_fleet(studio, fleet)
        rows.append({"name": fleet.name, "models": len(fleet.models), "checkpoints": len(fleet.checkpoints)})
        rows[-1] |= {"missing": len(opened.missing), "digest": opened.digest}
    print_table(as_json, {"fleets": rows}, rows)


@app.command("show")
def show(name: Name, as_json: Json = False) -> None:
    """Show a model group: its models, their roles, checkpoints and early window."""
    from e2lm_core.runs import fleets

    studio = open_studio()
    opened = fleets.open_fleet(studio, fleets.find_fleet(studio, name))
    rows: list[dict[str, Any]] = []
    for model in opened.models:
        own = [c for c in opened.checkpoints if c.model.name == model]
        early = [c for c in own if c.early is not False]
        facts = own[0].model.model_dump(include={"size", "arch", "role", "seed", "seed_of", "twin_of"})
        rows.append({"model": model, **facts, "checkpoints": len(own), "early": len(early)})
    print_table(as_json, {"models": rows}, rows, fleet=opened)


@app.command("make")
def make(
    name: Name,
    checkpoints: Annotated[
        list[str],
        Option(
            "--checkpoints",
            metavar="GLOB",
            help="Checkpoints to use, as MODEL/CHECKPOINT (globs allowed). Repeatable.",
        ),
    ],
    roles: Annotated[
        list[str] | None,
        Option(
            "--role",
            metavar="MODEL:KEY=VALUE",
            help=f"What a model is in the group; may be repeated. Keys: {', '.join(ROLES)}.",
        ),
    ] = None,
    replace: Annotated[bool, Option("--replace", help="Take the place of the group of that name.")] = False,
    as_json: Json = False,
) -> None:
    """Make a model group of checkpoints, with roles that replace those of checkpoints.json."""
    from e2lm_core.runs import fleets
    from e2lm_core.runs.messages.fleets import fleet_size

    studio = open_studio()
    chosen = chosen_checkpoints(studio, checkpoints)
    fleet = fleets.Fleet(name=name, checkpoints=tuple(c.name for c in chosen), roles=parse_roles(roles or ()))
    fleets.save_fleet(studio, fleet, replace)
    opened = fleets.open_fleet(studio, fleet)
    print_result(as_json, {"fleet": opened.document()}, f"Made the model group {name}: {fleet_size(opened)}.")


@app.command("use")
def use(task: Task, name: Name, as_json: Json = False) -> None:
    """Make a model group that of a set: all its numbers are of this group then."""
    from e2lm_core.runs import fleets, state
    from e2lm_core.runs.messages.fleets import fleet_size

    studio = open_studio()
    open_task(studio.settings, task)
    fleet = fleets.find_fleet(studio, name)
    fleets.choose_fleet(studio, task, fleet, state.fleet_of_set(studio, task).num_fewshot)
    opened = state.fleet_of_set(studio, task)
    print_result(
        as_json,
        {"fleet": opened.document()},
        f"{task} is shown with the model group {name}: {fleet_size(opened)}.",
    )


@app.command("remove")
def remove(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Remove a model group of yours; the sets that have it keep its checkpoints."""
    from e2lm_core.runs import fleets

    studio = open_studio()
    fleets.find_fleet(studio, name)
    ask_confirmation(f"Remove the model group {name}?", yes)
    fleets.delete_fleet(studio, name)
    print_result(as_json, {"removed": name}, f"Removed the model group {name}.")


def parse_roles(texts: tuple[str, ...] | list[str]) -> dict[str, ModelRoles]:
    """Roles by model from texts such as `llama-s2:seed_of=llama-s1`.

    Raises:
        CheckpointError: A text is no MODEL:KEY=VALUE, or the value is not allowed.
    """
    values: dict[str, dict[str, str]] = {}
    for text in texts:
        model, colon, fact = text.rpartition(":")
        key, equals, value = fact.partition("=")
        if not (colon and equals and model) or key not in ROLES:
            raise CheckpointError(
                f"{quote(text)} is no role: write MODEL:KEY=VALUE with one of the keys {', '.join(ROLES)}."
            )
        values.setdefault(model, {})[key] = value
    roles = {}
    for model, given in values.items():
        try:
            roles[model] = ModelRoles.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            raise CheckpointError(f"{model}: {first['loc'][0]}: {first['msg']}.") from error
    return roles
