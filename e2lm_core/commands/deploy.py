"""Commands `app`, `backup`, `restore`, `deploy` and `publish`: operating a studio.

Tested in tests/commands/deploy/test_space.py, tests/commands/deploy/test_home.py, tests/deploy/test_installed.py
and tests/deploy/dataset/test_publishing.py.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import count, quote
from e2lm_core.base.settings import FILES, ROOT, Settings
from e2lm_core.commands.opening import open_fleet, open_studio, open_task
from e2lm_core.commands.options import Json, Task
from e2lm_core.commands.output import print_result, print_table, require_file, warn

if TYPE_CHECKING:
    from e2lm_core.deploy.space.deployment import DeployPlan

LARGEST_PORT = 65_535
MAX_SHOWN = 50  # changed questions in a table
Target = Annotated[Path, Argument(metavar="FILE", help="The backup to write, such as home.tar.gz.")]
Source = Annotated[Path, Argument(metavar="FILE", help="A file that `backup` has written.")]
PutAside = Annotated[bool, Option("--yes", help="Put what the home holds aside, in its folder `aside`.")]
DoIt = Annotated[bool, Option("--yes", help="Apply the changes (default: show them only).")]


def serve(
    port: Annotated[int, Option("--port", min=1, max=LARGEST_PORT, help="Where it listens.")] = 8501,
    host: Annotated[
        str, Option("--host", metavar="ADDRESS", help="Whom it listens to: 0.0.0.0 is everybody.")
    ] = "127.0.0.1",
    browser: Annotated[bool, Option("--browser", help="Open it in a browser window here.")] = False,
) -> None:
    """Start the studio in the browser; Ctrl+C ends it."""
    _require_free(host, port)
    command = [sys.executable, "-m", "streamlit", "run", str(FILES / "app.py")]
    options = {
        "server.headless": str(not browser).lower(),
        "server.address": host,
        "server.port": str(port),
        "browser.serverAddress": host,
    }
    command += [part for name, value in options.items() for part in (f"--{name}", value)]
    # The server replaces this process, so that signals reach it and its status is the program's.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    os.execv(sys.executable, command)


def _require_free(host: str, port: int) -> None:
    """Raise StudioError for an address on which nothing can listen; the server's own error says less."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((host, port), family=family).close()
    except (OSError, ValueError) as error:  # ValueError: no valid host name
        reason = getattr(error, "strerror", None) or "no address"
        raise StudioError(
            f"The studio cannot listen at {quote(host)}, port {port} ({reason.lower()}): use --host 127.0.0.1, or another "
            "--port."
        ) from error


def backup(file: Target, as_json: Json = False) -> None:
    """Write the whole home to one file, while people write and runs compute; the cache is left out."""
    from e2lm_core.deploy.home.backup import write_backup

    require_file(file)
    made = write_backup(Settings.from_env(), file)
    print_table(as_json, made.model_dump(mode="json"), [made.model_dump(exclude={"damaged"})])
    for name in made.damaged:
        warn(f"{name} is damaged: it is in the backup as it is, as {name}.damaged; the rest is whole.")


def restore(file: Source, yes: PutAside = False, as_json: Json = False) -> None:
    """Make the home what a backup holds, also while the app runs; the former content moves to the folder `aside`."""
    from e2lm_core.deploy.home.restore import restore as bring_back

    restored = bring_back(Settings.from_env(), file, replace=yes)
    print_table(as_json, restored.model_dump(mode="json"), [restored.model_dump()])


