"""Commands `people` and the sharing commands of `sets`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option, Typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.commands.options import Json, Yes
from e2lm_core.commands.output import ask_confirmation, print_result, print_table, require_file

app = Typer(no_args_is_help=True, help="Who signs in to this studio, and how much is theirs to use.")
AS = "E2LM_AS"
Mine = Annotated[str, Argument(metavar="SET", help="The name of a set of your own.")]
Who = Annotated[str, Argument(metavar="PERSON", help="An id, e-mail or name, see `people list`.")]
RoleOption = Annotated[str, Option("--role", metavar="ROLE", help="`reader` or `editor`.")]
Acting = Annotated[
    str | None,
    Option(
        "--as", metavar="PERSON", help="Act as this person (default: E2LM_AS, else the first administrator)."
    ),
]


def act_as(person: Acting = None) -> None:
    """Make all later commands act as a person.

    This is the person given, else that of `E2LM_AS`, else the home's first administrator.

    Raises:
        StudioError: There is no such person.
    """
    from e2lm_core.people import accounts

    of_environment = os.environ.pop(AS, None)
    if wish := person or of_environment:
        os.environ[AS] = accounts.find_person(Settings.from_env(), wish).id
        return
    try:
        settings = Settings.from_env()
        first = accounts.first_administrator(settings)
    except StudioError:
        return  # the command reports the error if it needs the settings
    if first is not None:
        os.environ[AS] = first.id


@app.command("list")
def people(as_json: Json = False) -> None:
    """List who has signed in, and guests with a workspace, with what they use."""
    from e2lm_core.people import accounts, quotas

    settings = Settings.from_env()
    accounts.require_administrator(settings, "list people")
    rows: list[dict[str, Any]] = []
    for person in accounts.list_people(settings):
        used = {quota.kind.key: quota for quota in quotas.quotas_of(settings, person.id)}
        rows.append(
            {
                "id": person.id,
                "name": person.name,
                "email": person.email,
                "subject": person.subject,
                "administrator": person.administrator,
                "visitor": person.visitor,
                "seen": datetime.fromtimestamp(person.seen_at, UTC).isoformat(timespec="seconds"),
                **{key: quota.used if as_json else quota.text for key, quota in used.items()},
            }
        )
    print_table(as_json, {"people": rows}, rows)


@app.command("administrator")
def administrator(
    person: Who,
    no: Annotated[bool, Option("--no", help="They are no longer one.")] = False,
    as_json: Json = False,
) -> None:
    """Make somebody an administrator; the first one gets what the home held before anybody signed in."""
    from e2lm_core.people import accounts

    one = accounts.set_administrator(Settings.from_env(), person, not no)
    word = "no longer an administrator" if no else "an administrator"
    document = {"id": one.id, "administrator": one.administrator}
    print_result(as_json, document, f"{one.name} ({one.id}) is {word}.")


@app.command("archive")
def archive(
    who: Who,
    out: Annotated[Path, Option("--out", metavar="FILE", help="The zip to write.")],
    as_json: Json = False,
) -> None:
    """Write all that a person has here into a zip: sets with history, drafts, trash, imported results, model groups."""
    from e2lm_core.base import atomic
    from e2lm_core.deploy.home import own_data
    from e2lm_core.people import accounts

    require_file(out)
    settings = Settings.from_env()
    accounts.require_administrator(settings, "write others' data into a file")
    person = accounts.find_person(settings, who)
    data = own_data.archive_own_data(settings, person.id)
    atomic.replace_file(out, data)
    document = {"person": person.id, "path": str(out), "bytes": len(data)}
    print_result(as_json, document, f"Wrote the data of {person.id} to {out}: {len(data):,} bytes.")


@app.command("remove")
def remove(who: Who, yes: Yes = False, as_json: Json = False) -> None:
    """Delete an account with its sets, drafts, results and shares, after asking; nothing brings it back."""
    from e2lm_core.deploy.home import own_data
    from e2lm_core.people import accounts
    from e2lm_core.runs.studio import open_studio

    studio = open_studio()
    accounts.require_administrator(studio.settings, "delete others' accounts")
    person = accounts.find_person(studio.settings, who)
    ask_confirmation(f"Delete the account {person.id} with all its sets? Nothing brings it back.", yes)
    own_data.delete_account(studio, person.id)
    print_result(as_json, {"removed": person.id}, f"Deleted the account {person.id}.")


@app.command("quota")
def quota(
    kind: Annotated[
        str | None, Argument(metavar="KIND", help="`sets`, `bytes`, `results`, `runs`, `cpu` or `uploads`.")
    ] = None,
    most: Annotated[
        float | None, Argument(metavar="MOST", help="How many; bytes, and seconds of CPU, a day.")
    ] = None,
    whose: Annotated[
        str, Option("--person", metavar="PERSON", help="Whose: a person's, `visitors`, or `everybody`.")
    ] = "everybody",
    unset: Annotated[bool, Option("--unset", help="Reset the quota to the default.")] = False,
    as_json: Json = False,
) -> None:
    """Say how much is somebody's to use, or without a KIND list what is."""
    from e2lm_core.people import quotas

    settings = Settings.from_env()
    if kind is not None:
        if (most is None) != unset:
            raise StudioError("Give how much of it, or --unset, and not both.")
        quotas.set_limit(settings, kind, most, whose)
    said = {(who, one.key): number for who, one, number in quotas.limit_overrides(settings)}
    rows, shown = [], []
    for one in quotas.KINDS:
        others = {who: number for (who, key), number in said.items() if key == one.key}
        few = {
            quotas.EVERYBODY: others.pop(quotas.EVERYBODY, one.most),
            quotas.VISITORS: others.pop(quotas.VISITORS, one.most_of_visitor),
        }
        label = {"kind": one.key, "what": one.label}
        rows.append({**label, "unit": one.unit or "number", **few, "people": others})
        amounts = {who: quotas.format_amount(one, number) for who, number in (few | others).items()}
        people = ", ".join(f"{who} {amounts[who]}" for who in others)
        shown.append({**label, **{who: amounts[who] for who in few}, "people": people})
    print_table(as_json, {"quotas": rows}, shown)


