"""Command `deploy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import Json, print_table

if TYPE_CHECKING:
    from e2lm_core.deploy.space.deployment import DeployPlan

Space = Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The Space to make or to bring up to date.")]
Hardware = Annotated[
    str | None, typer.Option("--hardware", metavar="NAME", help="Such as cpu-basic, cpu-upgrade or l4x1.")
]
Bucket = Annotated[
    str | None,
    typer.Option("--bucket", metavar="OWNER/NAME", help="The bucket for /data, made where it is not there."),
]
SignIn = Annotated[
    bool | None,
    typer.Option("--sign-in/--no-sign-in", help="Whether people sign in with the hub (default: as it is)."),
]
Variables = Annotated[
    list[str] | None,
    typer.Option("--variable", metavar="NAME=VALUE", help="An environment variable; may be repeated."),
]
Private = Annotated[
    bool | None, typer.Option("--private/--public", help="Who may see the Space (default: as it is).")
]
Title = Annotated[str | None, typer.Option("--title", help="What the Space is called.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, only what would be done is shown.")]


def deploy(
    repo: Space,
    hardware: Hardware = None,
    bucket: Bucket = None,
    sign_in: SignIn = None,
    variable: Variables = None,
    private: Private = None,
    title: Title = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Make or update a Docker Space of this studio: shows what it will do, and does it with --yes."""
    from e2lm_core.deploy.space import deployment as space

    settings = Settings.from_env()
    wish = space.SpaceConfig(
        repo=repo,
        title=title,
        hardware=hardware,
        bucket=bucket,
        sign_in=sign_in,
        private=private,
        variables=dict(_pair(text) for text in variable or ()),
    )
    plan = space.plan_deployment(settings, wish)
    if not as_json:
        _say(plan)
    commit = space.deploy(settings, wish, plan) if yes and not plan.empty else None
    document = {
        **plan.model_dump(mode="json", exclude={"uploads", "head"}),
        "uploads": [{"path": f.path, "bytes": f.bytes} for f in plan.uploads],
        "done": yes,
        "commit": commit,
    }
    if as_json:
        print_table(True, document, ())
    elif plan.empty:
        typer.echo(f"{plan.url} is up to date.")
    else:
        typer.echo(
            f"{plan.url} is deployed; it builds for some minutes."
            if yes
            else "Nothing is done yet: add --yes."
        )


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise StudioError(f"--variable {text[:60]!r} has no value: give it as NAME=VALUE.")
    return name, value


def _say(plan: DeployPlan) -> None:
    """Print the plan as a table."""
    rows: list[dict[str, Any]] = []
    if plan.creates_bucket:
        rows.append({"what": "make", "of": "a private bucket", "bytes": None})
    if plan.creates:
        rows.append({"what": "make", "of": f"the Docker Space {plan.repo}", "bytes": None})
    rows += [
        {"what": "set", "of": f"{s.name}: {s.before or '–'} → {s.after}", "bytes": None}
        for s in plan.settings
    ]
    rows += [{"what": "upload", "of": f.path, "bytes": f.bytes} for f in plan.uploads]
    rows += [{"what": "delete", "of": path, "bytes": None} for path in plan.deletes]
    if rows:
        print_table(False, {}, rows)
        size = sum(f.bytes for f in plan.uploads)
        typer.echo(f"{formatting.count(len(plan.uploads), 'file')} to upload, {size / 1e6:.1f} MB.")