def deploy(
    repo: Annotated[str, Argument(metavar="OWNER/NAME", help="The Space to make or to bring up to date.")],
    hardware: Annotated[
        str | None, Option("--hardware", metavar="NAME", help="Such as cpu-basic, cpu-upgrade or l4x1.")
    ] = None,
    bucket: Annotated[
        str | None,
        Option("--bucket", metavar="OWNER/NAME", help="The bucket for /data, made where it is not there."),
    ] = None,
    sign_in: Annotated[
        bool | None,
        Option("--sign-in/--no-sign-in", help="Whether people sign in with the hub (default: as it is)."),
    ] = None,
    variable: Annotated[
        list[str] | None,
        Option("--variable", metavar="NAME=VALUE", help="An environment variable; may be repeated."),
    ] = None,
    private: Annotated[
        bool | None, Option("--private/--public", help="Who may see the Space (default: as it is).")
    ] = None,
    title: Annotated[str | None, Option("--title", help="What the Space is called.")] = None,
    yes: DoIt = False,
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
    if plan.empty:
        said = f"{plan.url} is up to date."
    elif yes:
        said = f"{plan.url} is deployed; it builds for some minutes."
    else:
        said = "Nothing is done yet: add --yes."
    print_result(as_json, document, said)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise StudioError(f"--variable {text[:60]!r} has no value: give it as NAME=VALUE.")
    return name, value


def _say(plan: DeployPlan) -> None:
    """Print the plan as a table."""
    rows: list[dict[str, Any]] = []
    if plan.creates_bucket:
        rows.append({"what": "make", "of": "a private bucket"})
    if plan.creates:
        rows.append({"what": "make", "of": f"the Docker Space {plan.repo}"})
    rows += [{"what": "set", "of": f"{s.name}: {s.before or '–'} → {s.after}"} for s in plan.settings]
    rows += [{"what": "upload", "of": f.path, "bytes": f.bytes} for f in plan.uploads]
    rows += [{"what": "delete", "of": path} for path in plan.deletes]
    if rows:
        size = sum(f.bytes for f in plan.uploads)
        said = f"{count(len(plan.uploads), 'file')} to upload, {size / 1e6:.1f} MB."
        print_table(False, {}, rows, ("what", "of", "bytes"), notes=[said])


def publish(
    task: Task,
    repo: Annotated[str, Argument(metavar="OWNER/NAME", help="The data set to make or to bring up to date.")],
    over: Annotated[
        str | None,
        Option(
            "--over", metavar="REVISION", help="The revision whose difference was seen, to be written over."
        ),
    ] = None,
    private: Annotated[bool, Option("--private", help="Make a new data set for its owner alone.")] = False,
    relevance: Annotated[
        bool,
        Option("--relevance/--no-relevance", help="Judge the questions' scientific relevance for the card."),
    ] = True,
    yes: DoIt = False,
    as_json: Json = False,
) -> None:
    """Write a set to a data set of a hub, as a card with its results and Parquet: shows what changes, does it with --yes."""
    from e2lm_core.deploy.dataset import publishing
    from e2lm_core.export.card.sections import build_sections

    studio = open_studio()
    settings = studio.settings
    question_set = open_task(settings, task)
    publishing.require_publishable(settings, question_set, repo)
    fleet = open_fleet(studio, task)
    measured = build_sections(studio, question_set, fleet, relevance)
    files = publishing.dataset_files(question_set, measured.text, measured.files)
    plan = publishing.plan_publish(settings, question_set, repo, files)
    commit = publishing.publish(settings, question_set, plan, files, over, private) if yes else None
    shown = () if plan.creates else plan.changes[:MAX_SHOWN]
    rows = [{**c.model_dump(exclude={"fields"}), "fields": ", ".join(c.fields)} for c in shown]
    changed = count(len(plan.changes), "question")
    if plan.empty:
        said = f"{plan.url} is up to date, at revision {plan.revision}."
    elif commit is not None:
        said = f"{plan.url} is published, at revision {commit}."
    elif plan.creates:
        said = f"{plan.url} would be made, with {changed}. Add --yes."
    else:
        said = f"{changed} would change in {plan.url}, which is at revision {plan.revision}. "
        said += f"Add --over {plan.revision} --yes."
    document = {**plan.model_dump(mode="json"), "done": yes, "commit": commit}
    print_table(as_json, document, rows, empty="", notes=[said])