def share(task: Mine, person: Who, role: RoleOption = "reader", as_json: Json = False) -> None:
    """Share a set of yours with somebody who has signed in; again with another role changes it."""
    from e2lm_core.people import sharing

    grant = sharing.share(Settings.from_env(), task, person, role)  # type: ignore[arg-type]  # refused there
    address = f"{grant.owner}/{grant.set_name}"
    print_result(
        as_json,
        {"set": address, "person": grant.person, "role": grant.role},
        f"{grant.person} may open {address} as {grant.role}.",
    )


def unshare(task: Annotated[str, Argument(metavar="SET")], person: Who, as_json: Json = False) -> None:
    """Take back what was shared with somebody, or leave a set that was shared with you."""
    from e2lm_core.people import sharing

    sharing.unshare(Settings.from_env(), task, person)
    print_result(as_json, {"set": task, "person": person}, f"{task} is no longer shared with {person}.")


def shares(task: Mine, as_json: Json = False) -> None:
    """List with whom a set is shared, and its links."""
    from e2lm_core.people import sharing

    settings = Settings.from_env()
    rows = [
        {"set": f"{grant.owner}/{grant.set_name}", "with": grant.person, "role": grant.role}
        for grant in sharing.shared_with(settings, task)
    ]
    rows += [
        {"set": f"{link.owner}/{link.set_name}", "with": link.query, "role": link.role}
        for link in sharing.list_links(settings, task)
    ]
    print_table(as_json, {"shares": rows}, rows)


def link(
    task: Mine,
    role: RoleOption = "reader",
    close: Annotated[
        bool, Option("--close", help="Close the set's links: nobody new comes by them.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a link by which anybody who signs in may open a set: the part after the studio's address."""
    from e2lm_core.people import sharing

    settings = Settings.from_env()
    if close:
        closed = sharing.close_links(settings, task)
        print_result(as_json, {"closed": closed}, f"{closed} links to {task} are closed.")
        return
    made = sharing.create_link(settings, task, role)  # type: ignore[arg-type]  # refused there
    print_result(as_json, {"link": made.query, "role": made.role}, made.query)
